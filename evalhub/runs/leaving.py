"""Whether this worker was asked to stop: a byte that the worker's main process shares with those it forks.

Celery tells only its main process of a warm shutdown, and then waits for the tasks; a task of ours may go on for a
minute and a half. So the main process writes the byte, and each shift looks at it.
"""

from __future__ import annotations

import asyncio
import mmap
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

everybody = mmap.mmap(-1, 1)  # made before the fork, so it is the same byte in all processes of a worker


def ask_to_leave(**_signal: Any) -> None:
    everybody[0] = 1


class Leaving:
    """Looks whether the worker, or this process alone, was asked to stop."""

    def __init__(self) -> None:
        self.is_asked_itself = False

    def is_asked(self) -> bool:
        return self.is_asked_itself or everybody[0] == 1

    def ask_itself(self) -> None:
        self.is_asked_itself = True

    @contextmanager
    def listening(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """Inside this block a SIGTERM to this process alone, which would kill it, asks it to stop instead."""
        from billiard import current_process

        if current_process().name == "MainProcess":  # there the signal is Celery's
            yield
            return
        loop.add_signal_handler(signal.SIGTERM, self.ask_itself)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGTERM)
