"""Programs that tests talk to: a Celery worker, the web server, an endpoint. Each is started once in a session."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.db import connection

from evalhub.serving.places import embedded_database_url
from evalhub.serving.processes import Service, start, stop
from evalhub.serving.stack import web_service, worker_service

QUEUES = ("calls", "work", "sweep")
LOGS = pytest.StashKey[dict[Path, int]]()


class Program:
    """A running program and its log."""

    def __init__(self, service: Service) -> None:
        self.service = service
        assert service.log
        self.log = service.log
        self.shown = 0
        self.process = start(service)

    def restart(self, hurry: bool = True) -> None:
        self.stop(hurry)
        self.process = start(self.service)

    def runs(self) -> bool:
        return self.process.poll() is None

    def stop(self, hurry: bool = False) -> None:
        stop([(self.service, self.process)], in_a_hurry=lambda: hurry)


@pytest.fixture(scope="session")
def test_environment(django_db_setup: None) -> dict[str, str]:
    """What a program needs to work on the tests' database."""
    name = settings.DATABASES["default"]["NAME"]
    return {"DATABASE_URL": embedded_database_url(Path(os.environ["EVALHUB_TEST_SERVERS"]), name)}


@pytest.fixture(scope="session")
def session_worker(test_environment: dict[str, str]) -> Iterator[Program]:
    log = settings.EVALHUB_HOME / "worker.log"
    worker = Program(worker_service("tests", ",".join(QUEUES), 2, test_environment, log))
    yield worker
    worker.stop(hurry=True)


@pytest.fixture
def celery_worker(session_worker: Program, transactional_db: None, request: pytest.FixtureRequest) -> Iterator[Program]:
    """A Celery worker process for all queues. Between two tests its queues are emptied and its tasks finished."""
    if not session_worker.runs():
        session_worker.restart()  # the test before killed it
    with log_attached(request, session_worker):
        yield session_worker
    if not empties_its_queues(session_worker):
        session_worker.restart()


def empties_its_queues(worker: Program, seconds: float = 10) -> bool:
    """Drop what waits, and wait for the tasks at work; false if they go on for too long."""
    broker = redis.Redis.from_url(settings.REDIS_URL)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and worker.runs():
        broker.delete(*QUEUES)
        if broker.hlen("unacked") == 0:
            return True
        time.sleep(0.02)  # between two looks
    broker.delete("unacked", "unacked_index")
    return False


@dataclass(frozen=True)
class WebServer:
    url: str


@pytest.fixture(scope="session")
def session_web_server(test_environment: dict[str, str]) -> Iterator[tuple[Program, WebServer]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        log = settings.EVALHUB_HOME / "web.log"
        program = Program(web_service(listener.fileno(), test_environment, log))
        yield program, WebServer(f"http://127.0.0.1:{listener.getsockname()[1]}")
        program.stop(hurry=True)


@pytest.fixture
def web_server(
    session_web_server: tuple[Program, WebServer], transactional_db: None, request: pytest.FixtureRequest
) -> Iterator[WebServer]:
    """The real web server, gunicorn in processes of its own, on the tests' database; ``web_server.url``."""
    program, server = session_web_server
    with log_attached(request, program):
        assert program.runs(), f"gunicorn ended: {program.log.read_text()[-2000:]}"
        yield server
        wait_for_quiet()


def wait_for_quiet() -> None:
    """Wait until nobody works on the database: a page that closes sends what was typed, and its request would meet the
    tables being emptied. Not for ever: workers that go on are another fixture's."""
    deadline, quiet = time.monotonic() + 5, 0
    while quiet < 6 and time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity, pg_sleep(0.05) WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND state IN ('active', 'idle in transaction')"
            )
            quiet = 0 if cursor.fetchone()[0] else quiet + 1


class Endpoint:
    """The endpoint of ``tests/endpoint.py``, running at ``url`` (which ends in /v1)."""

    def __init__(self, url: str) -> None:
        self.url = url

    def replay(self, lines: Iterable[Mapping[str, object]]) -> None:
        """Have it answer from recorded outputs; see ``tests/endpoint.py`` for the shape of a line."""
        self._post("replay", "\n".join(json.dumps(line) for line in lines).encode())

    def counts(self) -> dict:
        """``{"total", "models": {model: calls}, "prompts": {prompt: calls}, "most_at_once", "keys": [key]}``"""
        with urllib.request.urlopen(self.url.replace("/v1", "/counts"), timeout=10) as answer:
            return json.load(answer)

    def log(self) -> list[list]:
        """The calls: ``[arrived, ended, model, max_tokens]``, in seconds of one clock."""
        with urllib.request.urlopen(self.url.replace("/v1", "/log"), timeout=10) as answer:
            return json.load(answer)

    def go_down(self, seconds: float) -> None:
        """Have it answer every call with 503 for so long."""
        self._post("down", str(seconds).encode())

    def reset(self) -> None:
        self._post("reset", b"")

    def _post(self, path: str, body: bytes) -> None:
        urllib.request.urlopen(self.url.replace("/v1", f"/{path}"), data=body, timeout=30).close()


@contextmanager
def running_endpoint() -> Iterator[Endpoint]:
    """An endpoint in a process of its own."""
    command = [sys.executable, "-m", "tests.endpoint", "--port", "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Endpoint(process.stdout.readline().split()[-1])
        process.kill()


@pytest.fixture(scope="session")
def session_endpoint() -> Iterator[Endpoint]:
    with running_endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def model_endpoint(session_endpoint: Endpoint) -> Endpoint:
    """An OpenAI-compatible endpoint in a process of its own, which has counted no call yet."""
    session_endpoint.reset()
    return session_endpoint


@contextmanager
def log_attached(request: pytest.FixtureRequest, program: Program) -> Iterator[None]:
    """Show what the program logged since the last test, should this one fail."""
    request.node.stash.setdefault(LOGS, {})[program.log] = program.shown
    yield
    program.shown = program.log.stat().st_size


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.failed:
        for log, offset in item.stash.get(LOGS, {}).items():
            with log.open("rb") as file:
                file.seek(offset)
                report.sections.append((f"Captured {log.name}", file.read()[-20_000:].decode(errors="replace")))
    return report
