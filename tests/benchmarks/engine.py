"""How close runs come to the wire: 2,000 calls, 64 in flight, against an endpoint in a process of its own.

The floors, measured in the same run: the physical minimum, calls / in flight x delay; and an aiohttp loop that keeps as
many calls in flight and stores nothing.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

import psutil

from evalhub.serving.benchmarks import Figure

EXAMPLES, IN_FLIGHT, ROUNDS, PROCESSES = 2_000, 64, 3, 2
MANY_EXAMPLES = 100_000
SLOW_MS = 200


@dataclass(frozen=True)
class Taken:
    """What one run took: seconds from its start to its last stored output, and of the workers' processors."""

    wall: float
    cpu: float


@contextmanager
def quick_endpoint(milliseconds: int) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.benchmarks.quick_endpoint", str(milliseconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().strip()
        process.kill()


async def bare_loop(url: str, bodies: list[dict[str, object]]) -> float:
    """Seconds for the same calls by a plain aiohttp loop, full all the time, that throws the answers away."""
    import aiohttp

    async def caller() -> None:
        while bodies:
            async with session.post(f"{url}/chat/completions", json=bodies.pop()) as response:
                await response.json()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as session:
        start = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))
        return time.perf_counter() - start


def bodies() -> list[dict[str, object]]:
    return [{"model": "quick", **request_of(number)} for number in range(EXAMPLES)]


def request_of(number: int) -> dict[str, object]:
    text = f"Ticket {number}: my invoice of last month shows the wrong amount, please correct it. " * 3
    messages = [
        {"role": "system", "content": "You sort the mail of a support inbox. Answer with JSON and nothing else."},
        {"role": "user", "content": text},
    ]
    return {"messages": messages}


class Setting:
    """A project with 2,000 examples and one more version of 100,000, in the database that the workers look at."""

    def __init__(self) -> None:
        from django.utils import timezone

        from evalhub.evalsets.models import EvalSet, EvalSetVersion, Example
        from evalhub.projects.models import Project, User

        stamp = time.time_ns()
        self.user = User.objects.create(email=f"bench-{stamp}@example.org", name="Bench")
        self.project = Project.objects.create(name="Bench", slug=f"bench-{stamp}")
        eval_set = EvalSet.objects.create(project=self.project, name="Bench")
        self.version, self.long_version = (
            EvalSetVersion.objects.create(
                eval_set=eval_set, number=number, state="draft", example_count=count, created_by=self.user
            )
            for number, count in enumerate((EXAMPLES, MANY_EXAMPLES), start=1)
        )
        for version in (self.version, self.long_version):
            Example.objects.bulk_create(
                (
                    Example(version=version, position=n, key=str(n), request=request_of(n), digest=n.to_bytes(32))
                    for n in range(version.example_count)
                ),
                batch_size=5_000,
            )
            version.state, version.published_at = "published", timezone.now()
            version.save()

    def candidate(self, url: str, name: str):
        from evalhub.candidates.models import Candidate, Endpoint

        endpoint = Endpoint.objects.create(
            project=self.project, name=name, base_url=url, max_in_flight=IN_FLIGHT, streams=False
        )
        return Candidate.objects.create(project=self.project, name=name, endpoint=endpoint, model="quick")


def run_many(setting: Setting, candidate: object, worker: psutil.Process) -> tuple[float, float]:
    """Seconds that a run of 100,000 takes, and the most MB that a process of the worker has meanwhile."""
    from evalhub.runs.starting import start_runs

    start, most = time.monotonic(), 0.0
    run = start_runs(setting.long_version, [candidate], 1, setting.user, accepts_unknown_cost=True)[0]  # type: ignore[list-item]  # see candidate
    while not run.is_over and time.monotonic() - start < 300:
        time.sleep(0.5)
        most = max(most, rss_of(worker))
        run.refresh_from_db()
    assert run.outputs.filter(error_cause="").count() == MANY_EXAMPLES, f"it did not finish: {run.state_reason}"
    return time.monotonic() - start, most


def run_once(setting: Setting, candidate: object, worker: psutil.Process) -> Taken:
    """Start a run as the page does, and wait until it is over."""
    from django.db.models import Max

    from evalhub.runs.starting import start_runs

    cpu = cpu_of(worker)
    start = time.time()
    run = start_runs(setting.version, [candidate], 1, setting.user, accepts_unknown_cost=True)[0]  # type: ignore[list-item]  # see candidate
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        run.refresh_from_db()
        if run.is_over:
            break
        time.sleep(0.05)
    assert run.outputs.filter(error_cause="").count() == EXAMPLES, f"the run did not finish: {run.state_reason}"
    last = run.outputs.aggregate(at=Max("created_at"))["at"]
    return Taken(last.timestamp() - start, cpu_of(worker) - cpu)


def cpu_of(worker: psutil.Process) -> float:
    return sum(
        process.cpu_times().user + process.cpu_times().system for process in [worker, *worker.children(recursive=True)]
    )


def rss_of(worker: psutil.Process) -> float:
    """MB of the largest of the worker's processes."""
    return max(process.memory_info().rss for process in [worker, *worker.children(recursive=True)]) / 1e6


def run() -> list[Figure]:
    with own_worker() as worker:
        setting = Setting()
        with quick_endpoint(SLOW_MS) as slow, quick_endpoint(0) as fast:
            slow_candidate, fast_candidate = setting.candidate(slow, "slow"), setting.candidate(fast, "fast")
            run_once(setting, fast_candidate, worker)  # the first run of a worker process pays for its imports
            slow_runs, fast_runs, bare = [], [], []
            for _ in range(ROUNDS):  # interleaved, so that a busy machine is busy for all of them
                fast_runs.append(run_once(setting, fast_candidate, worker))
                bare.append(asyncio.run(bare_loop(fast, bodies())))
                slow_runs.append(run_once(setting, slow_candidate, worker))
            rss = rss_of(worker)
            many, most = run_many(setting, fast_candidate, worker)
    minimum = EXAMPLES / IN_FLIGHT * SLOW_MS / 1000
    slow_wall, fast_wall, bare_wall = (
        median(each.wall for each in slow_runs), median(each.wall for each in fast_runs), median(bare)
    )  # fmt: skip
    return [
        Figure.over("wall_200ms", slow_wall, "s", minimum),
        Figure("wall_over_minimum_200ms", slow_wall / minimum, "x"),
        Figure.over("calls_per_second_0ms", EXAMPLES / fast_wall, "calls/s", EXAMPLES / bare_wall),
        Figure("rate_over_bare_0ms", bare_wall / fast_wall, "x"),
        Figure("cpu_ms_per_call", median(each.cpu for each in fast_runs) / EXAMPLES * 1000, "ms"),
        Figure("worker_rss_mb", rss, "MB"),
        Figure("calls_per_second_100k", MANY_EXAMPLES / many, "calls/s"),
        Figure("worker_rss_mb_100k", most, "MB"),
    ]


@contextmanager
def own_worker() -> Iterator[psutil.Process]:
    """A Celery worker for calls, as ``manage.py serve`` starts it, on the database of the settings."""
    from django.conf import settings

    from evalhub.serving.processes import start, stop
    from evalhub.serving.stack import worker_service

    service = worker_service("calls", "calls", PROCESSES, log=settings.EVALHUB_HOME / "bench-worker.log")
    child = start(service)
    try:
        yield psutil.Process(child.pid)
    finally:
        stop([(service, child)])
