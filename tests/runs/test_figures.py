"""The figures of a run are added up from one index, and its rate from the end of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from evalhub.candidates.replies import CAUSES as CALL_CAUSES
from evalhub.projects.models import Event
from evalhub.runs import figures, progress
from evalhub.runs.advice import ADVICE
from evalhub.runs.causes import CAUSES, RECORDED
from evalhub.runs.models import Run
from evalhub.runs.pausing import pause_run, resume_run
from tests.making import make_version
from tests.runs.making import make_caller, start

FILL = """
INSERT INTO runs_output (
    run_id, example_id, repeat, text, tool_calls, finish_reason, cost, total_ms, attempts, error_cause, error, raw,
    truncated, created_at
)
SELECT %(run)s, example.id, number, '', '[]', '', 0.001, 100, 1, '', '', '', false,
    now() - make_interval(secs => %(seconds)s::float8 * (%(count)s - number) / %(count)s)
FROM evalsets_example AS example CROSS JOIN generate_series(1, %(count)s) AS number
WHERE example.version_id = %(version)s
"""


@pytest.fixture
def run(project) -> Run:
    run = start(make_version(project, 1), make_caller(project), repeats=20)
    Run.objects.filter(pk=run.pk).update(created_at="2026-01-01T00:00:00Z")
    return run


def fill(run: Run, count: int, seconds: float) -> None:
    """So many outputs, spread evenly over the last seconds."""
    parameters = {"run": run.pk, "version": run.version_id, "count": count, "seconds": seconds}
    with connection.cursor() as cursor:
        cursor.execute(FILL, parameters)


def plan_of(sql: str, parameters: object) -> str:
    """How a table far larger than a test's would be read."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE runs_output")
    with transaction.atomic(), connection.cursor() as cursor:
        # Not the scans of indices: those of an index alone would count as switched off too, and the table's would win
        # where little of it is vacuumed.
        for way in ("seqscan", "bitmapscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN {sql}", parameters)
        return "\n".join(row[0] for row in cursor)


@pytest.mark.django_db(transaction=True)  # nothing is vacuumed inside a transaction
def test_no_figure_reads_the_outputs_themselves(run):
    fill(run, 1_000, 100)
    rate = {"run": run.pk, "seconds": 30, "latest": 10, "actions": progress.WENT_ON}

    assert "Index Only Scan using output_figures" in plan_of(figures.COUNT, [[run.pk]])
    assert "Index Only Scan Backward using output_figures" in plan_of(
        figures.TIMES, {"run": run.pk, "latest": figures.LATEST}
    )
    assert "Index Only Scan Backward using output_figures" in plan_of(progress.RATE, rate)


def test_the_rate_is_that_of_the_last_half_minute(run):
    assert progress.rate_of(run) is None

    fill(run, 1_200, 60)

    assert progress.rate_of(run) == pytest.approx(20, abs=0.1)


def test_the_rate_of_a_run_that_is_too_quick_to_count_is_that_of_its_latest_outputs(run):
    fill(run, 2 * progress.LATEST_FOR_RATE, 10)

    assert progress.rate_of(run) == pytest.approx(2 * progress.LATEST_FOR_RATE / 10, rel=0.01)


def test_what_was_taken_over_from_earlier_runs_does_not_count_as_speed(run):
    fill(run, 1_200, 60)
    newest = run.outputs.order_by("-pk").values("pk")[:500]  # of the 600 of the last half minute
    run.outputs.filter(pk__in=newest).update(attempts=0, reused_from=1)

    assert progress.rate_of(run) == pytest.approx(100 / 30, abs=0.1)

    run.outputs.update(attempts=0, reused_from=1)
    assert progress.rate_of(run) is None


def test_the_time_of_a_pause_does_not_count_and_what_came_in_before_neither(run, lead):
    pause_run(run, lead)
    fill(run, 900, 30)  # 30 a second
    resumed_at = timezone.now() - timedelta(seconds=10)
    resume_run(run, lead)
    Event.objects.filter(action="resumed").update(at=resumed_at)
    earlier = run.outputs.filter(created_at__lt=resumed_at)
    earlier.exclude(repeat__lte=150).delete()
    earlier.update(created_at=resumed_at - timedelta(seconds=5))  # in flight when it was paused

    assert progress.rate_of(run) == pytest.approx(30, abs=0.5)


def test_another_runs_resuming_changes_nothing(run, lead):
    other = start(run.version, make_caller(run.project, name="other"))
    pause_run(other, lead)
    resume_run(other, lead)
    fill(run, 1_200, 60)

    assert progress.rate_of(run) == pytest.approx(20, abs=0.1)


def test_a_run_at_rest_has_no_rate(run):
    fill(run, 50, 20)
    run.outputs.update(created_at="2026-01-01T00:00:00Z")

    assert progress.rate_of(run) is None


def test_there_is_advice_for_every_cause_that_a_call_can_fail_by():
    assert set(ADVICE) == set(CAUSES) - {RECORDED}
    assert set(CALL_CAUSES) <= set(ADVICE)
