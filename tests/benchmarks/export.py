"""How close an export of 100,000 rows comes to bare COPY: the real web server, worker and database.

Each round presses Export on the page of an eval set version whose examples are about 1 KB each, and waits until the
file is finished: the click, the queue, the worker, the rows read in one COPY and written. The floor, measured in the
same round: COPY of the same lines, ready made in a table of one column, to a file. The file must be what the version's
download is, byte for byte. Outputs, CSV and Parquet are measured in the same way.
"""

from __future__ import annotations

import importlib
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

import psutil

from evalhub.serving.benchmarks import Figure

# Its name is a word of the language, so the statement cannot say it.
importing = importlib.import_module("tests.benchmarks.import")

ROWS, ROUNDS, OTHER_ROUNDS = 100_000, 5, 3
WARM_ROWS, WARM_ROUNDS = 8_000, 6
BATCH = 5_000
FORMATS = ("jsonl", "csv", "parquet")


@contextmanager
def web_and_worker() -> Iterator[tuple[tuple[str, int], psutil.Process]]:
    """The web server and a worker of two processes, as ``manage.py serve`` starts them; the address, and the worker."""
    from django.conf import settings

    from evalhub.serving.processes import start, stop
    from evalhub.serving.stack import web_service, worker_service

    with socket.create_server(("127.0.0.1", 0)) as listener:
        logs = settings.EVALHUB_HOME
        services = [
            web_service(listener.fileno(), log=logs / "bench-web.log"),
            worker_service("work", "work", processes=2, log=logs / "bench-worker.log"),
        ]
        running = [(service, start(service)) for service in services]
        try:
            yield listener.getsockname()[:2], psutil.Process(running[1][1].pid)
        finally:
            stop(running)


class MemoryWatch:
    """The most memory that any process of the worker takes, in bytes, looked at twenty times a second."""

    def __init__(self, worker: psutil.Process) -> None:
        self.worker, self.over = worker, threading.Event()
        self.thread = threading.Thread(target=self.look)
        self.first = self.most = self.now()

    def look(self) -> None:
        while not self.over.wait(0.05):
            self.most = max(self.most, self.now())

    def now(self) -> int:
        return max(process.memory_info().rss for process in [self.worker, *self.worker.children(recursive=True)])

    def growth(self) -> int:
        """Since the watch began."""
        return self.most - self.first

    def __enter__(self) -> MemoryWatch:
        self.thread.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self.over.set()
        self.thread.join()


def examples(count: int) -> Iterator[dict[str, Any]]:
    """Rows of about 1 KB, each another: messages in words, expected JSON, tags, a cluster, metadata."""
    chance = random.Random(7)
    for number in range(count):
        text = " ".join(chance.choices(importing.WORDS, k=100))
        yield {
            "position": number + 1,
            "key": f"mail-{number:06d}",
            "request": {
                "messages": [{"role": "system", "content": "Sort the mail."}, {"role": "user", "content": text}]
            },
            "expected_kind": "json",
            "expected": {"category": chance.choice(importing.WORDS), "priority": chance.randint(1, 4)},
            "tags": [chance.choice(importing.WORDS)],
            "cluster": f"customer-{number % 9000}",
            "metadata": {"language": chance.choice(["en", "de", "fr"]), "seconds": chance.random()},
        }


def make_version(project: Any, user: Any, count: int) -> Any:
    from evalhub.evalsets.models import EvalSet, EvalSetVersion, Example
    from evalhub.evalsets.publishing import note_facts

    eval_set = EvalSet.objects.create(project=project, name=f"Bench {count}")
    version = EvalSetVersion.objects.create(
        eval_set=eval_set, number=1, state=EvalSetVersion.State.DRAFT, example_count=count, created_by=user
    )
    rows = examples(count)
    while batch := list(islice(rows, BATCH)):
        Example.objects.bulk_create(Example(version=version, digest=b"0" * 32, **row) for row in batch)
    note_facts(version.pk)
    return version


