"""Endpoints to ask: the one that all tests share, and one that answers oddly."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from evalhub.candidates.calling import Reply
    from tests.running import Endpoint


class OddEndpoint:
    def __init__(self, url: str) -> None:
        self.url = url

    def last_asked(self) -> dict:
        with urllib.request.urlopen(self.url.replace("/v1", "/asked"), timeout=10) as answer:
            return json.load(answer)[-1]


@pytest.fixture(scope="session")
def odd_endpoint() -> Iterator[OddEndpoint]:
    command = [sys.executable, "-m", "tests.candidates.odd_endpoint"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield OddEndpoint(process.stdout.readline().split()[-1])
        process.kill()


@pytest.fixture
def ask_odd(odd_endpoint: OddEndpoint) -> Callable[..., Reply]:
    from tests.candidates.asking import ask  # this file is read before Django is set up

    return lambda model, **changes: ask(odd_endpoint.url, model, **changes)


@pytest.fixture
def ask_model(model_endpoint: Endpoint) -> Callable[..., Reply]:
    from tests.candidates.asking import ask  # as above

    return lambda model, **changes: ask(model_endpoint.url, model, **changes)
