"""How far a run is, how fast it goes, what failed, and what it waits for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, Min

from evalhub.runs.causes import name_of_cause
from evalhub.runs.figures import Figures, all_figures_of
from evalhub.runs.models import Output, Run

RATE_SECONDS = 30
SILENCE_SECONDS = 30
"""Without a sign of life for so long, a run that could go on has no worker."""

RECENT = """
SELECT count(*) FROM runs_output
WHERE run_id = %(run)s AND created_at > now() - make_interval(secs => %(seconds)s)
"""
STANDING = """
SELECT
    run.waits_until > now(),
    extract(epoch FROM now() - greatest(run.worked_at, run.created_at))::float8,
    EXISTS (SELECT FROM runs_chunk WHERE run_id = run.id AND state = 'leased' AND lease_until > now()),
    EXISTS (
        SELECT FROM runs_chunk WHERE run_id = run.id AND state = 'ready' AND (not_before IS NULL OR not_before <= now())
    ),
    (SELECT min(not_before) FROM runs_chunk WHERE run_id = run.id AND state = 'ready'),
    EXISTS (SELECT FROM runs_chunk WHERE run_id <> run.id AND state = 'leased' AND lease_until > now())
FROM runs_run AS run WHERE run.id = %s
"""


@dataclass(frozen=True)
class Failure:
    """Outputs that failed for one cause, with one of them."""

    cause: str
    count: int
    example: Output

    @property
    def name(self) -> str:
        return name_of_cause(self.cause)


@dataclass(frozen=True)
class Standing:
    """Why nothing happens in a running run; nothing to say when it does."""

    sentence: str = ""
    needs_help: bool = False
    """Somebody has to do something: nothing will happen by itself."""


@dataclass(frozen=True)
class Progress:
    run: Run
    figures: Figures
    rate: float | None
    """Outputs a second over the last half minute; None unless the run is moving."""
    seconds_left: float | None
    failures: list[Failure]
    standing: Standing

    @property
    def took(self) -> timedelta | None:
        return self.run.finished_at - self.run.created_at if self.run.finished_at else None

    @property
    def missing(self) -> int:
        return max(0, self.run.planned_outputs - self.figures.stored)

    @property
    def extra_attempts(self) -> int:
        """Calls beyond one for each output."""
        return max(0, self.figures.attempts - self.figures.stored)


def progress_of(run: Run) -> Progress:
    figures = all_figures_of(run)
    is_running = run.state == Run.State.RUNNING
    rate = rate_of(run) if is_running else None
    left = max(0, run.planned_outputs - figures.stored)
    return Progress(
        run=run,
        figures=figures,
        rate=rate,
        seconds_left=left / rate if rate else None,
        failures=failures_of(run) if figures.failed else [],
        standing=standing_of(run) if is_running and run.source == Run.Source.CALLED else Standing(),
    )


def rate_of(run: Run) -> float | None:
    """Outputs a second over the last half minute, or since the start where that is shorter."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM now() - created_at)::float8 FROM runs_run WHERE id = %s", [run.pk])
        row = cursor.fetchone()
        seconds = min(RATE_SECONDS, max(1.0, row[0])) if row else RATE_SECONDS
        cursor.execute(RECENT, {"run": run.pk, "seconds": seconds})
        count = cursor.fetchone()[0]
    return count / seconds if count else None


def failures_of(run: Run) -> list[Failure]:
    """The run's failures by cause, most frequent first."""
    failed = run.outputs.exclude(error_cause="")
    counted = list(failed.values("error_cause").annotate(count=Count("pk"), first=Min("pk")).order_by("-count"))
    firsts = Output.objects.select_related("example").in_bulk([row["first"] for row in counted])
    return [
        Failure(row["error_cause"], row["count"], firsts[row["first"]]) for row in counted if row["first"] in firsts
    ]


def standing_of(run: Run) -> Standing:
    with connection.cursor() as cursor:
        cursor.execute(STANDING, [run.pk])
        row = cursor.fetchone()
    if row is None:
        return Standing()
    told_to_wait, silent_for, is_worked_on, is_claimable, not_before, others_are_worked_on = row
    if told_to_wait:
        return Standing(f"The endpoint asked for no call before {clock(run.waits_until)}.")
    if is_worked_on:
        return Standing()
    if not is_claimable:
        return Standing(f"What is left is tried again from {clock(not_before)} on." if not_before else "")
    if silent_for < SILENCE_SECONDS:
        return Standing("Waiting for a worker.")
    if others_are_worked_on:
        return Standing("All workers are busy with other runs. This one goes on when one of them is free.")
    return Standing(
        f"No worker has looked at this run for {int(silent_for)} s. Start one on a machine that reaches this database: "
        "“manage.py serve”, or “celery -A evalhub worker --queues calls”.",
        needs_help=True,
    )


def clock(moment: datetime | None) -> str:
    from django.utils.timezone import localtime

    return f"{localtime(moment):%H:%M:%S}" if moment else ""
