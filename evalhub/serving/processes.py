"""Starting and stopping the programs that EvalHub consists of, so that none outlives the one that started it."""

from __future__ import annotations

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


def stop(running: Iterable[tuple[Service, subprocess.Popen[bytes]]], hurry: bool = False) -> None:
    """Stop services together, each by its own signals, and leave nothing of their process groups."""
    left = list(running)
    ladders = {id(child): _ladder(service, hurry) for service, child in left}
    due = {id(child): 0.0 for _, child in left}
    while left:
        for service, child in list(left):
            if child.poll() is not None:
                kill_group(child)
                left.remove((service, child))
            elif time.monotonic() >= due[id(child)]:
                number, seconds = ladders[id(child)].pop(0)
                due[id(child)] = time.monotonic() + seconds
                _send(child, number)
        if left:
            time.sleep(0.02)


def _ladder(service: Service, hurry: bool) -> list[tuple[signal.Signals, float]]:
    hurried = [(service.hurry_signal, 2.0), *[(signal.SIGKILL, 1.0)] * 60]
    return hurried if hurry else [*service.stop_signals, *hurried]


def _send(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if number == signal.SIGKILL:
        kill_group(child)
    else:
        child.send_signal(number)


def kill_group(child: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a child's process group; nothing happens when it is empty."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass  # macOS says “not permitted” for a group that only has ended processes


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
