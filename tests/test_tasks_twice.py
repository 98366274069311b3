"""The same task run twice, and at once in two processes, leaves the same rows as once. One test walks all tasks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings
from django.db import connection, transaction

from evalhub.celery import app
from evalhub.serving.places import embedded_redis_url
from tests.twice.situations import SITUATIONS, Situation
from tests.twice.snapshots import Snapshot, differences, empty_everything, take_snapshot

PREFIXES = ("evalhub.", "taxonomy.", "reviews.", "demo.")
# Each pytest process has a number of its own; that of ours is no worker's, so that nobody else takes the messages.
OTHER_NUMBERS = 32
TIMES_AT_ONCE = 2
WALK = [(task, make) for task, known in SITUATIONS.items() for make in known]


class TaskProcess:
    """A process that has EvalHub loaded and runs one task at a time."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.twice.task_process"],
            env=environment,
            cwd=settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def is_ready(self) -> bool:
        return self.process.stdout.readline() == "ready\n"

    def begin(self, task: str, situation: Situation) -> None:
        order = {"task": task, "arguments": situation.arguments, "constants": situation.constants}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def end(self) -> str:
        """Wait for the task; returns what went wrong, mostly nothing."""
        return json.loads(self.process.stdout.readline())["fault"]


class Broker:
    """The Redis that the task processes have to themselves."""

    def __init__(self) -> None:
        number = int(urlsplit(settings.REDIS_URL).query.removeprefix("db=")) + OTHER_NUMBERS
        self.url = embedded_redis_url(Path(os.environ["EVALHUB_TEST_SERVERS"]), number)

    def empty(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushdb()


@pytest.fixture(scope="module")
def broker() -> Broker:
    return Broker()


@pytest.fixture(scope="module")
def processes(test_environment: dict[str, str], broker: Broker) -> Iterator[list[TaskProcess]]:
    environment = {**os.environ, **test_environment, "REDIS_URL": broker.url}
    started = [TaskProcess(environment) for _ in range(2)]
    assert all(process.is_ready() for process in started)
    yield started
    for process in started:
        process.process.stdin.close()
        process.process.wait(10)


def our_tasks() -> set[str]:
    app.loader.import_default_modules()
    return {name for name in app.tasks if name.startswith(PREFIXES)}


def test_every_task_of_ours_is_walked():
    missing, gone = our_tasks() - SITUATIONS.keys(), SITUATIONS.keys() - our_tasks()

    assert not missing, (
        f"Nobody has tried what happens when {', '.join(sorted(missing))} runs twice. Write a function in "
        "tests/twice/situations.py that makes rows for it to work on, and add it to SITUATIONS there."
    )
    assert not gone, f"There is no task {', '.join(sorted(gone))} any more. Take it out of SITUATIONS."


@pytest.mark.parametrize(("task", "make"), WALK, ids=[make.__name__ for _, make in WALK])
def test_a_task_that_runs_twice_or_at_once_leaves_the_same_rows(
    task: str,
    make: Callable[[str], Situation],
    processes: list[TaskProcess],
    broker: Broker,
    model_endpoint: Any,
    transactional_db: None,
):
    def rows_after(run: Callable[[Situation], object]) -> Snapshot:
        empty_everything()
        broker.empty()
        model_endpoint.reset()
        with transaction.atomic():
            situation = make(model_endpoint.url)
            connection.run_on_commit.clear()  # nobody is told
        before = take_snapshot()
        run(situation)
        after = take_snapshot()
        if situation.is_told_by_rows:
            assert differences(before, after), "The task had nothing to do, so nothing was tried."
        assert model_endpoint.counts()["prompts"] == situation.prompts
        return after

    def run(situation: Situation, *chosen: TaskProcess) -> None:
        for process in chosen:
            process.begin(task, situation)
        faults = [process.end() for process in chosen]
        assert not any(faults), "\n".join(faults)

    first, second = processes
    once = rows_after(lambda situation: run(situation, first))

    twice = rows_after(lambda situation: (run(situation, first), run(situation, second)))
    assert not differences(once, twice)
    for _ in range(TIMES_AT_ONCE):
        at_once = rows_after(lambda situation: run(situation, first, second))
        assert not differences(once, at_once)
