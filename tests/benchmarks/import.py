"""How close an upload of 100,000 examples comes to bare COPY: the real web server, worker and database.

Each round sends 100 MB of JSONL to gunicorn as a browser does, has every row checked, confirms, and waits until the
version is published: stored, hashed and frozen. The floor, measured in the same round: COPY of the same staged rows
into a table of the same columns without index, constraint or trigger. Meanwhile somebody opens a page five times a
second.
"""
# ruff: noqa: N999 -- named as the benchmark is; it is imported by its name, never by the statement

from __future__ import annotations

import http.client
import json
import os
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from statistics import median, quantiles
from typing import IO
from urllib.parse import urlencode

import psutil

from evalhub.serving.benchmarks import Figure

ROWS, ROUNDS = 100_000, 3
WARM_ROWS, WARM_ROUNDS, WARM_PAGES, THREADS = 2_000, 8, 800, 32
BOUNDARY = "between-the-parts"
BLOCK = 1 << 20
WORDS = ["order", "invoice", "refund", "lamp", "parcel", "customer", "please", "account", "broken", "“Müller”", "漢字"]


@dataclass
class Taken:
    """What the rounds took: seconds, one figure a round."""

    sending: list[float] = field(default_factory=list)
    checking: list[float] = field(default_factory=list)
    importing: list[float] = field(default_factory=list)
    copying: list[float] = field(default_factory=list)
    downloading: list[float] = field(default_factory=list)


class Visitor:
    """Somebody signed in at the web server, with a connection of their own."""

    def __init__(self, address: tuple[str, int], project_slug: str, user: object) -> None:
        from django.test import Client

        client = Client()
        client.force_login(user)  # type: ignore[arg-type]  # a user, as its maker below says
        self.headers = {"Cookie": "; ".join(f"{name}={value.value}" for name, value in client.cookies.items())}
        self.address = address
        self.root = f"/p/{project_slug}"
        given = self.open("GET", "/evalsets/new/").getheader("Set-Cookie") or ""  # what forms need
        self.headers["Cookie"] += f"; {given.partition(';')[0]}"

    def get(self, path: str) -> bytes:
        answer = self.open("GET", path)
        assert answer.status == 200, (path, answer.status)
        return answer.read()

    def open(self, method: str, path: str, body: object = None, **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(*self.address, timeout=300)
        connection.request(method, self.root + path, body, self.headers | headers)  # type: ignore[arg-type]  # see body
        return connection.getresponse()

    def token(self, path: str) -> str:
        found = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(path))
        assert found
        return found[1].decode()

    def press(self, page: str, verb: str, **values: object) -> None:
        body = urlencode({"csrfmiddlewaretoken": self.token(page), **values}, doseq=True)
        answer = self.open("POST", f"{page}{verb}/", body, **{"Content-Type": "application/x-www-form-urlencoded"})
        assert answer.status == 302, answer.read().decode()

    def send(self, path: str, file: Path) -> str:
        """Upload a file as a form does, and return the path of the page that follows."""
        parts = multipart(self.token(path), file)
        size = sum(len(part) for part in parts) + file.stat().st_size
        answer = self.open(
            "POST",
            path,
            streamed(parts, file),
            **{"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Content-Length": str(size)},
        )
        assert answer.status == 302, answer.read().decode()
        return (answer.getheader("Location") or "").removeprefix(self.root)


def multipart(token: str, file: Path) -> tuple[bytes, bytes]:
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n{token}\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{file.name}"\r\n\r\n'
    )
    return head.encode(), f"\r\n--{BOUNDARY}--\r\n".encode()


def streamed(parts: tuple[bytes, bytes], file: Path) -> Iterator[bytes]:
    yield parts[0]
    with file.open("rb") as content:
        while block := content.read(BLOCK):
            yield block
    yield parts[1]


def write_rows(file: IO[str], count: int) -> None:
    """Rows of about 1 KB, each another: text in words, expected JSON, tags, a cluster, metadata."""
    chance = random.Random(7)
    for number in range(count):
        text = " ".join(chance.choices(WORDS, k=105))
        row = {
            "id": f"mail-{number:06d}",
            "input": [{"role": "system", "content": "Sort the mail."}, {"role": "user", "content": text}],
            "expected": {"category": chance.choice(WORDS), "priority": chance.randint(1, 4)},
            "tags": [chance.choice(WORDS)],
            "customer_id": f"customer-{number % 9000}",
            "language": chance.choice(["en", "de", "fr"]),
        }
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


@contextmanager
def web_and_worker() -> Iterator[tuple[tuple[str, int], psutil.Process]]:
    """The web server and a worker, as ``manage.py serve`` starts them; the address, and the server's process."""
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
            yield listener.getsockname()[:2], psutil.Process(running[0][1].pid)
        finally:
            stop(running)


class Watch:
    """Looks on while the work goes on: how much memory the web server takes, how long a page takes."""

    def __init__(self, visitor: Visitor, server: psutil.Process, page: str) -> None:
        self.visitor, self.server, self.page = visitor, server, page
        self.seconds: list[float] = []
        self.memory = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self) -> None:
        while not self.over.wait(0.2):
            began = time.perf_counter()
            self.visitor.get(self.page)
            self.seconds.append(time.perf_counter() - began)
            self.memory = max(self.memory, memory_of(self.server))

    def begin_again(self) -> int:
        """Forget what was seen so far; the memory taken now, in bytes."""
        self.seconds, self.memory = [], memory_of(self.server)
        return self.memory

    def __enter__(self) -> Watch:
        self.thread.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self.over.set()
        self.thread.join()


