"""A shift: one worker's work on one run for a while. It claims, calls and stores at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from enum import Enum
from itertools import count

from evalhub.candidates.calling import open_session
from evalhub.runs import chunks
from evalhub.runs.allowance import Allowance
from evalhub.runs.attempts import settle_and_begin
from evalhub.runs.budget import pause_if_spent
from evalhub.runs.chunks import Item, Lease
from evalhub.runs.database_thread import DatabaseThread
from evalhub.runs.filing import Filing
from evalhub.runs.finishing import finish_runs
from evalhub.runs.in_hand import InHand, Order
from evalhub.runs.leaving import Leaving
from evalhub.runs.metering import Meter
from evalhub.runs.pausing import hold_run, pause_before_calls, pause_for_fault
from evalhub.runs.probing import Probing
from evalhub.runs.reusing import reuse_outputs
from evalhub.runs.slots import Share
from evalhub.runs.waking import wake_workers

log = logging.getLogger(__name__)

# Less than the 8 s that evalhub.serving waits between SIGTERM and the harder signal.
GRACE_SECONDS = 6.0
# Longer waits are given back to the database: a worker that waits does nobody's work.
LONGEST_WAIT_SECONDS = 5.0
TICK_SECONDS = 0.1
CLAIM_AGAIN_SECONDS = 1.0
BEGIN_AGAIN_SECONDS = 0.25
# What is ready should last through a slow claim behind a slow store, but not keep work from other workers.
READY_FOR_SECONDS, MOST_POOLS_READY = 0.1, 8


class Stop(Enum):
    """Why no more calls are started."""

    DONE = "nothing is left that could be done now"
    HANDED_ON = "the time is over"
    LEAVING = "the worker was asked to stop"
    STATE = "the run is not running any more"
    REFUSED = "the endpoint refuses every call"
    WAITING = "the endpoint asked for a longer wait, or is down"
    DOWN = "the endpoint has been down for long"


class Shift:
    """``filing``: by what outputs are stored. ``deadline``: when no more calls are started, on the loop's clock.
    ``is_only``: whether this process works on nothing else, so that a chunk with which workers were lost can take
    nothing else with it."""

    def __init__(
        self,
        order: Order,
        worker: str,
        share: Share,
        meter: Meter,
        filing: DatabaseThread,
        leaving: Leaving,
        deadline: float,
        is_only: Callable[[], bool],
    ) -> None:
        self.order = order
        self.worker = worker
        self.leaving = leaving
        self.deadline = deadline
        self.is_only = is_only
        self.loop = asyncio.get_running_loop()
        self.database = DatabaseThread()
        self.nudged = asyncio.Event()
        self.hand = InHand(order, self.nudged.set, self.run_low)
        self.pool = self.hand.pool
        self.allowance = Allowance(share, meter, self.hand)
        self.filing = Filing(self.hand, self.database if order.has_budget else filing)
        self.probing = Probing(self.hand, self.database)
        self.pool.wanted = 1 if meter.is_needed else order.plan["max_in_flight"]
        self.counted_at = self.loop.time()
        self.stop: Stop | None = None
        self.stopped_at = 0.0
        self.has_claimed = False
        self.is_exhausted = False
        """With nothing in hand, the last claim found nothing."""
        self.due = dict.fromkeys(("beat", "state", "claim", "begin"), 0.0)

    def run_low(self) -> None:
        """Called by the pool when too little is ready."""
        if not self.pool.calls or (self.stop is None and self.loop.time() >= self.due["claim"]):
            self.nudged.set()

    async def work(self) -> Stop:
        """Work until something stops it; whatever was claimed and not answered has been given back then."""
        self.allowance.begin()
        try:
            async with open_session(self.order.plan["max_in_flight"]) as self.hand.session:
                while not await self.is_over():
                    await self.rest()
                await self.probing.stop()
                await self.pool.drop_calls()
            await self.filing.finish()
            await self.hand_back()
        finally:
            await self.allowance.stop()
            await self.probing.stop()
            await self.pool.drop_calls()
            self.pool.drop_sleepers()
            await self.filing.stop()
            self.database.close()
            await self.allowance.leave()
        return self.stop or Stop.DONE

    async def is_over(self) -> bool:
        """One round: look up, begin, claim, beat, store; true when nothing is in hand that could still be finished."""
        if self.is_due("state", TICK_SECONDS):
            await self.look_up()
        await self.decide()
        self.look_ahead()
        if self.stop is None and self.wants_begun():
            await self.begin_more()
        if self.stop is None and self.wants_more():
            await self.claim_more()
        if self.is_due("beat", chunks.HEARTBEAT_SECONDS):
            await self.beat()
        if await self.filing.look() and self.has_nothing() and not self.is_exhausted:
            self.due["claim"] = 0.0  # now also for what must be worked on alone
            self.nudged.set()
        if self.pool.calls or self.filing.is_busy or self.filing.has_any():
            return self.stop is Stop.LEAVING and self.loop.time() - self.stopped_at > GRACE_SECONDS
        return self.stop is not None

    async def rest(self) -> None:
        try:
            async with asyncio.timeout(TICK_SECONDS):
                await self.nudged.wait()
        except TimeoutError:
            pass
        self.nudged.clear()

    def is_due(self, what: str, every: float) -> bool:
        """Whether ``every`` seconds have passed since this was last true."""
        now = self.loop.time()
        if now < self.due[what]:
            return False
        self.due[what] = now + every
        return True

    async def decide(self) -> None:
        """Find out whether to stop, and do at once what that asks for."""
        stop = self.reason_to_stop() if self.stop is None else None
        if stop is None:
            return
        self.halt(stop)
        if stop is Stop.REFUSED:
            await self.database.run(pause_for_fault, self.order.run_id, self.hand.fault)
        elif stop is Stop.DOWN:
            await self.database.run(pause_before_calls, self.order.run_id, self.probing.gave_up())
        elif stop is Stop.WAITING:
            await self.database.run(hold_run, self.order.run_id, self.waits_for())
        elif stop in {Stop.HANDED_ON, Stop.LEAVING}:
            # Before what is in flight has ended: another worker may go on meanwhile.
            await asyncio.to_thread(wake_workers, self.order.run_id)

    def reason_to_stop(self) -> Stop | None:
        if self.hand.fault:
            return Stop.REFUSED
        if self.leaving.is_asked():
            return Stop.LEAVING
        if self.loop.time() > self.deadline:
            return Stop.HANDED_ON
        if self.probing.gave_up():
            return Stop.DOWN
        if self.has_to_wait() and not self.pool.calls:
            return Stop.WAITING
        return Stop.DONE if self.is_dry() else None

    def has_to_wait(self) -> bool:
        is_down = self.probing.is_lasting() and self.probing.waits_for() > LONGEST_WAIT_SECONDS
        return is_down or self.pool.held_for() > LONGEST_WAIT_SECONDS

    def waits_for(self) -> float:
        """Seconds before which the endpoint is not to be called: it said so, or is down."""
        return max(self.pool.held_for(), self.probing.waits_for())

    def is_dry(self) -> bool:
        """Whether there is nothing to claim, and nothing in hand but what sleeps for long."""
        if self.pool.calls or self.pool.ready or self.pool.waiting or self.loop.time() >= self.due["claim"]:
            return False
        sleeps = self.pool.sleeps_for()
        return self.is_exhausted if sleeps is None else sleeps > LONGEST_WAIT_SECONDS

    def halt(self, stop: Stop) -> None:
        self.stop = self.stop or stop
        self.stopped_at = self.stopped_at or self.loop.time()
        self.pool.close()

    async def look_up(self) -> None:
        """See whether somebody paused or cancelled the run, and whether the endpoint is down."""
        if await self.database.run(chunks.state_of_run, self.order.run_id) != "running":
            self.halt(Stop.STATE)
        await self.probing.look(may_probe=self.stop is None)

    async def beat(self) -> None:
        held = list(self.hand.leases.values())
        ours = await self.database.run(chunks.beat, self.order.run_id, held)
        for lease in held:
            if lease.chunk_id not in ours and lease.items:
                log.warning("Run %s: chunk %s is another worker's now", self.order.run_id, lease.chunk_id)
                self.hand.lose(lease)

    def look_ahead(self) -> None:
        """Set how much should be ready: one pool, or more where calls are so quick that it would run dry meanwhile.

        What is ready is written down as called, so where calls wait for their turn it is no more than a second's worth.
        """
        now = self.loop.time()
        if now - self.counted_at >= TICK_SECONDS:
            rate = self.hand.answered / (now - self.counted_at)
            self.hand.answered, self.counted_at = 0, now
            most = self.order.plan["max_in_flight"]
            self.pool.wanted = int(min(max(most, rate * READY_FOR_SECONDS), most * MOST_POOLS_READY))
            if self.pool.permits is not None:
                self.pool.wanted = int(min(most, rate + 1))

    def has_nothing(self) -> bool:
        return self.hand.is_empty and not self.filing.is_busy

    def wants_more(self) -> bool:
        if self.hand.has_suspect:
            return False
        in_hand = len(self.pool.ready) + len(self.pool.waiting)
        return in_hand < self.pool.wanted and self.loop.time() >= self.due["claim"]

    async def claim_more(self) -> None:
        """Claim a chunk, and come back at once while more is wanted; what is to be stored does not wait for all."""
        was_empty = self.has_nothing()
        lease = await self.database.run(self.claim_again(with_suspects=was_empty and self.is_only()))
        self.is_exhausted = was_empty and lease is None
        self.nudged.set()
        if lease is None:
            self.due["claim"] = self.loop.time() + (CLAIM_AGAIN_SECONDS if was_empty else TICK_SECONDS)
            return
        self.has_claimed = True
        self.hand.take(lease)
        if self.wants_begun():
            await self.begin_more()

    def claim_again(self, with_suspects: bool) -> Callable[[], Lease | None]:
        """A claim that can be repeated: the first try may have claimed a chunk and lost the answer."""
        order, tries = self.order, count()
        held = [*self.hand.leases.values(), *self.hand.finished, *self.filing.leases]

        def claim() -> Lease | None:
            if next(tries):
                chunks.give_back_unheld(order.run_id, self.worker, held)
            lease = chunks.claim(order.run_id, order.version_id, self.worker, with_suspects)
            if lease and order.reuses_outputs and reuse_outputs(order.run_id, lease, order.plan):
                self.filing.is_unannounced = True
            return lease

        return claim

    def wants_begun(self) -> bool:
        if self.pool.is_down or self.pool.held_for() or self.loop.time() < self.due["begin"]:
            return False
        return bool(self.pool.waiting) and len(self.pool.ready) < self.pool.wanted

    async def begin_more(self) -> None:
        """Write down the next calls, after which they may be made."""
        wanted = self.pool.take_waiting()
        self.hand.reserve(wanted)
        wanted.sort(key=lambda item: item.reserve)  # the cheapest first, so that a budget's rest is of use
        settled = self.hand.take_settled()
        granted = await self.database.run(settle_and_begin, self.order.run_id, settled, wanted, self.order.has_budget)
        self.pool.put_back([item for place, item in enumerate(wanted) if place not in granted])
        self.pool.make_ready(item for place, item in enumerate(wanted) if place in granted)
        if len(granted) < len(wanted):
            await self.learn_why(wanted)

    async def learn_why(self, wanted: list[Item]) -> None:
        """Calls may not begin: the budget has no room, the run is not running, or a chunk is not ours any more."""
        self.due |= {"begin": self.loop.time() + BEGIN_AGAIN_SECONDS, "beat": 0.0, "state": 0.0}
        if self.order.has_budget and not self.pool.calls and not self.pool.ready:
            need = min(item.reserve for item in wanted)
            if await self.database.run(pause_if_spent, self.order.run_id, need):
                self.halt(Stop.STATE)

    async def hand_back(self) -> None:
        """Give back what was claimed and not answered, with what is known of it, and close the run if it is done."""
        for lease in self.hand.leases.values():
            waits = self.hand.waits_of(lease)
            all_wait = len(waits) == len(lease.items)
            until = min((seconds for _, seconds in waits.values()), default=0.0) if all_wait else 0.0
            await self.database.run(chunks.release, lease, waits, until or None, self.hand.lost_of(lease))
        if held := self.waits_for():
            await self.database.run(hold_run, self.order.run_id, held)
        finished = await self.database.run(finish_runs, self.order.run_id)
        if not finished:
            await self.filing.announce()
