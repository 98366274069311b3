"""How many outputs of a run the checks judged that mean an error type: the n of what checks found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from evalhub.checks.models import Check, CompleteScoring
from evalhub.evalsets.models import EvalSetVersion
from evalhub.runs.models import Run
from taxonomy.breakdown.narrowing import Narrowing
from taxonomy.breakdown.rolling import ANY, NOT_IN_VERSION
from taxonomy.models import CheckMeaning
from taxonomy.tree import Tree

Checks = frozenset[int]

JUDGED = """
SELECT run_id, check_id, count(*) FROM checks_score
WHERE run_id = ANY(%s) AND check_id = ANY(%s) AND outcome IN ('passed', 'failed'){narrowed}
GROUP BY run_id, check_id
"""
SKIPPED = """
SELECT run_id, check_id, count(*) FROM checks_score
WHERE run_id = ANY(%s) AND check_id = ANY(%s) AND outcome = 'skipped' GROUP BY run_id, check_id
"""
JUDGED_BY_ANY = """
SELECT asked.place, score.run_id, count(DISTINCT score.output_id)
FROM unnest(%s::int[], %s::bigint[]) AS asked (place, check_id)
JOIN checks_score AS score ON score.check_id = asked.check_id
WHERE score.run_id = ANY(%s) AND score.outcome IN ('passed', 'failed'){narrowed}
GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Meant:
    """Which active checks of an eval set mean a row of the tree: by their own meanings, and with all below."""

    own: Mapping[int, Checks]
    rolled: Mapping[int, Checks]

    @property
    def checks(self) -> Checks:
        return self.rolled.get(ANY, frozenset())

    @property
    def sets(self) -> set[Checks]:
        return {*self.own.values(), *self.rolled.values()}


def meant_checks(version: EvalSetVersion, tree: Tree) -> Meant:
    """The meanings of the active checks of the version's eval set, as the tree has their error types."""
    meanings = CheckMeaning.objects.filter(by__eval_set=version.eval_set_id, by__retired_at=None)
    own: dict[int, set[int]] = {}
    rolled: dict[int, set[int]] = {}
    for check, error_type in meanings.values_list("by", "error_type"):
        way = tree.counts_in(error_type) or (NOT_IN_VERSION,)
        own.setdefault(way[0], set()).add(check)
        for row in (*way, ANY):
            rolled.setdefault(row, set()).add(check)
    return Meant(frozen(own), frozen(rolled))


def frozen(found: Mapping[int, Iterable[int]]) -> dict[int, Checks]:
    return {row: frozenset(checks) for row, checks in found.items()}


def active_checks(version: EvalSetVersion) -> Checks:
    """The keys of the active checks of the version's eval set."""
    return frozenset(Check.objects.active().filter(eval_set=version.eval_set_id).values_list("pk", flat=True))


@dataclass(frozen=True)
class Judging:
    """What checks judged of runs: (run, check) -> outputs that it passed or failed.

    ``stored``: run -> all its outputs, whatever the narrowing.
    """

    runs: Sequence[int]
    each: Mapping[tuple[int, int], int]
    stored: Mapping[int, int]
    narrowing: Narrowing

    def is_whole(self, run: int, checks: Checks) -> bool:
        """Whether one of these checks judged every output of the run."""
        return not self.narrowing.is_any and any(
            self.each.get((run, check), 0) >= self.stored.get(run, 0) for check in checks
        )

    def by_any(self, wanted: Collection[Checks]) -> dict[tuple[int, Checks], int]:
        """(run, checks) -> outputs of the run that at least one of these checks judged, each once."""
        found = {
            (run, checks): max(self.each.get((run, check), 0) for check in checks)
            for checks in wanted
            for run in self.runs
        }
        # Several checks of which none judged everything may have judged different outputs.
        apart = {checks for run, checks in found if len(checks) > 1 and not self.is_whole(run, checks)}
        return found | judged_by_any(self.runs, apart, self.narrowing)


def judging_of(runs: Sequence[Run], checks: Checks, stored: Mapping[int, int], narrowing: Narrowing) -> Judging:
    """Count what these checks judged of these runs."""
    keys = [run.pk for run in runs]
    if narrowing.is_any or not checks:
        return Judging(keys, judged_by_each(keys, checks, narrowing) if checks else {}, stored, narrowing)
    whole = wholly_scored(runs, checks)
    each = {(run, check): stored[run] for run, check in whole}
    if whole:
        # Far fewer than those that were judged, as a rule: a check is made for the eval set.
        with connection.cursor() as cursor:
            cursor.execute(SKIPPED, [keys, sorted(checks)])
            for run, check, count in cursor.fetchall():
                if (run, check) in each:
                    each[run, check] -= count
    rest = [run for run in keys if any((run, check) not in whole for check in checks)]
    if rest:
        each = judged_by_each(rest, checks, narrowing) | each
    return Judging(keys, each, stored, narrowing)


def wholly_scored(runs: Sequence[Run], checks: Checks) -> set[tuple[int, int]]:
    """(run, check) where the scoring noted that no output is left, and the run is over since as it was then."""
    ends = {run.pk: run.finished_at for run in runs if run.state == Run.State.FINISHED and run.figures}
    notes = CompleteScoring.objects.filter(run__in=ends, by__in=checks)
    return {(run, check) for run, check, at in notes.values_list("run", "by", "finished_at") if at == ends[run]}


def judged_by_each(runs: Collection[int], checks: Checks, narrowing: Narrowing) -> dict[tuple[int, int], int]:
    condition, parameters = narrowing.sql_of_output("output_id", runs)
    with connection.cursor() as cursor:
        cursor.execute(JUDGED.format(narrowed=condition), [list(runs), sorted(checks), *parameters])
        return {(run, check): count for run, check, count in cursor.fetchall()}


def judged_by_any(
    runs: Collection[int], wanted: Collection[Checks], narrowing: Narrowing
) -> dict[tuple[int, Checks], int]:
    if not wanted:
        return {}
    sets = sorted(wanted, key=sorted)
    pairs = [(place, check) for place, checks in enumerate(sets) for check in sorted(checks)]
    condition, parameters = narrowing.sql_of_output("score.output_id", runs)
    with connection.cursor() as cursor:
        cursor.execute(
            JUDGED_BY_ANY.format(narrowed=condition),
            [[place for place, _ in pairs], [check for _, check in pairs], list(runs), *parameters],
        )
        return {(run, sets[place]): count for place, run, count in cursor.fetchall()}
