"""A mail server and a webhook's receiver for tests: real sockets, real protocols, in threads of the test's process."""

from __future__ import annotations

import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class MailBox:
    """What the server took. ``refuses``: the status with which it answers each RCPT, or 0 to take it."""

    port: int = 0
    refuses: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)


@contextmanager
def mail_server() -> Iterator[MailBox]:
    """A server that speaks as much of SMTP (RFC 5321) as a client needs to hand a message over."""
    box = MailBox()

    class Session(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            self.say("220 here")
            while line := self.rfile.readline():
                words = line.decode().strip().split(" ", 1)
                getattr(self, f"do_{words[0].lower()}", self.do_unknown)(words[-1])
                if words[0].upper() == "QUIT":
                    return

        def do_ehlo(self, _: str) -> None:
            self.say("250 here")

        def do_mail(self, _: str) -> None:
            self.say("250 fine")

        def do_rcpt(self, words: str) -> None:
            if box.refuses:
                self.say(f"{box.refuses} not here")
                return
            box.recipients.append(words.partition("<")[2].partition(">")[0])
            self.say("250 fine")

        def do_data(self, _: str) -> None:
            self.say("354 go on")
            lines = iter(self.rfile.readline, b".\r\n")
            raw = b"".join(line.removeprefix(b".") if line.startswith(b"..") else line for line in lines)
            box.messages.append(message_from_bytes(raw, policy=policy.default))
            self.say("250 taken")

        def do_rset(self, _: str) -> None:
            self.say("250 fine")

        def do_quit(self, _: str) -> None:
            self.say("221 bye")

        def do_unknown(self, _: str) -> None:
            self.say("502 not known")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        box.port = server.server_address[1]
        yield from running(server, box)


@dataclass
class Received:
    """What was posted: bodies, headers; ``status`` is answered to each, with ``location`` when it is a redirect."""

    url: str = ""
    status: int = 200
    location: str = ""
    bodies: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    """Names in lower case."""


@contextmanager
def webhook_receiver() -> Iterator[Received]:
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            received.paths.append(self.path)
            received.types.append(self.headers["Content-Type"])
            received.headers.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(received.status)
            if received.location:
                self.send_header("Location", received.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        received.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        yield from running(server, received)


def running(server: socketserver.BaseServer, state: object) -> Iterator:
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield state
    server.shutdown()
    thread.join()
