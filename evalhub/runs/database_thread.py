"""The database work of an event loop: one thread with one connection, in the order it was asked for."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, connection, connections

log = logging.getLogger(__name__)

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

# A restart of the database is sat out, but not longer than a lease lasts: after that the work is another worker's.
PATIENCE_SECONDS = 45.0
PAUSE_SECONDS = 0.5


class DatabaseThread:
    def __init__(self) -> None:
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")

    async def run(self, work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """Run ``work``, which must be safe to repeat: it is, while the database is away, for 45 seconds.

        Raises what the database raised last once these are over.
        """
        return await asyncio.wrap_future(self.thread.submit(lambda: patiently(lambda: work(*args, **kwargs))))

    def close(self) -> None:
        self.thread.submit(connections.close_all)
        self.thread.shutdown(wait=True)


def patiently(work: Callable[[], Result]) -> Result:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return work()
        except (OperationalError, InterfaceError) as error:
            connection.close()
            if time.monotonic() > deadline:
                raise
            log.warning("The database is away; trying again: %s", str(error).strip())
            time.sleep(PAUSE_SECONDS)
