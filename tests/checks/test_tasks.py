"""Scoring by a real worker, by two processes at once, and after lost messages."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from evalhub.checks.judging import judge_of
from evalhub.checks.keeping import add_check
from evalhub.checks.models import Score
from evalhub.checks.scoring import score_batch, score_run
from evalhub.checks.tasks import score_check_task, score_run_task, sweep_scores_task
from evalhub.runs.models import Output
from tests.making import admin_of, make_check, make_run, make_version

OUTPUTS = 400


def wait_for_scores(count, seconds=30):
    deadline = time.monotonic() + seconds
    while (found := Score.objects.count()) < count and time.monotonic() < deadline:
        time.sleep(0.02)  # between two looks
    assert found == count


def rows():
    return set(Score.objects.values_list("output", "by", "outcome", "cause", "message"))


@pytest.fixture
def run(transactional_db, project):
    version = make_version(project, OUTPUTS)
    return make_run(version, answers=[str(n) if n % 3 else "none" for n in range(1, OUTPUTS + 1)])


def test_a_worker_scores_a_run_when_told_so(celery_worker, run):
    make_check(run.version)

    score_run_task.delay(run.pk)

    wait_for_scores(OUTPUTS)


def test_a_worker_scores_all_runs_when_a_check_is_added(celery_worker, run):
    other = make_run(run.version, "other-model")

    check = add_check(run.version.eval_set, "equals", "Equal", {}, admin_of(run.project))

    wait_for_scores(2 * OUTPUTS)
    assert set(Score.objects.values_list("run", "by").distinct()) == {(run.pk, check.pk), (other.pk, check.pk)}


def test_the_sweeper_finds_what_no_message_told_of(celery_worker, run):
    make_check(run.version)

    sweep_scores_task.delay()

    wait_for_scores(OUTPUTS)


def test_many_messages_and_this_process_at_once_leave_the_rows_of_one(celery_worker, run):
    make_check(run.version)
    make_check(run.version, "Number", "number", source="last")
    score_run(run)
    alone = rows()
    Score.objects.all().delete()

    for _ in range(6):
        score_run_task.delay(run.pk)
        sweep_scores_task.delay()
    score_run(run)

    wait_for_scores(2 * OUTPUTS)
    assert rows() == alone


def test_messages_about_rows_that_are_gone_and_with_unknown_parts_do_nothing(db):
    score_run_task(999_999_999, priority="from a later version")
    score_check_task(999_999_999, priority="from a later version")
    sweep_scores_task(priority="from a later version")

    assert Score.objects.count() == 0


def test_the_same_outputs_scored_by_two_connections_at_once_get_one_score_each(run):
    check = make_check(run.version)
    outputs = list(Output.objects.order_by("pk").values_list("pk", flat=True))

    def score(_):
        try:
            return score_batch(run, outputs, {check.pk: judge_of(check)})
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        stored = list(pool.map(score, range(4)))

    assert sum(stored) == Score.objects.count() == OUTPUTS
