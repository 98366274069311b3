"""``manage.py serve`` as a person runs it: in a process of its own, on a data folder of its own."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.serving.test_embedded import holding
from tests.serving.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
FOR_TESTS_ONLY = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "REDIS_URL")


def environment_of(home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in FOR_TESTS_ONLY}
    return kept | {"EVALHUB_HOME": str(home), "PYTHONUNBUFFERED": "1"} | more


def manage(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment_of(home, **more),
        capture_output=True,
        text=True,
        timeout=120,
    )


class Served:
    """A running ``serve`` and what it has printed so far."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--port", "0", *arguments],
            cwd=ROOT,
            env=environment_of(home),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self) -> None:
        self.lines.extend(line for line in self.process.stdout)

    def says(self, words: str) -> bool:
        assert self.process.poll() is None or any(words in line for line in self.lines), "".join(self.lines)
        return any(words in line for line in self.lines)

    def address(self) -> str:
        wait_until(lambda: self.says("EvalHub is at"), 60)
        return next(line for line in self.lines if "EvalHub is at" in line).split(" at ")[1].split()[0]

    def programs(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def program(self, mark: str) -> psutil.Process | None:
        """The running direct child that has this in its command line."""
        children = psutil.Process(self.process.pid).children()
        return next((child for child in children if mark in command_of(child)), None)

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        code = self.process.wait(40)
        self.reader.join()
        return code


@contextmanager
def serving(home: Path, *arguments: str) -> Iterator[Served]:
    served = Served(home, *arguments)
    try:
        served.address()
        wait_until(lambda: len(psutil.Process(served.process.pid).children()) == 7)
        yield served
    finally:
        if served.process.poll() is None:
            programs = served.programs()
            served.end(signal.SIGKILL)
            for program in left_of(programs):
                program.kill()
        served.process.stdout.close()


def command_of(program: psutil.Process) -> str:
    """Its command line; empty once it has ended."""
    try:
        return " ".join(program.cmdline())
    except psutil.Error:
        return ""


def running(programs: list[psutil.Process]) -> list[psutil.Process]:
    return [program for program in programs if command_of(program)]


def left_of(programs: list[psutil.Process], seconds: float = 60) -> list[psutil.Process]:
    """Those that still run when all of them had the time to end."""
    deadline = time.monotonic() + seconds
    while (left := running(programs)) and time.monotonic() < deadline:
        time.sleep(0.05)  # between two looks
    return left


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=10) as page:
            return page.status == 200 and "/sign-in/" in page.url
    except OSError:
        return False


def test_ctrl_c_stops_all_programs_and_says_so(home):
    with serving(home) as served:
        assert answers(served.address())
        programs = served.programs()

        code = served.end(signal.SIGINT)

    assert code == 0
    assert running(programs) == []
    assert served.lines[-1].endswith("serve    stopped\n")
    assert not any("Traceback" in line for line in served.lines)


def test_a_kill_leaves_nothing_that_blocks_the_next_start(home):
    with serving(home) as served:
        programs = served.programs()
        assert "ada@example.org" in manage(home, "create_admin", "ada@example.org").stdout
        served.end(signal.SIGKILL)
        assert [command_of(program) for program in left_of(programs)] == []

    with serving(home) as served:
        assert answers(served.address())
        assert not served.says("Nobody can sign in yet")
        assert not served.says("bringing the database up to date")


def test_a_program_that_dies_is_started_again(home):
    with serving(home) as served:
        for mark in ("gunicorn", "--queues calls", "valkey", "postgres -D"):
            dead = served.program(mark)
            dead.kill()
            wait_until(lambda mark=mark, dead=dead: served.program(mark) not in {None, dead})

        wait_until(lambda: answers(served.address()))
        assert served.end(signal.SIGTERM) == 0

    ended = [line.split(maxsplit=1)[1] for line in served.lines if "is started again" in line]
    assert [line.split()[0] for line in ended] == ["web", "calls", "valkey", "postgres"]
    assert all("ended (killed by SIGKILL) and is started again in 1 s" in line for line in ended)


def test_it_can_end_with_the_process_that_started_it(home):
    script = f'"{sys.executable}" manage.py serve --port 0 --with-parent; true'
    parent = subprocess.Popen(["sh", "-c", script], cwd=ROOT, env=environment_of(home), stdout=subprocess.PIPE)
    for line in parent.stdout:
        if b"EvalHub is at" in line:
            break
    programs = psutil.Process(parent.pid).children(recursive=True)

    parent.kill()

    wait_until(lambda: running(programs) == [], 40)
    parent.communicate()


def test_a_second_one_on_the_same_data_is_refused_in_one_sentence(home):
    with holding(home, "serve") as first:
        second = manage(home, "serve", "--port", "0")

    assert second.returncode == 1
    assert second.stderr == (
        f"EvalHub already runs on the data folder {home} (process {first.pid}). Stop it first, or choose "
        "another folder with EVALHUB_HOME.\n"
    )


def test_ctrl_c_ends_it_also_while_it_waits_for_a_command_to_finish(home):
    with holding(home, "command"):
        served = Served(home)
        wait_until(lambda: served.says("waiting for another command to finish with the database"))

        assert served.end(signal.SIGINT) == 0
        served.process.stdout.close()


def test_a_port_that_is_taken_is_told_in_one_sentence(home):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        refused = manage(home, "serve", "--port", str(port))

    assert refused.returncode == 1
    assert refused.stderr == (
        f"The address 127.0.0.1:{port} cannot be served on: Address already in use. Choose another port with --port "
        "or EVALHUB_PORT; 0 takes any that is free.\n"
    )


def test_a_database_that_does_not_answer_is_told_without_its_password(home):
    refused = manage(home, "serve", "--port", "0", DATABASE_URL="postgresql://evalhub:secret@127.0.0.1:1/evalhub")

    assert refused.returncode == 1
    assert refused.stderr.startswith("The database at 127.0.0.1:1 does not answer: ")
    assert refused.stderr.count("\n") == 1
    assert "secret" not in refused.stderr


@pytest.mark.parametrize("command", ["check", "help"])
def test_a_command_that_needs_no_database_starts_none(home, command):
    assert manage(home, command).returncode == 0
    assert not (home / "servers").exists()


def test_a_command_that_needs_the_database_starts_it_and_stops_it_without_a_word(home):
    done = manage(home, "migrate", "--verbosity", "0")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (home / "servers/postgres/PG_VERSION").exists()
    assert not (home / "servers/postgres/postmaster.pid").exists()
