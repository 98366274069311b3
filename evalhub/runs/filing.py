"""Stores what came back, beside the calls: one batch at a time, while the next one gathers."""

from __future__ import annotations

import asyncio

from evalhub.runs.attempts import Settlement
from evalhub.runs.chunks import Lease
from evalhub.runs.database_thread import DatabaseThread
from evalhub.runs.in_hand import InHand
from evalhub.runs.storing import Row, store_outputs
from evalhub.runs.waking import announce_outputs

ANNOUNCE_SECONDS = 2.0


class Filing:
    """``database``: the shift's own for a run with a budget, whose money has to be told in the order of the calls; for
    others one that the shifts of a process have for this, so that no claim waits behind a batch."""

    def __init__(self, hand: InHand, database: DatabaseThread) -> None:
        self.hand = hand
        self.pool = hand.pool
        self.loop = asyncio.get_running_loop()
        self.database = database
        self.batch: asyncio.Task[None] | None = None
        self.leases: list[Lease] = []
        """Those that end with the batch under way."""
        self.announce_at = self.loop.time() + ANNOUNCE_SECONDS  # a run that is over sooner announces itself at its end
        self.is_unannounced = False
        self.announcing: asyncio.Future[None] = self.loop.create_future()
        self.announcing.set_result(None)

    @property
    def is_busy(self) -> bool:
        return self.batch is not None

    async def look(self) -> bool:
        """Begin a batch if it is time for one; true if one ended since this was last asked. Raises what ended it."""
        has_ended = self.batch is not None and self.batch.done()
        if has_ended:
            await self.wait()
        if not self.is_busy and self.has_enough():
            self.begin()
        return has_ended

    def has_enough(self) -> bool:
        if not self.has_any():
            return False
        return self.hand.is_much() or not self.pool.calls or self.loop.time() >= self.hand.store_at

    def has_any(self) -> bool:
        return bool(self.hand.rows or self.hand.finished or (self.hand.settled and self.hand.order.has_budget))

    def begin(self) -> None:
        rows, self.leases = self.hand.take_rows()
        settled = self.hand.take_settled() if self.hand.order.has_budget else []
        self.batch = self.loop.create_task(self.store(rows, self.leases, settled))

    async def store(self, rows: list[Row], finished: list[Lease], settled: list[Settlement]) -> None:
        stored = await self.database.run(store_outputs, rows, finished, settled)
        self.is_unannounced = self.is_unannounced or stored > 0
        self.pool.is_clogged = False
        self.pool.fill()
        self.hand.nudge()
        if self.is_unannounced and self.announcing.done() and self.loop.time() >= self.announce_at:
            self.announce_at = self.loop.time() + ANNOUNCE_SECONDS
            # Beside everything else: a queue that is away takes its time to say so.
            self.announcing = self.loop.create_task(self.announce())

    async def announce(self) -> None:
        """Tell those who work on outputs that there are new ones, unless they know."""
        if self.is_unannounced:
            self.is_unannounced = False
            await asyncio.to_thread(announce_outputs, self.hand.order.run_id)

    async def wait(self) -> None:
        """Wait for the batch under way. Raises what ended it."""
        if self.batch:
            batch, self.batch = self.batch, None
            await batch
            self.leases = []

    async def finish(self) -> None:
        """Store all that is left."""
        await self.wait()
        if self.has_any():
            self.begin()
            await self.wait()

    async def stop(self) -> None:
        under_way = [self.announcing] if self.batch is None else [self.announcing, self.batch]
        await asyncio.gather(*under_way, return_exceptions=True)
