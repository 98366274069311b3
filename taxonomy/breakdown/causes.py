"""What checks found by themselves: the share that is right, and every cause, whether or not it means an error type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count

from evalhub.checks.kinds import KINDS
from evalhub.checks.models import Score
from evalhub.checks.rates import wilson
from evalhub.checks.shares import shares_right
from evalhub.runs.models import Run
from taxonomy.breakdown.cells import Cell, cell_of


@dataclass(frozen=True, slots=True)
class CauseRow:
    """One class of what a check finds wrong; a cell for each run, of the outputs that the check could judge."""

    check_id: int
    check_name: str
    cause: str
    title: str
    cells: Sequence[Cell]

    @property
    def total(self) -> int:
        return sum(cell.count for cell in self.cells)


def right_cells(runs: Sequence[Run]) -> list[Cell]:
    """The share of each run's outputs that are right by the checks, with Wilson's interval, also at 0."""
    shares = shares_right(runs)
    return [right_cell(shares[run.pk].right, shares[run.pk].counted) for run in runs]


def right_cell(right: int, counted: int) -> Cell:
    low, high = wilson(right, counted) or (None, None)
    return Cell(right, counted, right / counted if counted else None, low, high, is_at_most=False)


def cause_title(kind: str, cause: str) -> str:
    """The cause's title in words, with the field that it is about if there is one."""
    return KINDS[kind].cause(cause).title if kind in KINDS else cause.replace("_", " ")


def cause_rows(runs: Sequence[Run]) -> list[CauseRow]:
    """What the active checks found: the most frequent cause first within each check."""
    tallies: dict[tuple[int, str, str, str], dict[int, int]] = {}
    judged: dict[tuple[int, int], int] = {}
    scores = Score.objects.filter(run__in=runs, by__retired_at=None).exclude(outcome=Score.Outcome.SKIPPED)
    counted = scores.values_list("run_id", "by_id", "by__name", "by__kind", "cause", "outcome").order_by()
    for run, check, name, kind, cause, outcome, count in counted.annotate(count=Count("pk")):
        judged[run, check] = judged.get((run, check), 0) + count
        if outcome == Score.Outcome.FAILED:
            tallies.setdefault((check, name, kind, cause), {})[run] = count
    rows = [
        CauseRow(
            check,
            name,
            cause,
            cause_title(kind, cause),
            [cell_of(found.get(run.pk, 0), judged.get((run.pk, check), 0)) for run in runs],
        )
        for (check, name, kind, cause), found in tallies.items()
    ]
    return sorted(rows, key=lambda row: (row.check_id, -row.total, row.cause))
