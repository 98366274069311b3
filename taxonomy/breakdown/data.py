"""Candidates against error types: every figure of the breakdown, as the page and the report show it.

All of it comes from counts of verdicts (``tallying``), of what checks judged (``judged``), and from the tree of one
version of the taxonomy (``rolling``). Equal data and filters, equal figures, to the byte of ``Breakdown.as_json``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from evalhub.projects.models import Project
from evalhub.runs.figures import figures_of
from evalhub.runs.models import Run
from taxonomy.breakdown.cells import Cell, Weighted, cell_of, weighted_of
from taxonomy.breakdown.figures import Breakdown, Column, Pair, Row
from taxonomy.breakdown.filters import Filters
from taxonomy.breakdown.judged import Checks, Meant, active_checks, judging_of, meant_checks
from taxonomy.breakdown.narrowing import Narrowing, narrowing_of
from taxonomy.breakdown.rolling import ANY, NOT_IN_VERSION, Roller, RunCounts
from taxonomy.breakdown.runs import ChosenRuns, chosen_runs, compared_versions, version_of
from taxonomy.breakdown.spread import Spread, spread_of
from taxonomy.breakdown.strata import Stratum, unread_strata
from taxonomy.breakdown.tallying import counts_of
from taxonomy.models import SeverityWeights, Source
from taxonomy.statistics.weighting import Group, hajek
from taxonomy.tree import Tree, TreeType, with_ancestors
from taxonomy.versions import tree_of

__all__ = ["Breakdown", "breakdown_of"]


def breakdown_of(project: Project, filters: Filters) -> Breakdown:
    """Read and work out a breakdown. Raises FilterError, or VersionError where the taxonomy has no such version."""
    versions = compared_versions(project)
    version = version_of(project, filters, versions)
    tree = tree_of(project, filters.as_of)
    nobody = ChosenRuns([], {}, frozenset())
    nothing = Breakdown(project, filters, version, versions, tree, nobody, "", Spread(), [], [])
    if version is None:
        return nothing
    narrowing = narrowing_of(project, filters, [version.pk])
    chosen = chosen_runs(version, filters)
    figures = read_figures(nothing, chosen.runs, narrowing)
    return replace(
        nothing,
        chosen=chosen,
        round_name=narrowing.round_name,
        spread=figures.spread,
        columns=[figures.column(run) for run in chosen.runs],
        rows=list(figures.rows()),
        weights=figures.weights,
    )


@dataclass(frozen=True)
class Figures:
    """What was read for a breakdown, and the cells made of it."""

    filters: Filters
    tree: Tree
    runs: Sequence[Run]
    counts: Mapping[int, RunCounts]
    stored: Mapping[int, int]
    meant: Meant
    judged: Mapping[tuple[int, Checks], int]
    spread: Spread
    unread: Mapping[int, Sequence[Stratum]]
    weights: SeverityWeights

    def column(self, run: Run) -> Column:
        counted = self.counts.get(run.pk, RunCounts())
        unknown = counted.parts[None].n if self.filters.estimates_all and None in counted.parts else 0
        return Column(
            run=run,
            outputs=self.stored[run.pk],
            settled=counted.settled,
            failed=self.people_cell(run.pk, ANY, counted.failed, counted),
            found=self.check_cell(run.pk, ANY, counted.rolled.get((Source.CHECK, ANY), 0)),
            weighted=self.weighted(counted),
            unread=self.unread.get(run.pk, ()),
            unknown=unknown,
        )

    def weighted(self, counted: RunCounts) -> Weighted | None:
        return weighted_of(counted.worst, counted.settled, self.weights)

    def rows(self) -> Iterator[Row]:
        """The types in tree order, and at the end what this version does not know, where there is something."""
        above_others = {parent for parent in self.tree.parents.values() if parent is not None}
        for each, depth in self.tree.rows:
            yield self.row(each, depth, has_below=each.pk in above_others)
        unknown = {source: self.pairs(source, NOT_IN_VERSION) for source in self.filters.sources}
        if any(pair.rolled.count for pairs in unknown.values() for pair in pairs):
            yield Row(None, "Not in this version", "", 0, "", False, (), False, unknown)

    def row(self, each: TreeType, depth: int, has_below: bool) -> Row:
        above = with_ancestors(each.pk, self.tree.parents)[1:]
        pairs = {source: self.pairs(source, each.pk) for source in self.filters.sources}
        return Row(each.pk, each.name, each.code, depth, each.severity, each.is_retired, above, has_below, pairs)

    def pairs(self, source: Source, row: int) -> list[Pair]:
        return [self.pair(source, row, run.pk, self.counts.get(run.pk, RunCounts())) for run in self.runs]

    def pair(self, source: Source, row: int, run: int, counted: RunCounts) -> Pair:
        own, rolled = counted.own.get((source, row), 0), counted.rolled.get((source, row), 0)
        if source == Source.CHECK:
            return Pair(self.check_cell(run, row, own, is_own=True), self.check_cell(run, row, rolled))
        whole = self.people_cell(run, row, rolled, counted)
        return Pair(whole if own == rolled else self.people_cell(run, row, own, counted, is_own=True), whole)

    def check_cell(self, run: int, row: int, count: int, is_own: bool = False) -> Cell:
        meant = self.meant.own if is_own else self.meant.rolled
        checks = meant.get(row, frozenset())
        judged = self.judged.get((run, checks), 0)
        # Where a check was retired its findings may be a moment behind: none is counted that is not in the n.
        return cell_of(count, max(judged, count), self.spread.by_checks(run, row, checks, is_own))

    def people_cell(self, run: int, row: int, count: int, counted: RunCounts, is_own: bool = False) -> Cell:
        cell = cell_of(count, counted.settled, self.spread.by_people(run, row, is_own))
        if not self.filters.estimates_all or self.unread.get(run):
            return cell
        groups = [
            Group(chance, part.n, (part.own if is_own else part.rolled).get(row, 0))
            for chance, part in counted.parts.items()
        ]
        return replace(cell, estimated=hajek(groups))


def read_figures(about: Breakdown, runs: Sequence[Run], narrowing: Narrowing) -> Figures:
    assert about.version is not None
    filters, keys = about.filters, [run.pk for run in runs]
    counts, found = counts_of(keys, narrowing, with_probability=filters.estimates_all)
    roller = Roller(about.tree, found, tells_chances=filters.estimates_all)
    stored = {run: figures.stored for run, figures in figures_of(runs).items()}
    meant = meant_checks(about.version, about.tree) if filters.shows_checks else Meant({}, {})
    active = active_checks(about.version) if filters.estimates_all else frozenset()
    judging = judging_of(runs, meant.checks | active, stored, narrowing)
    return Figures(
        filters=filters,
        tree=about.tree,
        runs=runs,
        counts=roller.count(counts),
        stored=stored,
        meant=meant,
        judged=judging.by_any(meant.sets),
        spread=spread_of(about.version, runs, narrowing, roller, meant if filters.shows_checks else None),
        unread=unread_strata(judging, active, narrowing) if filters.estimates_all else {},
        weights=SeverityWeights.objects.filter(project=about.project).first() or SeverityWeights(),
    )