def memory_of(server: psutil.Process) -> int:
    """Of all processes of the web server, in bytes."""
    return sum(process.memory_info().rss for process in [server, *server.children(recursive=True)])


def wait_until(condition: Callable[[], bool], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that; see the logs of the benchmark"
        time.sleep(0.005)


def one_round(visitor: Visitor, eval_set: int, file: Path, taken: Taken) -> int:
    """Send, check, confirm and wait; returns the version's id."""
    from evalhub.evalsets.forms import MappingForm
    from evalhub.evalsets.models import EvalSetVersion, Upload

    began = time.perf_counter()
    page = visitor.send(f"/evalsets/{eval_set}/upload/", file)
    taken.sending.append(time.perf_counter() - began)

    upload = Upload.objects.latest("pk")
    guessed = {field.name: field.value() for field in MappingForm(upload) if field.value() not in (None, False)}
    began = time.perf_counter()
    visitor.press(page, "map", **guessed)
    wait_until(lambda: Upload.objects.get(pk=upload.pk).state == Upload.State.CHECKED)
    taken.checking.append(time.perf_counter() - began)
    kept = file.with_suffix(".staged")
    os.link(upload.staged_path, kept)  # the import removes its own

    published = EvalSetVersion.objects.filter(upload=upload).published()
    began = time.perf_counter()
    visitor.press(page, "confirm", publish="on")
    wait_until(published.exists)
    taken.importing.append(time.perf_counter() - began)

    taken.copying.append(bare_copy(kept))
    kept.unlink()
    return published.get().pk


def download(visitor: Visitor, version_id: int, taken: Taken) -> None:
    from evalhub.evalsets.models import EvalSetVersion

    began = time.perf_counter()
    content = visitor.get(f"/evalsets/versions/{version_id}/download/")
    taken.downloading.append(time.perf_counter() - began)
    version = EvalSetVersion.objects.get(pk=version_id)
    assert version.example_count == ROWS
    assert sha256(content).hexdigest() == version.content_hash


def bare_copy(staged: Path) -> float:
    """Seconds for the same rows into a table with nothing to keep up but itself."""
    from django.db import connection, transaction

    from evalhub.evalsets.files.staged_file import staged_columns

    columns = ", ".join(staged_columns("examples"))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE bare AS SELECT {columns} FROM evalsets_example WITH NO DATA")
    began = time.perf_counter()
    with (
        staged.open("rb") as rows,
        transaction.atomic(),
        connection.cursor() as cursor,
        cursor.copy(f"COPY bare ({columns}) FROM STDIN") as copy,
    ):
        while block := rows.read(BLOCK):
            copy.write(block)
    seconds = time.perf_counter() - began
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE bare")
    return seconds


def run() -> list[Figure]:
    from django.conf import settings

    from evalhub.evalsets.models import EvalSet
    from evalhub.projects.models import Member, Project, Role, User

    stamp = time.time_ns()
    user = User.objects.create(email=f"bench-{stamp}@example.org", name="Bench")
    project = Project.objects.create(name="Bench", slug=f"bench-{stamp}")
    Member.objects.create(project=project, user=user, role=Role.ADMIN)
    eval_set = EvalSet.objects.create(project=project, name="Bench").pk
    small, file = (settings.EVALHUB_HOME / f"bench-{count}.jsonl" for count in (WARM_ROWS, ROWS))
    for path, count in ((small, WARM_ROWS), (file, ROWS)):
        with path.open("w") as rows:
            write_rows(rows, count)
    taken = Taken()
    with web_and_worker() as (address, server):
        visitor = Visitor(address, project.slug, user)
        page = f"/evalsets/{eval_set}/"
        with Watch(visitor, server, page) as watch:
            # Every thread of every process has been at work, and has grown to what that takes.
            for _ in range(WARM_ROUNDS):
                one_round(visitor, eval_set, small, Taken())
            with ThreadPoolExecutor(THREADS) as visitors:
                list(visitors.map(visitor.get, [page] * WARM_PAGES))
            before = watch.begin_again()
            versions = [one_round(visitor, eval_set, file, taken) for _ in range(ROUNDS)]
        for version in versions:
            download(visitor, version, taken)
    size = file.stat().st_size / 1e6
    for path in (small, file):
        path.unlink()
    rate, floor = ROWS / median(taken.importing), ROWS / median(taken.copying)
    return [
        Figure("rows_per_second", rate, "rows/s", floor, rate / floor),
        Figure("over_copy", rate / floor, "x"),
        Figure("web_rss_growth_mb", (watch.memory - before) / 1e6, "MB"),
        Figure("upload_mb_per_second", size / median(taken.sending), "MB/s"),
        Figure("check_rows_per_second", ROWS / median(taken.checking), "rows/s"),
        Figure("download_rows_per_second", ROWS / median(taken.downloading), "rows/s"),
        Figure("page_p95_meanwhile_ms", quantiles(watch.seconds, n=20)[-1] * 1000, "ms"),
    ]
