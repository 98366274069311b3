"""Runs the embedded PostgreSQL and Valkey for as long as they are needed: one pair for each data folder.

Two lock files in the data folder say who does what. ``servers.lock`` is held by the process that runs the servers,
``servers.users`` is shared by those that use them. They are locks of the kernel's, so a killed process leaves none.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from evalhub.errors import EvalHubError
from evalhub.serving.places import PlaceError, make_home, server_account, servers_folder, socket_folder
from evalhub.serving.postgres import make_application_database, postgres_answers, postgres_service, why_not
from evalhub.serving.processes import Running, Service, start, stop
from evalhub.serving.valkey import valkey_answers, valkey_service

SECONDS_TO_START = 120  # recovery after a crash may take long
NEEDED_BYTES = 200 * 1024 * 1024


class ServersError(EvalHubError):
    """The embedded servers cannot be run."""


@dataclass(frozen=True)
class Wanted:
    """Which of the two servers are wanted, and whether PostgreSQL shall survive a power cut."""

    postgres: bool = True
    valkey: bool = True
    fsync: bool = True

    def answered(self, home: Path) -> bool:
        return (not self.postgres or postgres_answers(home)) and (not self.valkey or valkey_answers(home))


def wanted_by_environment() -> Wanted:
    """The servers that DATABASE_URL and REDIS_URL do not replace; none in production, where settings ask for both."""
    embedded = os.environ.get("EVALHUB_ENV") != "production"
    return Wanted(
        postgres=embedded and not os.environ.get("DATABASE_URL"), valkey=embedded and not os.environ.get("REDIS_URL")
    )


@contextlib.contextmanager
def running_servers(home: Path, *, fsync: bool = True, wanted: Wanted | None = None) -> Iterator[None]:
    """The embedded servers run inside this block. Ones that another process runs for this home are used as they are.

    Ours are stopped at the end, once nobody else uses them.
    """
    wanted = wanted or Wanted(fsync=fsync)
    if not (wanted.postgres or wanted.valkey):
        yield
        return
    make_home(home)
    with _locked(home / "servers.users", fcntl.LOCK_SH):
        lock = _lock_or_servers(home, wanted)
        if lock is None:
            yield
            return
    with lock, _started(home, wanted):
        yield
        with _locked(home / "servers.users", fcntl.LOCK_EX):
            pass


@contextlib.contextmanager
def servers_of_our_own(
    home: Path, role: str, wanted: Wanted, tell: Callable[[str], object] = lambda _: None
) -> Iterator[list[Running]]:
    """Like ``running_servers``, but refused when another EvalHub of this role runs on the home.

    A passing command that runs the servers is waited for, once that is told. Yields the servers, for the caller to
    watch: the list is to be kept true when one of them is started again.
    """
    make_home(home)
    deadline = time.monotonic() + SECONDS_TO_START
    told = False
    while (lock := _try_lock(home, role)) is None:
        pid, other = _holder(home)
        if other == role or time.monotonic() > deadline:
            raise ServersError(
                f"EvalHub already runs on the data folder {home} (process {pid}). Stop it first, or choose another "
                "folder with EVALHUB_HOME."
            )
        if not told:
            tell(f"waiting for another command to finish with the database (process {pid})")
        told = True
        time.sleep(0.1)
    with lock, _started(home, wanted) as servers:
        yield servers


def _lock_or_servers(home: Path, wanted: Wanted) -> IO[str] | None:
    """The lock to run the servers with, or None once somebody else's answer."""
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        if lock := _try_lock(home, "command"):
            return lock
        if wanted.answered(home):
            return None
        time.sleep(0.05)
    raise ServersError(f"The servers that process {_holder(home)[0]} runs on {home} do not answer.")


def _try_lock(home: Path, role: str) -> IO[str] | None:
    file = (home / "servers.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    file.truncate(0)
    file.write(f"{os.getpid()} {role}\n")
    file.flush()
    return file


def _holder(home: Path) -> tuple[str, str]:
    pid, _, role = (home / "servers.lock").read_text().strip().partition(" ")
    return pid or "unknown", role


@contextlib.contextmanager
def _locked(path: Path, kind: int) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, kind)
        yield


@contextlib.contextmanager
def _started(home: Path, wanted: Wanted) -> Iterator[list[Running]]:
    if os.environ.get("EVALHUB_ENV") == "production" and (wanted.postgres or wanted.valkey):
        raise ServersError("The embedded servers are not made for production. Set DATABASE_URL and REDIS_URL.")
    account = server_account()
    logs = home / "logs"
    folder = servers_folder(home, account)
    _refuse_full_disk(folder)
    running: list[Running] = []
    try:
        if wanted.valkey:
            running.append(_start(valkey_service(home, account, logs)))
        if wanted.postgres:
            running.append(_start(postgres_service(home, account, logs, wanted.fsync)))
            _wait_until(lambda: postgres_answers(home), running[-1], folder)
            make_application_database(home)
        if wanted.valkey:
            _wait_for_valkey(home, running, folder)
        yield running
    finally:
        stop(running)
        with contextlib.suppress(OSError):  # a killed server's socket is still there, or the folder never was
            socket_folder(home).rmdir()


def _start(service: Service) -> Running:
    if service.log and service.log.exists() and service.log.stat().st_size > 10_000_000:
        service.log.replace(service.log.with_suffix(".old.log"))
    return service, start(service)


def _wait_for_valkey(home: Path, running: list[Running], folder: Path) -> None:
    try:
        _wait_until(lambda: valkey_answers(home), running[0], folder)
    except ServersError:
        running[0] = _start(running[0][0])  # which puts aside the file that it could not read, if that was it
        _wait_until(lambda: valkey_answers(home), running[0], folder)


def _wait_until(answers: Callable[[], bool], running: Running, folder: Path) -> None:
    service, child = running
    deadline = time.monotonic() + SECONDS_TO_START
    while not answers():
        ended = child.poll() is not None
        if ended or time.monotonic() > deadline:
            reason = why_not(f"The embedded {service.name} did not start", service.log or Path(os.devnull), folder)
            raise ServersError(f"{reason.rstrip('.')}. Its log is {service.log}.")
        time.sleep(0.02)


def _refuse_full_disk(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise PlaceError(
            f"The disk under {folder} is full: {free // 1_000_000} MB are free, and EvalHub needs "
            f"{NEEDED_BYTES // 1_000_000} MB to start. Make room and start again."
        )
