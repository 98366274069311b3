"""Keeps programs running: passes on what they print, starts again what ended, and stops all of it."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable

from evalhub.errors import EvalHubError
from evalhub.serving.processes import Running, Service, kill_group, start, stop

LONGEST_LINE = 64 * 1024
LONGEST_WAIT = 30.0
# Who ran this long ran well: the next time it ends, it is started again at once.
WELL_AFTER = 60.0


class Supervisor:
    """Runs programs from the thread that made it, and watches servers that somebody else started and will stop."""

    def __init__(self, report: Callable[[str, str], None], servers: list[Running]) -> None:
        self.report = report
        self.servers = servers
        self.programs: list[Running] = []
        self.selector = selectors.DefaultSelector()
        self.started_at = {service.name: time.monotonic() for service, _ in servers}
        self.waits: dict[str, float] = {}
        self.due: dict[str, float] = {}

    def add(self, service: Service) -> None:
        self.programs.append((service, self._start(service)))

    def run(self, until: Callable[[], bool]) -> None:
        while not until():
            self.read(0.1)
            for running in (self.servers, self.programs):
                self._revive(running)

    def stop(self, in_a_hurry: Callable[[], bool]) -> None:
        """Stop the programs; the servers are left to who started them."""
        stop(self.programs, in_a_hurry, self.read)
        self.read(0)
        self.programs.clear()

    def read(self, seconds: float) -> None:
        """Pass on what the programs print within the next seconds."""
        for key, _ in self.selector.select(seconds):
            reader: _Lines = key.data
            for line in reader.read():
                self.report(reader.name, line)
            if reader.ended:
                self.selector.unregister(reader.file)
                os.close(reader.file)

    def _start(self, service: Service) -> subprocess.Popen[bytes]:
        self.started_at[service.name] = time.monotonic()
        if service.log:
            return start(service)
        ours, theirs = os.pipe()
        try:
            child = start(service, theirs)
        finally:
            os.close(theirs)
        self.selector.register(ours, selectors.EVENT_READ, _Lines(service.name, ours))
        return child

    def _revive(self, running: list[Running]) -> None:
        for service, child in list(running):
            if child.poll() is None:
                continue
            if service.runs_once and child.returncode == 0:
                running.remove((service, child))
            elif service.name not in self.due:
                self._note_end(service, child)
            elif time.monotonic() >= self.due[service.name]:
                self._start_again(running, service, child)

    def _note_end(self, service: Service, child: subprocess.Popen[bytes]) -> None:
        kill_group(child)
        self.read(0.05)  # its last words come first
        ran_well = time.monotonic() - self.started_at[service.name] > WELL_AFTER
        wait = 1.0 if ran_well else min(self.waits.get(service.name, 0.5) * 2, LONGEST_WAIT)
        self.waits[service.name] = wait
        self.due[service.name] = time.monotonic() + wait
        told = f"; its log is {service.log}" if service.log else ""
        self.report(service.name, f"ended ({ending(child.returncode)}) and is started again in {wait:.0f} s{told}")

    def _start_again(self, running: list[Running], service: Service, child: subprocess.Popen[bytes]) -> None:
        del self.due[service.name]
        try:
            running[running.index((service, child))] = service, self._start(service)
        except (EvalHubError, OSError) as error:
            self.report(service.name, str(error))  # the next look finds it ended still


class _Lines:
    """Cuts what a program prints into lines."""

    def __init__(self, name: str, file: int) -> None:
        self.name = name
        self.file = file
        self.rest = b""
        self.ended = False

    def read(self) -> list[str]:
        new = os.read(self.file, LONGEST_LINE)
        self.ended = not new
        *lines, self.rest = (self.rest + new).split(b"\n")
        if self.rest and (self.ended or len(self.rest) > LONGEST_LINE):
            lines.append(self.rest)
            self.rest = b""
        return [line.decode(errors="replace").rstrip() for line in lines if line.strip()]


def ending(code: int) -> str:
    """How a program ended, in words: “exit code 1”, “killed by SIGKILL”."""
    try:
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    except ValueError:
        return f"killed by signal {-code}"
