"""Runs the whole of EvalHub in the foreground, until Ctrl-C or a signal."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.conf import settings

from evalhub.errors import EvalHubError
from evalhub.serving.embedded import servers_of_our_own, wanted_by_environment
from evalhub.serving.preparing import prepare
from evalhub.serving.processes import Service
from evalhub.serving.report import Report
from evalhub.serving.stack import beat_service, web_service, worker_services
from evalhub.serving.supervisor import Supervisor


class AddressError(EvalHubError):
    """The address cannot be served on."""


class Stopping:
    """Counts the requests to stop: the first stops in order, the second at once.

    Until there are programs to stop in order, a request interrupts whatever goes on.
    """

    def __init__(self, with_parent: bool) -> None:
        self.requests = 0
        self.interrupts = True
        self.parent = os.getppid() if with_parent else 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._count)

    def _count(self, *_: object) -> None:
        self.requests += 1
        if self.interrupts:
            raise KeyboardInterrupt

    def asked(self) -> bool:
        return self.requests > 0 or self.is_orphaned()

    def asked_twice(self) -> bool:
        return self.requests > 1

    def is_orphaned(self) -> bool:
        """Whether we were to end with the process that started us, and that is gone."""
        return bool(self.parent) and os.getppid() != self.parent


class FirstPage:
    """Asks for a page once, and tells without waiting whether it has come: only then is there time for the workers."""

    def __init__(self, address: str, patience: float = 20) -> None:
        self.deadline = time.monotonic() + patience
        place = urlsplit(address)
        self.connection = socket.create_connection((place.hostname, place.port), timeout=5)
        self.connection.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
        self.connection.setblocking(False)

    def has_come(self) -> bool:
        """Whether anything has come, a fault included, or will not come any more."""
        try:
            self.connection.recv(1)
        except BlockingIOError:
            return time.monotonic() > self.deadline
        except OSError:
            return True
        self.connection.close()
        return True


@dataclass(frozen=True)
class Plan:
    """What ``serve`` and ``demo`` do differently."""

    greeting: Callable[[str], Sequence[str]]
    """The lines to print once the web server is up; it gets the address."""
    more: Callable[[], Sequence[Service]] = field(default=tuple)
    """Services to run besides, made when the database is ready."""


def run_in_foreground(host: str, port: int, with_parent: bool, plan: Plan) -> None:
    """Start all there is, and return once all of it has been stopped."""
    report = Report()
    stopping = Stopping(with_parent)
    os.environ["EVALHUB_SERVED"] = "1"  # the time stands before every line already
    with (
        contextlib.suppress(KeyboardInterrupt),
        servers_of_our_own(
            settings.EVALHUB_HOME, "serve", wanted_by_environment(), lambda words: report("serve", words)
        ) as servers,
        listening(host, port) as listener,
    ):
        prepare(report)
        supervisor = Supervisor(report, servers)
        stopping.interrupts = False
        try:
            _run_programs(supervisor, listener, stopping, plan)
        except BrokenPipeError:
            pass  # nobody reads the log any more, as after “| head”
        finally:
            _say(report, "stopping")
            supervisor.stop(stopping.asked_twice)
    _say(report, "stopped")


def _run_programs(supervisor: Supervisor, listener: socket.socket, stopping: Stopping, plan: Plan) -> None:
    supervisor.add(web_service(listener.fileno()))
    first_page = FirstPage(address_of(listener))
    supervisor.run(lambda: first_page.has_come() or stopping.asked())
    for line in plan.greeting(address_of(listener)):
        supervisor.report("serve", line)
    for service in [*worker_services(), beat_service(), *plan.more()]:
        supervisor.add(service)
    supervisor.run(stopping.asked)


def _say(report: Report, message: str) -> None:
    try:
        report("serve", message)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), report.stream.fileno())


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens on the address, also while gunicorn is started again; port 0 is any free one."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((address[0], port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).partition(" (")[0].rstrip(".")
        raise AddressError(
            f"The address {host}:{port} cannot be served on: {reason}. Choose another port with --port or "
            "EVALHUB_PORT; 0 takes any that is free."
        ) from error


def address_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 -- for display
    return f"http://{shown}:{port}/"
