"""The figures of runs: outputs, failures, money, time. One index holds all that they are added up from."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from django.db import connection

from evalhub.runs.models import Run

# As JSON, so that what a finished run keeps and what is counted for a running one have one shape. Money is text there:
# a float would lose the ninth place.
COUNTED = """
jsonb_build_object(
    'stored', count(*),
    'failed', count(*) FILTER (WHERE output.error_cause <> ''),
    'cost', sum(output.cost)::text,
    'priced', count(output.cost),
    'attempts', sum(output.attempts),
    'first_token_p50', percentile_cont(0.5) WITHIN GROUP (ORDER BY output.first_token_ms)
        FILTER (WHERE output.error_cause = ''),
    'first_token_p95', percentile_cont(0.95) WITHIN GROUP (ORDER BY output.first_token_ms)
        FILTER (WHERE output.error_cause = ''),
    'total_p50', percentile_cont(0.5) WITHIN GROUP (ORDER BY output.total_ms) FILTER (WHERE output.error_cause = ''),
    'total_p95', percentile_cont(0.95) WITHIN GROUP (ORDER BY output.total_ms) FILTER (WHERE output.error_cause = '')
)
"""
COUNT = f"""
SELECT output.run_id, {COUNTED} FROM runs_output AS output WHERE output.run_id = ANY(%s) GROUP BY output.run_id
"""  # noqa: S608 -- put together from constants


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
    """The figures of each run: as kept with those that are finished, counted now for the others."""
    listed = list(runs)
    found = {run.pk: run.figures for run in listed}
    moving = [run.pk for run in listed if not run.figures]
    if moving:
        found |= count(moving)
    return {run_id: Figures.from_json(data) for run_id, data in found.items()}


def keep_figures(run_ids: Iterable[int]) -> None:
    """Count what a run came to, once, when no output of it can come any more."""
    counted = count(list(run_ids))
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE runs_run SET figures = %s WHERE id = %s AND state = 'finished'",
            [(json.dumps(data), run_id) for run_id, data in counted.items()],
        )


def count(run_ids: list[int]) -> dict[int, dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [run_ids])
        return {run_id: json.loads(data) if isinstance(data, str) else data for run_id, data in cursor}
