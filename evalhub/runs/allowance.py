"""What the endpoint allows one shift: so many calls in flight, and so many to begin."""

from __future__ import annotations

import asyncio

from evalhub.runs.in_hand import InHand
from evalhub.runs.metering import Meter
from evalhub.runs.slots import FIRST_RENEWAL_SECONDS, FIRST_SECONDS, RENEWAL_SECONDS, Share

LOOK_SECONDS = 0.02


class Allowance:
    """Keeps the pool's limit and permits, by asking for this shift's share again and again."""

    def __init__(self, share: Share, meter: Meter, hand: InHand) -> None:
        self.share = share
        self.meter = meter
        self.hand = hand
        self.pool = hand.pool
        self.loop = asyncio.get_running_loop()
        self.keepers: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        self.keepers.append(self.loop.create_task(self.keep_share()))
        if self.meter.is_needed:
            self.pool.permits = 0
            self.keepers.append(self.loop.create_task(self.keep_meter()))

    async def keep_share(self) -> None:
        """Ask for our part of the endpoint's slots, and learn whether it asked anybody to wait."""
        began_at = self.loop.time()
        while True:
            in_flight = len(self.pool.calls)
            wanted = in_flight if self.pool.is_closed else self.hand.order.plan["max_in_flight"]
            held = await asyncio.to_thread(self.share.renew, in_flight, wanted, self.pool.held_for())
            self.pool.limit = self.share.granted
            if held:
                self.pool.hold(held)
            self.pool.fill()
            is_new = self.loop.time() - began_at < FIRST_SECONDS
            await self.rest(FIRST_RENEWAL_SECONDS if is_new else RENEWAL_SECONDS)

    async def rest(self, seconds: float) -> None:
        """Wait until it is time to ask again; where more is in flight than we may, until others can have the rest."""
        until = self.loop.time() + seconds
        has_too_many = len(self.pool.calls) > self.pool.limit
        while (left := until - self.loop.time()) > 0:
            await asyncio.sleep(min(left, LOOK_SECONDS) if has_too_many else left)
            if has_too_many and len(self.pool.calls) <= self.pool.limit:
                return

    async def keep_meter(self) -> None:
        """Ask for as many calls as could begin, each time some could, where the endpoint has limits a minute."""
        while True:
            seconds = 0.0
            if could := self.pool.could_start():
                self.meter.correct(self.hand.tokens.take_beyond())
                granted = await asyncio.to_thread(self.meter.take, could, self.hand.tokens.mean)
                self.pool.permits = granted.count
                self.pool.fill()
                self.pool.permits, seconds = 0, granted.seconds
            await asyncio.sleep(max(seconds, LOOK_SECONDS))

    async def stop(self) -> None:
        for keeper in self.keepers:
            keeper.cancel()
        await asyncio.gather(*self.keepers, return_exceptions=True)

    async def leave(self) -> None:
        """Sign out, so that the other shifts need not wait until this one is forgotten."""
        await asyncio.to_thread(self.share.leave)
        await asyncio.to_thread(self.meter.leave)
