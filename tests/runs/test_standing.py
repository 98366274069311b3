"""Runs that are paused, cancelled, handed on, or started while nobody can be told."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from django.db import transaction

from evalhub.runs import execution
from evalhub.runs.execution import execute_chunks
from evalhub.runs.models import Run
from evalhub.runs.pausing import cancel_run, pause_run, resume_run
from evalhub.runs.sweeping import neglected_runs, sweep_runs
from tests.making import make_version
from tests.runs.making import make_caller, start
from tests.serving.waiting import wait_until

IN_FLIGHT = 4


def is_over(run: Run) -> bool:
    run.refresh_from_db()
    return run.is_over


def is_at_rest(run: Run) -> bool:
    return not run.chunks.filter(state="leased").exists()


def test_after_a_pause_only_what_was_in_flight_is_called_and_it_is_kept(project, lead, celery_worker, model_endpoint):
    caller = make_caller(project, model_endpoint.url, "echo?delay=0.3", max_in_flight=IN_FLIGHT)
    run = start(make_version(project, 60), caller)
    wait_until(lambda: run.outputs.count() >= IN_FLIGHT)

    pause_run(run, lead)
    called = model_endpoint.counts()["total"]
    wait_until(lambda: is_at_rest(run))

    assert model_endpoint.counts()["total"] - called <= IN_FLIGHT
    assert run.outputs.count() == model_endpoint.counts()["total"] < 60
    resume_run(run, lead)
    wait_until(lambda: is_over(run))
    assert run.outputs.filter(error_cause="").count() == 60
    assert model_endpoint.counts()["total"] == 60


def test_a_cancelled_run_ends_and_keeps_what_was_answered(project, lead, celery_worker, model_endpoint):
    caller = make_caller(project, model_endpoint.url, "echo?delay=0.1", max_in_flight=IN_FLIGHT)
    run = start(make_version(project, 100), caller)
    wait_until(lambda: run.outputs.count() >= IN_FLIGHT)

    cancel_run(run, lead)
    wait_until(lambda: is_at_rest(run))
    sweep_runs()

    run.refresh_from_db()
    assert (run.state, run.state_reason) == ("cancelled", "Lea cancelled it.")
    assert run.outputs.count() == model_endpoint.counts()["total"] < 100
    assert neglected_runs() == []


def test_a_shift_ends_after_its_time_and_hands_the_run_on(project, celery_worker, model_endpoint, monkeypatch):
    monkeypatch.setattr(execution, "SHIFT_SECONDS", 0.5)
    caller = make_caller(project, model_endpoint.url, "echo?delay=0.05", max_in_flight=2)
    run = start(make_version(project, 80), caller)

    began = time.monotonic()
    execute_chunks(run.pk)  # here, beside the worker

    assert time.monotonic() - began < 3
    wait_until(lambda: is_over(run))
    assert run.outputs.values("example").distinct().count() == 80
    assert model_endpoint.counts()["total"] == 80


def test_a_few_processes_carry_many_slow_runs_at_once(project, celery_worker, model_endpoint):
    version = make_version(project, 12)
    runs = [
        start(
            version,
            make_caller(project, model_endpoint.url, "echo?delay=0.5", name=f"slow {number}", max_in_flight=1),
        )
        for number in range(6)
    ]

    # Two processes; one after the other each run would take them 6 s.
    wait_until(lambda: all(run.outputs.exists() for run in runs))
    assert not any(is_over(run) for run in runs)
    wait_until(lambda: all(is_over(run) for run in runs))
    assert [run.outputs.count() for run in runs] == [12] * 6
    assert model_endpoint.counts()["total"] == 72


def test_a_run_that_nobody_was_told_of_is_found_by_the_sweeper(project, celery_worker, model_endpoint):
    with transaction.atomic():
        run = start(make_version(project, 5), make_caller(project, model_endpoint.url, "echo"))
        transaction.get_connection().run_on_commit.clear()  # as if the message were lost

    assert neglected_runs() == []  # not yet: the message may be on its way
    wait_until(lambda: neglected_runs() == [run.pk])
    sweep_runs()

    wait_until(lambda: is_over(run))
    assert run.outputs.count() == 5


def test_a_run_is_started_although_the_queue_cannot_be_reached(project, test_environment, transactional_db):
    caller = make_caller(project)
    version = make_version(project, 2)
    program = (
        "import django; django.setup()\n"
        "from evalhub.evalsets.models import EvalSetVersion\n"
        "from evalhub.candidates.models import Candidate\n"
        "from evalhub.runs.starting import start_runs\n"
        f"candidate = Candidate.objects.get(pk={caller.pk})\n"
        f"version = EvalSetVersion.objects.get(pk={version.pk})\n"
        "(run,) = start_runs(version, [candidate], 1, version.created_by, accepts_unknown_cost=True)\n"
        "print(run.pk, run.is_announced)\n"
    )
    environment = {**os.environ, **test_environment, "REDIS_URL": "unix:///nowhere/at-all.sock?db=0"}

    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    run = Run.objects.get()
    assert done.stdout.split() == [str(run.pk), "False"], done.stderr
    assert (run.state, run.chunks.count()) == ("running", 1)
    wait_until(lambda: neglected_runs() == [run.pk])
