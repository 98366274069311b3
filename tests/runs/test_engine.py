"""Whole runs: a real worker process, a real broker, a real endpoint."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from evalhub.runs.models import Run
from tests.making import make_version
from tests.runs.making import make_caller, start


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)  # between two looks


def is_over(run: Run) -> bool:
    run.refresh_from_db()
    return run.is_over


def test_a_whole_run_answers_every_example_once_for_each_repeat(project, celery_worker, model_endpoint):
    run = start(make_version(project, 200), make_caller(project, model_endpoint.url, "echo"), repeats=2)

    wait_until(lambda: is_over(run))

    assert run.state == "finished"
    assert run.outputs.filter(error_cause="").count() == 400
    answered = run.outputs.values_list("example__request__messages__0__content", "repeat", "text")
    assert len(set(run.outputs.values_list("example", "repeat"))) == 400
    assert model_endpoint.counts()["total"] == 400
    assert model_endpoint.counts()["most_at_once"] <= 16
