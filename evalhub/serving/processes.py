"""Starting and stopping the programs that EvalHub consists of, so that none outlives the one that started it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalhub.serving.places import Account

LAUNCHER = Path(__file__).with_name("launch.py")


@dataclass(frozen=True)
class Service:
    """A program that is to run: how it is started, and how it is stopped."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] | None = None
    """The whole environment; None is ours."""
    account: Account | None = None
    """Who runs it; None is this user."""
    folder: Path | None = None
    log: Path | None = None
    """The file that takes what it prints; None leaves that to whoever starts it."""
    kept_open: Sequence[int] = ()
    """Files that it inherits, by number."""
    stop_signals: Sequence[tuple[signal.Signals, float]] = ((signal.SIGTERM, 10),)
    """Signals to stop it with, each with the seconds it has to end; after the last it is killed."""
    hurry_signal: signal.Signals = signal.SIGKILL
    """What stops it at once; also what it gets when the process that started it is killed."""
    runs_once: bool = False
    """Whether it has done its work when it ends, rather than failed."""
    prepare: Callable[[], None] | None = None
    """What is to be done before each start."""


Running = tuple[Service, subprocess.Popen[bytes]]


def start(service: Service, output: int | None = None) -> subprocess.Popen[bytes]:
    """Start the service with a session of its own, so that Ctrl-C in the terminal reaches only us.

    ``output``: the file number that takes what it prints where it has no log of its own; None discards it.
    Call it from the main thread: on Linux the service ends with the thread that started it.
    """
    if service.prepare:
        service.prepare()
    account = service.account
    uid, gid = (account.uid, account.gid) if account and not account.is_us else (-1, -1)
    launch = [sys.executable, "-I", "-S", str(LAUNCHER), str(int(service.hurry_signal)), str(os.getpid())]
    command = [*launch, str(uid), str(gid), *service.command]
    log = service.log.open("ab") if service.log else None
    try:
        return subprocess.Popen(  # noqa: S603 -- our own command line, no shell
            command,
            env=service.environment,
            cwd=service.folder or ("/" if uid >= 0 else None),
            stdin=subprocess.DEVNULL,
            stdout=log or (subprocess.DEVNULL if output is None else output),
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=service.kept_open,
        )
    finally:
        if log:
            log.close()


def stop(
    running: Iterable[Running],
    in_a_hurry: Callable[[], bool] = lambda: False,
    wait: Callable[[float], object] = time.sleep,
) -> None:
    """Stop services together, each by its own signals, and leave nothing of their process groups.

    As soon as ``in_a_hurry``, those that are left are stopped at once. ``wait`` passes the time between two looks.
    """
    left = [_Stopping(service, child) for service, child in running]
    while left := [stopping for stopping in left if not stopping.has_ended(in_a_hurry())]:
        wait(0.02)


class _Stopping:
    """One service on its way down its ladder of signals."""

    def __init__(self, service: Service, child: subprocess.Popen[bytes]) -> None:
        self.child = child
        self.hurried = [(service.hurry_signal, 2.0)]
        self.ladder = [*service.stop_signals, *self.hurried]
        self.due = 0.0

    def has_ended(self, hurry: bool) -> bool:
        if self.child.poll() is not None:
            kill_group(self.child)
            return True
        if hurry and self.hurried:
            self.ladder, self.hurried, self.due = self.hurried, [], 0.0
        if time.monotonic() >= self.due:
            self._next_signal()
        return False

    def _next_signal(self) -> None:
        number, seconds = self.ladder.pop(0) if self.ladder else (signal.SIGKILL, 1.0)
        self.due = time.monotonic() + seconds
        if number == signal.SIGKILL:
            kill_group(self.child)
        else:
            self.child.send_signal(number)


def kill_group(child: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a child's process group; nothing happens when it is empty."""
    # macOS says “not permitted” for a group that only has ended processes.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def arguments_of(pid: int) -> list[str]:
    """The command line of a running process; empty if there is none, or if it cannot be read."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            return []
    listed = subprocess.run(["/bin/ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True)  # noqa: S603 -- a number, no shell
    return listed.stdout.split()


def stop_stranger(pid: int, signals: Sequence[tuple[signal.Signals, float]], marks: Sequence[str]) -> bool:
    """Stop a process that an earlier EvalHub left, if its command line still holds all the marks.

    Its number may long belong to somebody else's process: without the marks it gets no signal. True if it is gone.
    """
    for number, seconds in signals:
        deadline = time.monotonic() + seconds
        if not _is(pid, marks):
            return True
        os.kill(pid, number)
        while time.monotonic() < deadline:
            if not _is(pid, marks):
                return True
            time.sleep(0.02)
    return not _is(pid, marks)


def _is(pid: int, marks: Sequence[str]) -> bool:
    line = " ".join(arguments_of(pid))
    return bool(line) and all(mark in line for mark in marks)
