"""A way to the server that breaks: a proxy which cuts connections amid what is sent, or before the answer."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from math import inf
from urllib.parse import urlsplit

LENGTH = re.compile(rb"(?im)^content-length: *(\d+)")


@dataclass
class Cutting:
    """``cuts``: what happens to the next POSTs, in turn: “request” in its middle, “answer” before it; then nothing."""

    server: str
    cuts: list[str]
    url: str = ""
    posts: list[str] = field(default_factory=list)
    """The request lines of all POSTs that came."""
    most_requests: float = inf
    """After so many every connection is closed as it comes,"""
    least_closed: float = inf
    """this many of them; then they go through again."""

    def serve(self, client: socket.socket) -> None:
        address = urlsplit(self.server)
        with client, socket.create_connection((address.hostname, address.port)) as server, suppress(OSError):
            head = receive_head(client)
            self.most_requests -= 1
            if not head or -self.least_closed <= self.most_requests < 0:
                return
            is_post = head.startswith(b"POST")
            if is_post:
                self.posts.append(head.split(b"\r\n")[0].decode())
            cut = self.cuts.pop(0) if is_post and self.cuts else ""
            length = LENGTH.search(head)
            # One request for each connection, so that the proxy need not understand where one ends.
            server.sendall(head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            left = (int(length[1]) if length else 0) - len(head.partition(b"\r\n\r\n")[2])
            left = left // 2 if cut == "request" else left
            while left > 0 and (block := client.recv(min(65536, left))):
                server.sendall(block)
                left -= len(block)
            if cut == "request":
                return
            while block := server.recv(65536):
                if cut != "answer":
                    client.sendall(block)


def receive_head(client: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head and (block := client.recv(65536)):
        head += block
    return head


@contextmanager
def cutting_proxy(server: str, *cuts: str) -> Iterator[Cutting]:
    proxy = Cutting(server, list(cuts))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=proxy.serve, args=[client], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield proxy
        listener.shutdown(socket.SHUT_RDWR)
