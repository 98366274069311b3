"""Somebody who looks at pages while faults happen, and notes how long each took and what it answered."""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
EVERY_SECONDS = 0.4
PATIENCE = 150


@dataclass(frozen=True)
class Answer:
    path: str
    status: int
    """0 if the server closed the connection without an answer."""
    seconds: float
    body: str

    @property
    def says_what_is_wrong(self) -> bool:
        return self.status == 503 and "<h1" in self.body

    def __str__(self) -> str:
        return f"{self.path}: {self.status or 'no answer'} after {self.seconds:.1f} s"


class Visitor:
    """Signed in at the web server, with a connection for each request."""

    def __init__(self, address: str, slug: str, user: object) -> None:
        from django.test import Client

        client = Client()
        client.force_login(user)  # type: ignore[arg-type]  # a user
        self.cookies = {name: value.value for name, value in client.cookies.items()}
        self.place = urlsplit(address)
        self.slug = slug
        self.answers: list[Answer] = []

    def open(self, path: str, values: dict | None = None) -> Answer:
        """Get the page, or post the values to it; below the project."""
        method, body = ("GET", None) if values is None else ("POST", urlencode(values, doseq=True))
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Cookie": cookies, "Referer": self.place.geturl(), **(FORM if body else {})}
        connection = http.client.HTTPConnection(self.place.hostname, self.place.port, timeout=PATIENCE)
        began = time.monotonic()
        try:
            connection.request(method, f"/p/{self.slug}{path}", body, headers)
            response = connection.getresponse()
            text = response.read().decode()
            for name, morsel in SimpleCookie(response.getheader("Set-Cookie") or "").items():
                self.cookies[name] = morsel.value
            answer = Answer(f"{method} {path}", response.status, time.monotonic() - began, text)
        except (http.client.HTTPException, OSError) as error:
            answer = Answer(f"{method} {path}", 0, time.monotonic() - began, str(error))
        finally:
            connection.close()
        self.answers.append(answer)
        return answer

    def press(self, page: str, verb: str, **values: object) -> Answer:
        """Press a button of the page, whose form goes to ``verb`` below it ("" is the page itself)."""
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.open(page).body)
        token = found[1] if found else ""
        return self.open(f"{page}{verb}/" if verb else page, {"csrfmiddlewaretoken": token, **values})


class Watch:
    """Looks at pages again and again in a thread, and once a second at how large the workers are."""

    def __init__(self, visitor: Visitor, paths: Callable[[], list[str]], memory: Callable[[], float]) -> None:
        self.visitor, self.paths, self.memory = visitor, paths, memory
        self.most_memory = 0.0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self) -> None:
        turn = 0
        while not self.over.wait(EVERY_SECONDS):
            paths = self.paths()
            self.visitor.open(paths[turn % len(paths)])
            self.most_memory = max(self.most_memory, self.memory())
            turn += 1

    def __enter__(self) -> Watch:
        self.thread.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self.over.set()
        self.thread.join()
