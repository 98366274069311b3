"""Four workers in four folders, as on four machines, share runs and limits; two of them are killed on the way.

They have the code, an empty data folder, and the addresses and keys of a deployment, and no more than that in common.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
import redis
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from evalhub.candidates.keys import set_key
from evalhub.celery import app
from evalhub.runs.models import Chunk, Run
from evalhub.runs.sweeping import sweep_runs
from evalhub.serving.processes import Service
from evalhub.serving.stack import worker_service
from tests.making import make_candidate, make_version
from tests.running import QUEUES, Program
from tests.runs.making import make_endpoint, start
from tests.serving.waiting import wait_until

CODE = ("evalhub", "taxonomy", "reviews", "demo", "templates", "static", "manage.py", "pyproject.toml")
WORKERS, KILLED = 4, 2
RUNS, EXAMPLES = 4, 80
AT_ONCE = 12
KEY = "sesame"


@pytest.fixture
def deployment(test_environment: dict[str, str]) -> dict[str, str]:
    """The environment that all machines of a deployment have."""
    return {
        "PATH": os.environ["PATH"],
        "EVALHUB_ENV": "production",
        "EVALHUB_SECRET_KEY": secrets.token_urlsafe(50),
        "EVALHUB_ENCRYPTION_KEYS": ",".join(settings.ENCRYPTION_KEYS),
        "EVALHUB_ALLOWED_HOSTS": "evalhub.example",
        "EVALHUB_PRIVATE_ENDPOINTS": "127.0.0.1",
        "REDIS_URL": settings.REDIS_URL,
        **test_environment,
    }


@pytest.fixture
def nobody_else(session_worker: Program, transactional_db: None) -> Iterator[None]:
    """The worker of the other tests would take part; the next test that wants it starts it again."""
    session_worker.stop(hurry=True)
    broker = redis.Redis.from_url(settings.REDIS_URL)
    left_behind = [*QUEUES, "unacked", "unacked_index"]
    broker.delete(*left_behind)
    yield
    broker.delete(*left_behind)


@pytest.fixture
def workers(nobody_else: None, deployment: dict[str, str], tmp_path: Path) -> Iterator[list[Program]]:
    started = [Program(worker_in(tmp_path / f"machine-{n}", f"calls-{n}", deployment)) for n in range(1, WORKERS + 1)]
    wait_until(lambda: len(app.control.ping(timeout=0.5)) == WORKERS, 60)
    yield started
    for worker in started:
        worker.stop(hurry=True)


def worker_in(folder: Path, name: str, environment: dict[str, str]) -> Service:
    """A worker for calls, started from a folder of its own with a copy of the code."""
    home = folder / "home"
    home.mkdir(parents=True)
    for part in CODE:
        source = settings.BASE_DIR / part
        shutil.copytree(source, folder / part) if source.is_dir() else shutil.copy2(source, folder)
    service = worker_service(name, "calls", 1, log=folder / "log")
    own = {**environment, "EVALHUB_HOME": str(home)}
    return Service(
        name, service.command, environment=own, folder=folder, log=service.log, stop_signals=service.stop_signals
    )


def processes_of(worker: Program) -> set[int]:
    main = psutil.Process(worker.process.pid)
    return {main.pid, *(child.pid for child in main.children(recursive=True))}


def kill(workers: list[Program]) -> set[int]:
    """SIGKILL to all processes of these workers; returns their numbers."""
    numbers = set().union(*map(processes_of, workers))
    for number in numbers:
        os.kill(number, signal.SIGKILL)
    return numbers


def pid_of(holder: str) -> int:
    return int(holder.split(":")[1])


def holders() -> set[int]:
    """The numbers of the processes that have chunks in hand."""
    return set(map(pid_of, Chunk.objects.filter(state="leased").values_list("worker", flat=True)))


def end_leases_of(killed: set[int]) -> None:
    """The minute that the leases last is over at once."""
    for chunk in Chunk.objects.filter(state="leased"):
        if pid_of(chunk.worker) in killed:
            Chunk.objects.filter(pk=chunk.pk).update(lease_until=timezone.now() - timedelta(hours=1))


def are_over_when_swept(runs: list[Run]) -> bool:
    """As beat would: it is not running in tests."""
    sweep_runs()
    return Run.objects.filter(pk__in=[run.pk for run in runs], state="finished").count() == len(runs)


def test_four_workers_lose_and_double_nothing_when_two_are_killed(project, workers, model_endpoint):
    endpoint = make_endpoint(project, model_endpoint.url, max_in_flight=AT_ONCE)
    set_key(endpoint, KEY)  # of which each worker has to know the encryption key
    endpoint.save()
    version = make_version(project, EXAMPLES)
    candidates = [
        make_candidate(project, f"candidate {n}", endpoint=endpoint, model=f"echo?delay=0.3&key={KEY}&n={n}")
        for n in range(RUNS)
    ]
    with transaction.atomic():  # workers are told of a run when its chunks are what they will stay
        runs = [start(version, candidate, size=10) for candidate in candidates]
    total = RUNS * EXAMPLES
    wait_until(lambda: len(holders()) == WORKERS and sum(run.outputs.count() for run in runs) > total // 6, 60)

    doomed = [worker for worker in workers if processes_of(worker) & holders()][:KILLED]
    killed = kill(doomed)
    stored = sum(run.outputs.count() for run in runs)
    end_leases_of(killed)
    wait_until(lambda: are_over_when_swept(runs), 90)

    assert total // 6 < stored < total
    for run in runs:
        assert run.outputs.filter(error_cause="").count() == EXAMPLES
        assert run.outputs.values("example", "repeat").distinct().count() == EXAMPLES
    counts = model_endpoint.counts()
    assert counts["most_at_once"] <= AT_ONCE
    # Twice: what was in flight at the killed, half of all, and what they were answered in the 0.2 s between two stores.
    assert total <= counts["total"] <= total + AT_ONCE
    assert counts["keys"] == [KEY]
    assert [worker.runs() for worker in workers].count(True) == WORKERS - KILLED
    assert [path for worker in workers for path in (worker.service.folder / "home").rglob("*")] == []
