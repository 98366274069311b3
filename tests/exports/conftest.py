"""What all tests of exports have in common."""

from __future__ import annotations

import pytest


class Nowhere:
    """A queue whose messages reach nobody."""

    def send_task(self, *_: object, **__: object) -> None:
        pass


@pytest.fixture(autouse=True)
def messages_reach_only_a_worker_of_the_test(request, monkeypatch):
    """Else the worker of a test before, which still runs, would prepare what this test prepares itself."""
    if "celery_worker" not in request.fixturenames:
        monkeypatch.setattr("evalhub.exports.making.current_app", Nowhere())
