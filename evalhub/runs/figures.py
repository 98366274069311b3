"""The figures of runs: outputs, failures, money, time. One index holds all that they are added up from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from django.db import connection

from evalhub.runs.models import Run

# An output that no call was made for was taken over from an earlier run.
COUNT = """
SELECT run_id, count(*), count(*) FILTER (WHERE error_cause <> ''), sum(cost)::text, count(cost), sum(attempts),
    count(*) FILTER (WHERE attempts = 0)
FROM runs_output WHERE run_id = ANY(%s) GROUP BY run_id
"""
# Of the run's own calls: what was taken over took its time in another run. Sorting takes longer than all the counting,
# so a page that asks every two seconds looks at the latest outputs only.
TIMES = """
SELECT
    percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY first_token_ms),
    percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY total_ms)
FROM (
    SELECT first_token_ms, total_ms FROM runs_output
    WHERE run_id = %(run)s AND error_cause = '' AND attempts > 0 ORDER BY id DESC LIMIT %(latest)s
) AS answers
"""
LATEST = 5_000


@dataclass(frozen=True)
class Figures:
    """What came back so far. Times are in milliseconds, of answers only; None where there are none."""

    stored: int = 0
    failed: int = 0
    cost: Decimal | None = None
    """US$; None if no output has a cost."""
    priced: int = 0
    """Outputs whose cost is known."""
    attempts: int = 0
    reused: int = 0
    """Taken over from earlier runs: no call, no cost."""
    first_token_p50: float | None = None
    first_token_p95: float | None = None
    total_p50: float | None = None
    total_p95: float | None = None

    @property
    def answered(self) -> int:
        return self.stored - self.failed

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Figures:
        known = {field.name: data[field.name] for field in fields(cls) if data.get(field.name) is not None}
        if "cost" in known:
            known["cost"] = Decimal(known["cost"])
        return cls(**known)


def figures_of(runs: Iterable[Run]) -> dict[int, Figures]:
    """The figures of each run, without its times: as kept with those that are finished, counted now for the others."""
    listed = list(runs)
    moving = [run.pk for run in listed if not run.figures]
    counted = counts_of(moving) if moving else {}
    return {run.pk: Figures.from_json(run.figures or counted.get(run.pk, {})) for run in listed}


def all_figures_of(run: Run) -> Figures:
    """The figures of one run, with its times; while it moves, those of its latest answers."""
    return Figures.from_json(run.figures or count(run.pk, LATEST))


def keep_figures(run_ids: Iterable[int]) -> None:
    """Count what runs came to, once, when no output of them can come any more."""
    for run_id in run_ids:
        Run.objects.filter(pk=run_id, state=Run.State.FINISHED).update(figures=count(run_id))


def count(run_id: int, latest: int | None = None) -> dict[str, Any]:
    """All figures of a run, in the shape in which they are kept; times of the ``latest`` answers, or of all."""
    with connection.cursor() as cursor:
        cursor.execute(TIMES, {"run": run_id, "latest": latest})
        first_token, total = (times or [None, None] for times in cursor.fetchone())
    times = {
        "first_token_p50": first_token[0],
        "first_token_p95": first_token[1],
        "total_p50": total[0],
        "total_p95": total[1],
    }
    return counts_of([run_id]).get(run_id, {}) | times


def counts_of(run_ids: list[int]) -> dict[int, dict[str, Any]]:
    """Money is text: a float would lose the ninth place."""
    names = ("stored", "failed", "cost", "priced", "attempts", "reused")
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [run_ids])
        return {run_id: dict(zip(names, values, strict=True)) for run_id, *values in cursor}
