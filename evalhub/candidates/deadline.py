"""A deadline for call after call in one task: ``asyncio.timeout`` without a new timer for each."""

from __future__ import annotations

import asyncio
from asyncio import CancelledError
from contextvars import ContextVar
from types import TracebackType
from weakref import ref


class Deadline:
    """Use it by ``deadline``. Its timer is left running when a call ends in time, and set anew when it strikes early.

    Thousands of calls a second would otherwise spend a twentieth of their processor on timers that never strike.
    """

    __slots__ = ("_has_struck", "_loop", "_timer", "_until", "task")

    def __init__(self, task: asyncio.Task[object]) -> None:
        self.task = ref(task)  # the timer may outlive it by a minute
        self._loop = asyncio.get_running_loop()
        self._until: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._has_struck = False

    def set(self, seconds: float) -> None:
        self._until = self._loop.time() + seconds
        if self._timer is not None and self._timer.when() > self._until:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(self._until, self._strike)

    def _strike(self) -> None:
        self._timer = None
        task = self.task()
        if self._until is None or task is None:
            return
        if self._loop.time() < self._until:
            self._timer = self._loop.call_at(self._until, self._strike)
        else:
            self._has_struck = True
            task.cancel()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Turn our own cancellation into TimeoutError, and leave anybody else's as it is."""
        self._until = None
        if self._has_struck and (task := self.task()):
            self._has_struck = False
            if task.uncancel() == 0 and kind is CancelledError:
                raise TimeoutError from error


of_task: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def deadline(seconds: float) -> Deadline:
    """``with deadline(60): await ...`` raises TimeoutError after so many seconds. One at a time in a task."""
    task = asyncio.current_task()
    assert task
    known = of_task.get()
    if known is None or known.task() is not task:  # a task inherits what its parent knew
        known = Deadline(task)
        of_task.set(known)
    known.set(seconds)
    return known
