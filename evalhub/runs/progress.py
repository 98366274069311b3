"""How far a run is, how fast it goes, what failed, what may have been paid twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Min
from django.db.models.functions import Now

from evalhub.runs.advice import advice_for
from evalhub.runs.causes import name_of_cause
from evalhub.runs.figures import Figures, all_figures_of
from evalhub.runs.models import Output, Run
from evalhub.runs.standing import Standing, minute, paused_since, standing_of

MOVING_POLL_SECONDS = 2
RESTING_POLL_SECONDS = 10
RATE_SECONDS = 30
LATEST_FOR_RATE = 5_000
WENT_ON = ["resumed", "retried the failed outputs of"]
"""What the trail says of a run that stood still before."""

# From the end of the run, so that it costs the same for a hundred thousand outputs as for a thousand. What was taken
# over from earlier runs took no time, and says nothing of how fast the rest will be; nor does the time of a pause.
RATE = """
WITH since AS (
    SELECT greatest(
        run.created_at,
        now() - make_interval(secs => %(seconds)s),
        (
            SELECT max(event.at) FROM projects_event AS event
            WHERE event.project_id = run.project_id AND event.at > now() - make_interval(secs => %(seconds)s)
                AND event.action = ANY(%(actions)s) AND event.subject LIKE 'run ' || run.id || ',%%'
        )
    ) AS at
    FROM runs_run AS run WHERE run.id = %(run)s
)
SELECT
    count(*) FILTER (WHERE attempts > 0), count(*),
    extract(epoch FROM now() - min(latest.created_at))::float8, extract(epoch FROM now() - min(since.at))::float8
FROM since, (
    SELECT created_at, attempts FROM runs_output WHERE run_id = %(run)s ORDER BY id DESC LIMIT %(latest)s
) AS latest
WHERE latest.created_at > since.at
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

    @property
    def advice(self) -> str:
        return advice_for(self.cause)


@dataclass(frozen=True)
class Lost:
    """Calls whose answer nobody stored, since their workers were lost: possibly paid, and made again."""

    count: int
    first_at: datetime
    last_at: datetime

    @property
    def when(self) -> str:
        first, last = minute(self.first_at), minute(self.last_at)
        return f"at {first}" if first == last else f"between {first} and {last}"


@dataclass(frozen=True)
class Progress:
    run: Run
    figures: Figures
    rate: float | None
    """Outputs a second over the last half minute; None unless the run is moving."""
    seconds_left: float | None
    failures: list[Failure]
    standing: Standing
    lost: Lost | None
    paused_at: datetime | None
    poll_seconds: int | None
    """How soon the page asks again; None when nothing can change any more."""

    @property
    def took(self) -> timedelta | None:
        return self.run.finished_at - self.run.created_at if self.run.finished_at else None

    @property
    def missing(self) -> int:
        return max(0, self.run.planned_outputs - self.figures.stored)

    @property
    def extra_attempts(self) -> int:
        """Calls beyond one for each output."""
        return max(0, self.figures.attempts - (self.figures.stored - self.figures.reused))

    @property
    def is_spent(self) -> bool:
        """Whether the run is paused because its budget has no room for the next call."""
        return self.run.state == Run.State.PAUSED and self.run.state_reason.startswith("The budget")

    @property
    def cost_of_rest(self) -> Decimal | None:
        """US$ that the missing outputs need if they cost what the run's own calls did on average; None without any."""
        figures = self.figures
        called = figures.priced - figures.reused
        if figures.cost is None or called <= 0 or not self.missing:
            return None
        return figures.cost / called * self.missing

    @property
    def budget_for_all(self) -> Decimal | None:
        """US$ that the run would then come to."""
        return None if self.cost_of_rest is None else self.run.spent + self.cost_of_rest

    @property
    def left_of_budget(self) -> Decimal | None:
        """US$ that further calls may cost; None without a budget."""
        run = self.run
        return None if run.budget is None else max(Decimal(0), run.budget - run.spent - run.reserved)


def progress_of(run: Run) -> Progress:
    seconds = poll_seconds_of(run)  # first: what the last call left behind is then in the figures of the last question
    figures = all_figures_of(run)
    is_running = run.state == Run.State.RUNNING
    is_called = run.source == Run.Source.CALLED
    rate = rate_of(run) if is_running else None
    standing = standing_of(run, figures.total_p50) if is_running and is_called else Standing()
    left = max(0, run.planned_outputs - figures.stored)
    return Progress(
        run=run,
        figures=figures,
        rate=rate,
        seconds_left=left / rate if rate and not standing.halts else None,
        failures=failures_of(run) if figures.failed else [],
        standing=standing,
        lost=lost_of(run) if is_called else None,
        paused_at=paused_since(run) if run.state == Run.State.PAUSED else None,
        poll_seconds=seconds,
    )


def poll_seconds_of(run: Run) -> int | None:
    """Soon while calls may still be answered, also after Pause and Cancel; seldom while somebody may resume it."""
    if run.state == Run.State.FINISHED:
        return None
    is_moving = run.state == Run.State.RUNNING or run.chunks.filter(state="leased", lease_until__gt=Now()).exists()
    if is_moving:
        return MOVING_POLL_SECONDS
    return RESTING_POLL_SECONDS if run.state == Run.State.PAUSED else None


def rate_of(run: Run) -> float | None:
    """Outputs that were called for, a second.

    Of the last half minute, or since the start, the last resuming or its latest outputs where that is shorter.
    """
    parameters: dict[str, Any] = {"run": run.pk, "seconds": RATE_SECONDS, "latest": LATEST_FOR_RATE, "actions": WENT_ON}
    with connection.cursor() as cursor:
        cursor.execute(RATE, parameters)
        called, stored, since_oldest, since_start = cursor.fetchone()
    if not called:
        return None
    seconds = since_oldest if stored == LATEST_FOR_RATE else since_start
    return float(called / max(1.0, seconds))


def failures_of(run: Run) -> list[Failure]:
    """The run's failures by cause, most frequent first."""
    failed = run.outputs.exclude(error_cause="")
    counted = list(failed.values("error_cause").annotate(count=Count("pk"), first=Min("pk")).order_by("-count"))
    firsts = Output.objects.select_related("example").in_bulk([row["first"] for row in counted])
    return [
        Failure(row["error_cause"], row["count"], firsts[row["first"]]) for row in counted if row["first"] in firsts
    ]


def lost_of(run: Run) -> Lost | None:
    lost = run.lost_calls.aggregate(count=Count("pk"), first_at=Min("lost_at"), last_at=Max("lost_at"))
    return Lost(**lost) if lost["count"] else None
