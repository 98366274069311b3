"""Waiting for something that another process does."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Look until the condition holds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    ready = condition()
    while not ready and time.monotonic() < deadline:
        time.sleep(0.05)  # between two looks
        ready = condition()
    assert ready, f"not within {seconds} s"
