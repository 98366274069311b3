"""The shape of a breakdown: what the page and the report show, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalhub.evalsets.models import EvalSetVersion
from evalhub.projects.models import Project
from evalhub.runs.models import Run
from taxonomy.breakdown.cells import Cell, Weighted
from taxonomy.breakdown.filters import Filters
from taxonomy.breakdown.runs import ChosenRuns
from taxonomy.breakdown.spread import Spread
from taxonomy.breakdown.strata import Stratum
from taxonomy.models import SeverityWeights, Source
from taxonomy.tree import Tree


@dataclass(frozen=True, slots=True)
class Column:
    """One run. ``outputs``: all that are stored, whatever the filters; the cells count those that the filters let in.

    ``failed``: of the outputs that people settled; ``found``: of those that checks judged which mean an error type,
    the ones in which they found something. ``weighted``: how bad it is, by people.
    ``unread``: kinds of outputs of which people settled none, and ``unknown``: settled outputs whose chance of being
    chosen is not known; either way nothing can be said of all outputs. Both are looked for only where that is asked.
    """

    run: Run
    outputs: int
    settled: int
    failed: Cell
    found: Cell
    weighted: Weighted | None
    unread: Sequence[Stratum]
    unknown: int

    def as_json(self) -> dict[str, Any]:
        return {
            "run": self.run.pk,
            "candidate": self.run.candidate_id,
            "name": self.run.candidate.name,
            "is_baseline": self.run.candidate.is_baseline,
            "state": self.run.state,
            "repeats": self.run.repeats,
            "outputs": self.outputs,
            "settled": self.settled,
            "failed": self.failed.as_json(),
            "found": self.found.as_json(),
            "weighted": self.weighted.as_json() if self.weighted else None,
            "unread": [str(stratum) for stratum in self.unread],
            "unknown_probability": self.unknown,
        }


@dataclass(frozen=True, slots=True)
class Pair:
    """A row's figures for one run and source: findings of the type itself, and of all below it too."""

    own: Cell
    rolled: Cell

    def as_json(self) -> dict[str, Any]:
        return {"own": self.own.as_json(), "rolled": self.rolled.as_json()}


@dataclass(frozen=True, slots=True)
class Row:
    """An error type as the version of the taxonomy has it; ``key`` None: findings of types that it does not know.

    ``above``: keys of the rows in which it counts too, nearest first. ``pairs``: source -> one for each column.
    """

    key: int | None
    name: str
    code: str
    depth: int
    severity: str
    is_retired: bool
    above: Sequence[int]
    has_below: bool
    pairs: Mapping[Source, Sequence[Pair]]

    @property
    def total(self) -> int:
        """Outputs over all columns and sources; for order and for what is worth a line."""
        return sum(pair.rolled.count for pairs in self.pairs.values() for pair in pairs)

    @property
    def is_shown(self) -> bool:
        """Whether it is worth a line: a type that is in use, or one that was found."""
        return bool(self.total) or not (self.is_retired or self.key is None)

    def as_json(self) -> dict[str, Any]:
        return {
            "error_type": self.key,
            "name": self.name,
            "code": self.code,
            "depth": self.depth,
            "severity": self.severity,
            "is_retired": self.is_retired,
            **{str(source): [pair.as_json() for pair in pairs] for source, pairs in self.pairs.items()},
        }


@dataclass(frozen=True, slots=True)
class Breakdown:
    """All that a breakdown shows. ``version`` None: nothing was run yet, and there are no columns."""

    project: Project
    filters: Filters
    version: EvalSetVersion | None
    versions: Sequence[EvalSetVersion]
    tree: Tree
    chosen: ChosenRuns
    round_name: str
    spread: Spread
    columns: Sequence[Column]
    rows: Sequence[Row]
    weights: SeverityWeights | None = None

    @property
    def runs(self) -> list[Run]:
        return [column.run for column in self.columns]

    @property
    def settled(self) -> int:
        return sum(column.settled for column in self.columns)

    @property
    def found_by_checks(self) -> int:
        return sum(column.found.count for column in self.columns)

    def row(self, key: int | None) -> Row | None:
        """The row of an error type, by key; of one that is merged into another, none."""
        return next((row for row in self.rows if row.key == key), None)

    def as_json(self) -> dict[str, Any]:
        """Every figure, in one order, without times: rates as shares from 0 to 1."""
        return {
            "project": self.project.slug,
            "eval_set_version": self.version and version_as_json(self.version),
            "taxonomy_version": self.tree.number,
            "filters": self.filters.pairs(),
            "source": str(self.filters.source),
            "estimate": str(self.filters.estimate),
            "round": self.round_name,
            "tag": self.filters.tag,
            "spread": self.spread.as_json(),
            "candidates": [column.as_json() for column in self.columns],
            "rows": [row.as_json() for row in self.rows],
        }


def version_as_json(version: EvalSetVersion) -> dict[str, Any]:
    return {
        "id": version.pk,
        "eval_set": version.eval_set.name,
        "number": version.number,
        "examples": version.example_count,
        "content_hash": version.content_hash,
    }
