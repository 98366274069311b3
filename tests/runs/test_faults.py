"""What goes wrong in mid-run: workers that die, endpoints that fail. Nothing is lost, nothing is doubled."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from datetime import timedelta

import psutil
import pytest
from django.db import transaction
from django.utils import timezone

from evalhub.candidates.keys import set_key
from evalhub.projects.models import Event
from evalhub.runs.models import Chunk, Run
from evalhub.runs.pausing import resume_run, retry_failed
from evalhub.runs.sweeping import sweep_runs
from tests.making import make_version
from tests.runs.making import make_caller, start
from tests.serving.waiting import wait_until


def is_over(run: Run) -> bool:
    run.refresh_from_db()
    return run.is_over


def is_over_when_swept(run: Run) -> bool:
    """As beat would: it is not running in tests."""
    sweep_runs()
    return is_over(run)


def processes_of(worker: object) -> list[psutil.Process]:
    return psutil.Process(worker.process.pid).children(recursive=True)


def assert_all_there_once(run: Run, count: int) -> None:
    assert run.outputs.filter(error_cause="").count() == count
    assert run.outputs.values("example", "repeat").distinct().count() == count


def test_killed_workers_lose_and_double_nothing(project, celery_worker, model_endpoint):
    run = start(make_version(project, 300), make_caller(project, model_endpoint.url, "echo?delay=0.1"), size=40)
    wait_until(lambda: run.outputs.count() > 40)

    for process in processes_of(celery_worker):
        process.kill()
    killed_at = run.outputs.count()
    # The minute that the lease lasts is over at once.
    wait_until(lambda: Chunk.objects.filter(run=run, state="leased").exists())
    Chunk.objects.filter(state="leased").update(lease_until=timezone.now() - timedelta(hours=1))
    wait_until(lambda: is_over_when_swept(run))

    assert 40 < killed_at < 300
    assert_all_there_once(run, 300)
    # Twice at most what was in flight: 16 calls.
    assert model_endpoint.counts()["total"] <= 300 + 2 * 16


def test_a_worker_that_is_asked_to_stop_gives_its_work_back_at_once(project, celery_worker, model_endpoint):
    run = start(make_version(project, 300), make_caller(project, model_endpoint.url, "echo?delay=0.1"))
    wait_until(lambda: run.outputs.count() > 20)

    celery_worker.stop()

    assert Chunk.objects.filter(run=run, state="leased").count() == 0
    assert Chunk.objects.filter(run=run, state="ready", crashes=0).exists()
    stored = run.outputs.count()
    assert model_endpoint.counts()["total"] == stored < 300  # what was in flight was finished and kept
    celery_worker.restart()
    wait_until(lambda: is_over(run))  # by the message that the old one left, without a sweep
    assert_all_there_once(run, 300)
    assert model_endpoint.counts()["total"] == 300


def test_one_process_that_is_asked_to_stop_leaves_its_run_to_the_others(project, celery_worker, model_endpoint):
    run = start(make_version(project, 200), make_caller(project, model_endpoint.url, "echo?delay=0.1"))
    wait_until(lambda: run.outputs.count() > 20)
    name = Chunk.objects.filter(run=run, state="leased").earliest("pk").worker

    os.kill(int(name.split(":")[1]), signal.SIGTERM)

    wait_until(lambda: is_over(run))
    assert_all_there_once(run, 200)
    assert run.chunks.filter(crashes__gt=0).count() == 0
    assert model_endpoint.counts()["total"] == 200


def test_a_third_of_calls_that_fail_costs_half_as_many_calls_more(project, celery_worker, model_endpoint):
    run = start(make_version(project, 60), make_caller(project, model_endpoint.url, "fault:status?code=503&share=0.3"))

    wait_until(lambda: is_over_when_swept(run), 90)

    assert_all_there_once(run, 60)
    assert model_endpoint.counts()["total"] <= 90
    assert sum(run.outputs.values_list("attempts", flat=True)) == model_endpoint.counts()["total"]


def test_a_wait_that_the_endpoint_asks_for_is_kept_by_every_call(project, celery_worker, model_endpoint):
    model = "fault:status?code=429&retry_after=2&times=1"
    run = start(make_version(project, 12), make_caller(project, model_endpoint.url, model, max_in_flight=4))
    wait_until(lambda: model_endpoint.counts()["total"] >= 4)

    # The first four calls were told to wait for 2 s: for so long there is no other.
    told_at = timezone.now()
    wait_until(lambda: model_endpoint.counts()["total"] > 4)
    assert timezone.now() - told_at > timedelta(seconds=1.5)
    wait_until(lambda: is_over_when_swept(run), 60)

    assert_all_there_once(run, 12)
    assert set(run.outputs.values_list("attempts", flat=True)) == {2}


def test_a_long_wait_is_given_back_to_the_database(project, celery_worker, model_endpoint):
    model = "fault:status?code=429&retry_after=300&times=1"
    run = start(make_version(project, 10), make_caller(project, model_endpoint.url, model, max_in_flight=2))

    wait_until(lambda: Run.objects.filter(pk=run.pk).exclude(waits_until=None).exists())
    wait_until(lambda: not run.chunks.filter(state="leased").exists())
    sweep_runs()

    run.refresh_from_db()
    assert timedelta(seconds=290) < run.waits_until - timezone.now() <= timedelta(seconds=300)
    # The two slots may be on their way from one process to the other.
    assert (made := model_endpoint.counts()["total"]) in {1, 2}
    assert [tries[0] for chunk in run.chunks.all() for tries in chunk.retries.values()] == [1] * made


@pytest.mark.parametrize("asked", ["3600", "-5", "abc"])
def test_a_wait_that_makes_no_sense_is_not_kept(asked, project, celery_worker, model_endpoint):
    model = f"fault:status?code=429&retry_after={asked}&times=1"
    run = start(make_version(project, 5), make_caller(project, model_endpoint.url, model))

    wait_until(lambda: is_over(run))

    assert_all_there_once(run, 5)
    assert run.waits_until is None


def test_a_refused_key_pauses_the_run_and_a_good_one_lets_it_go_on(project, lead, celery_worker, model_endpoint):
    candidate = make_caller(project, model_endpoint.url, "echo?key=sesame", max_in_flight=4)
    run = start(make_version(project, 30), candidate)

    wait_until(lambda: Run.objects.get(pk=run.pk).state == "paused")
    wait_until(lambda: not run.chunks.filter(state="leased").exists())

    run.refresh_from_db()
    assert run.state_reason.startswith("The endpoint refused three calls in a row. ")
    assert "key" in run.state_reason
    assert Event.objects.filter(actor=None, action="paused").count() == 1
    assert run.outputs.count() == 0
    # Three, and what was in flight; a second worker may have looked as well.
    assert model_endpoint.counts()["total"] <= 4 + 2 * 3
    set_key(candidate.endpoint, "sesame")
    candidate.endpoint.save()
    resume_run(run, lead)
    wait_until(lambda: is_over(run))
    assert_all_there_once(run, 30)
    assert sum(run.outputs.values_list("attempts", flat=True)) == model_endpoint.counts()["total"]


def test_a_key_is_not_sent_to_the_address_of_an_older_plan(project, celery_worker, model_endpoint):
    candidate = make_caller(project, model_endpoint.url, "echo")
    set_key(candidate.endpoint, "sesame")
    with transaction.atomic():
        run = start(make_version(project, 5), candidate)
        candidate.endpoint.base_url = "http://localhost:9/v1"
        candidate.endpoint.save()

    wait_until(lambda: Run.objects.get(pk=run.pk).state == "paused")

    run.refresh_from_db()
    assert run.state_reason == (
        "The endpoint's address was changed after this run was started, and its key is not sent to the old one. "
        "Start a new run."
    )
    assert model_endpoint.counts()["total"] == 0


def test_an_endpoint_that_hangs_blocks_a_call_for_its_time_limit_only(project, celery_worker, model_endpoint):
    caller = make_caller(project, model_endpoint.url, "fault:hang?times=1&share=0.2", timeout_seconds=1)
    run = start(make_version(project, 40), caller)

    wait_until(lambda: is_over_when_swept(run))

    assert_all_there_once(run, 40)


def test_what_cannot_be_answered_is_an_error_of_that_example_alone(project, lead, celery_worker, model_endpoint):
    caller = make_caller(project, model_endpoint.url, "fault:status?code=400&message=Too%20rude&times=1&share=0.5")
    run = start(make_version(project, 40), caller)
    wait_until(lambda: is_over(run))
    failed = set(run.outputs.exclude(error_cause="").values_list("example__key", flat=True))
    answered = dict(run.outputs.filter(error_cause="").values_list("example__key", "pk"))

    assert run.state == "finished"
    assert 10 < len(failed) < 30
    assert set(run.outputs.exclude(error_cause="").values_list("error_cause", "attempts")) == {("bad_request", 1)}
    assert "Too rude" in run.outputs.exclude(error_cause="").first().error

    assert retry_failed(run, lead) == len(failed)
    wait_until(lambda: is_over(run))

    assert_all_there_once(run, 40)
    # What was answered before was not touched.
    assert dict(run.outputs.filter(pk__in=answered.values()).values_list("example__key", "pk")) == answered
    assert model_endpoint.counts()["total"] == 40 + len(failed)


def test_attempts_of_earlier_claims_count_and_the_sixth_is_the_last(project, celery_worker, model_endpoint):
    with transaction.atomic():
        run = start(make_version(project, 1), make_caller(project, model_endpoint.url, "fault:status?code=500"))
        run.chunks.update(retries={str(run.version.examples.get().pk): [5, 0.0]})

    wait_until(lambda: is_over(run))

    output = run.outputs.get()
    assert (output.error_cause, output.attempts) == ("server_error", 6)
    assert model_endpoint.counts()["total"] == 1


def test_an_example_that_kills_its_workers_is_quarantined_and_takes_no_other_with_it(
    project, celery_worker, model_endpoint
):
    run = start(make_version(project, 30), make_caller(project, model_endpoint.url, "echo?delay=0.4"))
    poison = "Say the number 4."
    deaths = 0

    def kill_whoever_asks() -> bool:
        """As if the answer to the fourth example crashed the process that gets it."""
        nonlocal deaths
        if model_endpoint.counts()["prompts"].get(poison, 0) > deaths:
            at_work = Chunk.objects.filter(state="leased", first_position__lte=4, last_position__gte=4)
            deaths = model_endpoint.counts()["prompts"][poison]
            for process in {name.rpartition(":")[0] for name in at_work.values_list("worker", flat=True)}:
                with suppress(ProcessLookupError):
                    os.kill(int(process.partition(":")[2]), signal.SIGKILL)
                held = Chunk.objects.filter(state="leased", worker__startswith=f"{process}:")
                held.update(lease_until=timezone.now() - timedelta(hours=1))
        return is_over_when_swept(run)

    wait_until(kill_whoever_asks, 120)

    assert deaths == 3
    assert run.outputs.count() == 30
    failed = run.outputs.exclude(error_cause="")
    assert list(failed.values_list("example__key", "error_cause")) == [("example-4", "quarantined")]