def make_run(version: Any, user: Any) -> Any:
    """A run with an output of about 1 KB for each example."""
    from django.db import connection

    from evalhub.candidates.models import Candidate
    from evalhub.runs.models import Run

    project = version.eval_set.project
    run = Run.objects.create(
        project=project,
        version=version,
        candidate=Candidate.objects.create(project=project, name=f"model {version.pk}"),
        source=Run.Source.UPLOADED,
        state=Run.State.FINISHED,
        planned_outputs=version.example_count,
        started_by=user,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO runs_output (run_id, example_id, repeat, text, tool_calls, finish_reason, prompt_tokens, "
            "completion_tokens, cost, total_ms, attempts, error_cause, error, raw, truncated, created_at) "
            "SELECT %s, id, 1, request::text, '[]', 'stop', 210, 180, 0.000123, 812.5, 1, '', '', '', false, now() "
            "FROM evalsets_example WHERE version_id = %s ORDER BY position",
            [run.pk, version.pk],
        )
    return run


def export(visitor: Any, token: str, kind: str, format: str, **filters: object) -> tuple[float, Any]:
    """Press the button, and wait; seconds from the click to the finished file, and the export."""
    from evalhub.exports.models import Export

    body = urlencode({"csrfmiddlewaretoken": token, "kind": kind, "format": format, **filters})
    began = time.perf_counter()
    answer = visitor.open("POST", "/exports/new/", body, **{"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 302, answer.read().decode()
    made = Export.objects.latest("pk")
    importing.wait_until(lambda: not Export.objects.get(pk=made.pk).is_moving)
    seconds = time.perf_counter() - began
    made.refresh_from_db()
    assert made.is_done, made.error
    return seconds, made


def throw_away(made: Any) -> None:
    from evalhub.exports.making import throw_away as throw

    throw(made)


def fill_bare(path: Path) -> None:
    """Put the lines of a file into a table of one column."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare (line text)")
        with path.open("rb") as lines, cursor.copy(f"COPY bare FROM STDIN WITH ({AS_IT_IS})") as copy:
            while block := lines.read(1 << 20):
                copy.write(block)
        cursor.execute("ANALYZE bare")


# Neither sign stands in JSON, so the lines are copied as they are.
AS_IT_IS = "FORMAT csv, QUOTE '\x01', DELIMITER '\x02'"


def bare_copy(path: Path) -> float:
    from django.db import connection

    began = time.perf_counter()
    with (
        path.open("wb", buffering=1 << 20) as file,
        connection.cursor() as cursor,
        cursor.copy(f"COPY bare TO STDOUT WITH ({AS_IT_IS})") as copy,
    ):
        for row in copy:
            file.write(row)
    return time.perf_counter() - began


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        digest = sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def run() -> list[Figure]:
    from django.conf import settings

    from evalhub.evalsets.contents import hash_of
    from evalhub.projects.models import Member, Project, Role, User

    stamp = time.time_ns()
    user = User.objects.create(email=f"bench-{stamp}@example.org", name="Bench")
    project = Project.objects.create(name="Bench", slug=f"bench-{stamp}")
    Member.objects.create(project=project, user=user, role=Role.ADMIN)
    small, version = make_version(project, user, WARM_ROWS), make_version(project, user, ROWS)
    outputs = make_run(version, user)
    bare = settings.EVALHUB_HOME / "bare.jsonl"
    examples_taken: dict[str, list[float]] = {format: [] for format in FORMATS}
    outputs_taken: list[float] = []
    copying: list[float] = []
    with web_and_worker() as (address, worker):
        visitor = importing.Visitor(address, project.slug, user)
        token = visitor.token(f"/evalsets/versions/{version.pk}/")
        for _ in range(WARM_ROUNDS):
            for format in FORMATS:
                throw_away(export(visitor, token, "examples", format, version=small.pk)[1])
        with MemoryWatch(worker) as watch:
            for number in range(ROUNDS):
                seconds, made = export(visitor, token, "examples", "jsonl", version=version.pk)
                examples_taken["jsonl"].append(seconds)
                if not number:
                    assert digest_of(made.path) == hash_of(version)
                    fill_bare(made.path)
                copying.append(bare_copy(bare))
                assert made.rows_done == ROWS
                assert bare.stat().st_size == made.path.stat().st_size
                throw_away(made)
            for _ in range(OTHER_ROUNDS):
                seconds, made = export(visitor, token, "outputs", "jsonl", run=outputs.pk)
                outputs_taken.append(seconds)
                throw_away(made)
            growth = watch.growth()
            for format in ("csv", "parquet"):
                for _ in range(OTHER_ROUNDS):
                    seconds, made = export(visitor, token, "examples", format, version=version.pk)
                    examples_taken[format].append(seconds)
                    throw_away(made)
    size = bare.stat().st_size
    bare.unlink()
    rate, floor = ROWS / median(examples_taken["jsonl"]), ROWS / median(copying)
    return [
        Figure("rows_per_second", rate, "rows/s", floor, rate / floor),
        Figure("over_copy", rate / floor, "x"),
        Figure("outputs_rows_per_second", ROWS / median(outputs_taken), "rows/s"),
        Figure("csv_rows_per_second", ROWS / median(examples_taken["csv"]), "rows/s"),
        Figure("parquet_rows_per_second", ROWS / median(examples_taken["parquet"]), "rows/s"),
        Figure("bytes_per_row", size / ROWS, "bytes"),
        Figure("worker_rss_growth_mb", growth / 1e6, "MB"),
        Figure("worker_rss_growth_parquet_mb", watch.growth() / 1e6, "MB"),
        Figure("worker_rss_mb", watch.most / 1e6, "MB"),
    ]
