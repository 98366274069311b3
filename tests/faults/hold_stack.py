"""Runs all of EvalHub as ``manage.py serve`` does, and takes orders: a process for faults to happen to.

    python -m tests.faults.hold_stack

on the data folder of EVALHUB_HOME. Prints its web address, then one JSON answer to each JSON order, a line each:

    {"do": "pids"}                                  the main process of each program: {name: pid}
    {"do": "down", "name": "valkey"}                killed, and not started again until it is told
    {"do": "up", "name": "valkey"}
    {"do": "begin", "name", "queues", "processes", "clock"}     one more worker, its clock off by so many seconds
    {"do": "dismiss", "name"}                       SIGTERM, without waiting for its end
    {"do": "end", "name"}                           stopped, in order, and forgotten

Ends with its input, and leaves nothing running. What programs print goes to ``logs/stack.log``.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from evalhub.serving.processes import Running, Service, kill_group, start, stop

CLOCKS = Path(__file__).parent / "clocks"


class Orders:
    """Reads orders without waiting for them; ``ended`` once there will be no more."""

    def __init__(self) -> None:
        self.rest = b""
        self.ended = False

    def read(self) -> list[dict]:
        if not select.select([0], [], [], 0)[0]:
            return []
        new = os.read(0, 65536)
        self.ended = not new
        *lines, self.rest = (self.rest + new).split(b"\n")
        return [json.loads(line) for line in lines]


class Stack:
    def __init__(self, servers: list[Running], log: Path) -> None:
        from evalhub.serving.report import Report
        from evalhub.serving.supervisor import Supervisor

        self.file = log.open("a")
        self.supervisor = Supervisor(Report(self.file), servers)
        self.down: dict[str, Service] = {}
        self.dismissed: list[Running] = []
        self.orders = Orders()

    def obey(self) -> bool:
        """Carry out what was ordered; true when there are no more orders to come."""
        for order in self.orders.read():
            verb = order.pop("do")
            print(json.dumps(getattr(self, f"do_{verb}")(**order)), flush=True)
        return self.orders.ended

    def all(self) -> list[Running]:
        return [*self.supervisor.servers, *self.supervisor.programs]

    def do_pids(self) -> dict[str, int]:
        return {service.name: child.pid for service, child in self.all()}

    def do_down(self, name: str) -> None:
        for running in (self.supervisor.servers, self.supervisor.programs):
            for service, child in [pair for pair in running if pair[0].name == name]:
                running.remove((service, child))
                kill_group(child)
                child.wait()
                self.down[name] = service

    def do_up(self, name: str) -> None:
        service = self.down.pop(name)
        if service.log:
            self.supervisor.servers.append((service, start(service)))
        else:
            self.supervisor.add(service)

    def do_begin(self, name: str, queues: str, processes: int, clock: float = 0) -> None:
        from evalhub.serving.stack import worker_service

        # Found by Python at its start, before anything else is imported.
        off = {"PYTHONPATH": str(CLOCKS), "FAULTS_CLOCK_OFF_BY": str(clock)} if clock else {}
        self.supervisor.add(worker_service(name, queues, processes, off))

    def do_dismiss(self, name: str) -> None:
        for service, child in self.take(name):
            child.send_signal(signal.SIGTERM)
            self.dismissed.append((service, child))

    def do_end(self, name: str) -> None:
        stop(self.take(name), wait=self.supervisor.read)

    def take(self, name: str) -> list[Running]:
        programs = self.supervisor.programs
        taken = [pair for pair in programs if pair[0].name == name]
        for pair in taken:
            programs.remove(pair)
        return taken

    def end(self) -> None:
        self.supervisor.programs += self.dismissed
        self.supervisor.stop(lambda: True)
        self.file.close()


def hold(home: Path) -> None:
    from evalhub.serving.embedded import Wanted, servers_of_our_own
    from evalhub.serving.foreground import FirstPage, address_of, listening
    from evalhub.serving.preparing import prepare
    from evalhub.serving.stack import beat_service, web_service, worker_services

    with servers_of_our_own(home, "serve", Wanted()) as servers, listening("127.0.0.1", 0) as listener:
        prepare(lambda _who, _what: None)
        stack = Stack(servers, home / "logs" / "stack.log")
        try:
            stack.supervisor.add(web_service(listener.fileno()))
            first_page = FirstPage(address_of(listener))
            stack.supervisor.run(first_page.has_come)
            for service in [*worker_services(), beat_service()]:
                stack.supervisor.add(service)
            print(json.dumps(address_of(listener)), flush=True)
            stack.supervisor.run(stack.obey)
        finally:
            stack.end()


class Client:
    """The stack as its owner sees it: give orders, and end it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.faults.hold_stack"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.address: str = self.answer()

    def answer(self):
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, "the stack has ended; see its log"
        return json.loads(line)

    def order(self, verb: str, **words: object):
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"do": verb, **words}) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def pid(self, name: str) -> int:
        return self.order("pids")[name]

    def workers(self) -> list[psutil.Process]:
        """Every process that makes calls, and their parents."""
        return list(filter(makes_calls, psutil.Process(self.process.pid).children(recursive=True)))

    def end(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(120)


def makes_calls(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        command = process.cmdline()
        return "--queues" in command and command[command.index("--queues") + 1] == "calls"
    return False


def main() -> None:
    import django

    os.environ["EVALHUB_SERVED"] = "1"  # the time stands before every line already
    django.setup()
    hold(Path(os.environ["EVALHUB_HOME"]))


if __name__ == "__main__":
    main()
