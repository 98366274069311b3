"""A shift: one worker's work on one run for a while. It claims, calls and stores at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any

import orjson

from evalhub.candidates.calling import Reply, call, cost_of, open_session
from evalhub.candidates.prompting import build_body
from evalhub.errors import EvalHubError
from evalhub.runs import chunks
from evalhub.runs.causes import INTERNAL
from evalhub.runs.chunks import Item, Lease
from evalhub.runs.database_thread import DatabaseThread
from evalhub.runs.finishing import finish_runs
from evalhub.runs.leaving import Leaving
from evalhub.runs.pausing import hold_run, pause_for_fault
from evalhub.runs.pool import Pool
from evalhub.runs.retrying import REFUSED, retry_of
from evalhub.runs.slots import FIRST_RENEWAL_SECONDS, FIRST_SECONDS, RENEWAL_SECONDS, Share
from evalhub.runs.storing import Row, store_outputs
from evalhub.runs.waking import announce_outputs, wake_workers

if TYPE_CHECKING:
    import aiohttp

log = logging.getLogger(__name__)

# Less than the 8 s that evalhub.serving waits between SIGTERM and the harder signal.
GRACE_SECONDS = 6.0
# Longer waits are given back to the database: a worker that waits does nobody's work.
LONGEST_WAIT_SECONDS = 5.0
TICK_SECONDS = 0.1
STORE_AFTER_SECONDS, STORE_AFTER_ROWS, STORE_AFTER_CHARACTERS = 0.2, 200, 4_000_000
MOST_UNSTORED_ROWS, MOST_UNSTORED_CHARACTERS = 2_000, 64_000_000
CLAIM_AGAIN_SECONDS = 1.0
# What is ready should last through a slow claim behind a slow store, but not keep work from other workers.
READY_FOR_SECONDS, MOST_POOLS_READY = 0.1, 8
ANNOUNCE_SECONDS = 2.0
REFUSALS_IN_A_ROW = 3


@dataclass(frozen=True)
class Order:
    """What a shift works on: the run's frozen plan, and the key, which no plan holds."""

    run_id: int
    version_id: int
    plan: dict[str, Any]
    key: str | None


class Stop(Enum):
    """Why no more calls are started."""

    DONE = "nothing is left that could be done now"
    HANDED_ON = "the time is over"
    LEAVING = "the worker was asked to stop"
    STATE = "the run is not running any more"
    REFUSED = "the endpoint refuses every call"
    WAITING = "the endpoint asked for a longer wait"


class Shift:
    session: aiohttp.ClientSession

    def __init__(self, order: Order, worker: str, share: Share, leaving: Leaving, deadline: float) -> None:
        self.order = order
        self.worker = worker
        self.share = share
        self.leaving = leaving
        self.loop = asyncio.get_running_loop()
        self.database = DatabaseThread()
        self.pool = Pool(self.ask, self.run_low)
        self.chance = Random()  # noqa: S311 -- spreads retries, guards nothing
        self.leases: dict[int, Lease] = {}
        self.finished: list[Lease] = []
        self.rows: list[Row] = []
        self.characters = 0
        self.nudged = asyncio.Event()
        self.started_at = self.loop.time()
        self.deadline = deadline
        """When no more calls are started, on the loop's clock."""
        self.stop: Stop | None = None
        self.stopped_at = 0.0
        self.has_claimed = False
        self.is_exhausted = False
        """The last claim found nothing at all, not even what has to be worked on alone."""
        self.answered = 0
        self.counted_at = self.loop.time()
        self.pool.wanted = order.plan["max_in_flight"]
        self.refusals = 0
        self.fault = ""
        """Why the run has to pause, once the endpoint refused often enough."""
        self.due = dict.fromkeys(("beat", "state", "claim", "store", "announce"), 0.0)
        self.is_unannounced = False

    # -- calls

    async def ask(self, item: Item) -> None:
        """Make one attempt at an item and settle what came of it. Never raises: the item would be lost."""
        item.attempts += 1
        try:
            body = build_body(self.order.plan, orjson.loads(item.request))
            reply = await call(self.session, self.order.plan, self.order.key, body)
        except EvalHubError as error:
            reply = Reply(cause="bad_request", error=str(error))
        except Exception as error:
            log.exception("Run %s, example %s: the call failed inside EvalHub", self.order.run_id, item.example_id)
            reply = Reply(cause=INTERNAL, error=f"EvalHub itself failed here ({type(error).__name__}); see its log.")
        self.settle(item, reply)

    def settle(self, item: Item, reply: Reply) -> None:
        """Decide what the answer means: a row to be stored, another attempt, or a pause of the run."""
        self.answered += 1
        is_refused = reply.cause in REFUSED
        self.refusals = self.refusals + 1 if is_refused else 0
        if self.refusals >= REFUSALS_IN_A_ROW and not self.fault:
            self.fault = reply.error
            self.pool.is_closed = True  # at once: whatever starts now would be refused too
            self.nudge()
        if is_refused and self.fault:
            return  # it stays to be done: nothing is wrong with the example
        retry = retry_of(reply, item.attempts, self.chance)
        if retry is None:
            self.keep(item, reply)
            return
        if retry.holds_endpoint:
            self.pool.hold(retry.seconds)
        self.pool.put_to_sleep(item, retry.seconds)

    def keep(self, item: Item, reply: Reply) -> None:
        lease = item.lease
        if lease.items.pop(item.example_id, None) is None or lease.is_lost:
            return
        self.rows.append(row_of(item, reply, self.order.plan))
        self.characters += len(reply.text) + len(reply.raw) + sum(len(made["arguments"]) for made in reply.tool_calls)
        if not lease.items:
            self.leases.pop(lease.chunk_id, None)
            self.finished.append(lease)
        if len(self.rows) >= STORE_AFTER_ROWS or self.characters >= STORE_AFTER_CHARACTERS:
            self.nudge()
        if len(self.rows) >= MOST_UNSTORED_ROWS or self.characters >= MOST_UNSTORED_CHARACTERS:
            self.pool.is_clogged = True

    def nudge(self) -> None:
        self.nudged.set()

    def run_low(self) -> None:
        """Called by the pool when too little is ready."""
        if not self.pool.calls or (self.stop is None and self.loop.time() >= self.due["claim"]):
            self.nudged.set()

    # -- the round of everything that is not a call

    async def work(self) -> Stop:
        """Work until something stops it; whatever was claimed and not answered has been given back then."""
        keeper = self.loop.create_task(self.keep_share())
        try:
            async with open_session(self.order.plan["max_in_flight"]) as self.session:
                while not await self.is_over():
                    await self.rest()
                await self.pool.drop_calls()
            await self.store()
            await self.hand_back()
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
            await self.pool.drop_calls()
            self.pool.drop_sleepers()
            self.database.close()
            await asyncio.to_thread(self.share.leave)
        return self.stop or Stop.DONE

    async def is_over(self) -> bool:
        """One round: look up, claim, store; true when nothing is in hand any more that could still be finished."""
        if self.is_due("beat", chunks.HEARTBEAT_SECONDS):
            await self.beat()
        if self.is_due("state", TICK_SECONDS):
            await self.look_up()
        await self.decide()
        self.look_ahead()
        if self.stop is None and self.wants_more():
            await self.claim_more()
        if self.has_to_store():
            await self.store()
        if self.pool.calls or self.rows or self.finished:
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
            await self.database.run(pause_for_fault, self.order.run_id, self.fault)
        elif stop is Stop.WAITING:
            await self.database.run(hold_run, self.order.run_id, self.pool.held_for())
        elif stop in {Stop.HANDED_ON, Stop.LEAVING}:
            # Before what is in flight has ended: another worker may go on meanwhile.
            await asyncio.to_thread(wake_workers, self.order.run_id)

    def reason_to_stop(self) -> Stop | None:
        if self.fault:
            return Stop.REFUSED
        if self.leaving.is_asked():
            return Stop.LEAVING
        if self.loop.time() > self.deadline:
            return Stop.HANDED_ON
        if self.pool.held_for() > LONGEST_WAIT_SECONDS:
            return Stop.WAITING
        return Stop.DONE if self.is_dry() else None

    def is_dry(self) -> bool:
        """Whether there is nothing to claim, and nothing in hand but what sleeps for long."""
        if self.pool.calls or self.pool.ready or self.loop.time() >= self.due["claim"]:
            return False
        sleeps = self.pool.sleeps_for()
        return self.is_exhausted if sleeps is None else sleeps > LONGEST_WAIT_SECONDS

    def halt(self, stop: Stop) -> None:
        self.stop = self.stop or stop
        self.stopped_at = self.stopped_at or self.loop.time()
        self.pool.close()

    async def look_up(self) -> None:
        """See whether somebody paused or cancelled the run."""
        if await self.database.run(chunks.state_of_run, self.order.run_id) != "running":
            self.halt(Stop.STATE)

    async def beat(self) -> None:
        ours = await self.database.run(chunks.beat, self.order.run_id, list(self.leases.values()))
        for lease in [lease for lease in self.leases.values() if lease.chunk_id not in ours]:
            log.warning("Run %s: chunk %s is another worker's now", self.order.run_id, lease.chunk_id)
            lease.is_lost = True
            del self.leases[lease.chunk_id]

    def look_ahead(self) -> None:
        """Set how much should be ready: one pool, or more where calls are so quick that it would run dry meanwhile."""
        now = self.loop.time()
        if now - self.counted_at >= TICK_SECONDS:
            rate = self.answered / (now - self.counted_at)
            self.answered, self.counted_at = 0, now
            most = self.order.plan["max_in_flight"]
            self.pool.wanted = int(min(max(most, rate * READY_FOR_SECONDS), most * MOST_POOLS_READY))

    def wants_more(self) -> bool:
        if any(lease.is_suspect for lease in self.leases.values()):
            return False
        return len(self.pool.ready) < self.pool.wanted and self.loop.time() >= self.due["claim"]

    async def claim_more(self) -> None:
        """Claim until enough is ready beside what is in flight, or nothing is left to claim."""
        while self.wants_more():
            alone = not (self.leases or self.rows or self.finished)
            lease = await self.database.run(self.claim_again(alone))
            self.is_exhausted = alone and lease is None
            if lease is None:
                self.due["claim"] = self.loop.time() + (CLAIM_AGAIN_SECONDS if alone else TICK_SECONDS)
                self.nudge()
                return
            self.has_claimed = True
            if not lease.items:
                self.finished.append(lease)
                continue
            self.leases[lease.chunk_id] = lease
            self.pool.add(lease.items.values())

    def claim_again(self, alone: bool) -> Callable[[], Lease | None]:
        """A claim that can be repeated: the first try may have claimed a chunk and lost the answer."""
        order, tries = self.order, count()
        held = [*self.leases.values(), *self.finished]

        def claim() -> Lease | None:
            if next(tries):
                chunks.give_back_unheld(order.run_id, self.worker, held)
            return chunks.claim(order.run_id, order.version_id, self.worker, alone)

        return claim

    def has_to_store(self) -> bool:
        if not (self.rows or self.finished):
            return False
        many = len(self.rows) >= STORE_AFTER_ROWS or self.characters >= STORE_AFTER_CHARACTERS
        return many or not self.pool.calls or self.is_due("store", STORE_AFTER_SECONDS)

    async def store(self) -> None:
        if not (self.rows or self.finished):
            return
        rows, self.rows, finished, self.finished = self.rows, [], self.finished, []
        self.characters = 0
        stored = await self.database.run(store_outputs, rows, finished)
        self.due["store"] = self.loop.time() + STORE_AFTER_SECONDS
        self.is_unannounced = self.is_unannounced or stored > 0
        self.pool.is_clogged = False
        self.pool.fill()
        if not (self.leases or self.is_exhausted):
            self.due["claim"] = 0.0  # nothing is in hand now, so that what must be worked on alone may be claimed too
            self.nudge()
        if self.is_unannounced and self.is_due("announce", ANNOUNCE_SECONDS):
            self.is_unannounced = False
            await asyncio.to_thread(announce_outputs, self.order.run_id)

    async def keep_share(self) -> None:
        """Ask again and again for our part of the endpoint's slots, and learn whether it asked anybody to wait."""
        while True:
            in_flight = len(self.pool.calls)
            wanted = in_flight if self.pool.is_closed else self.order.plan["max_in_flight"]
            held = await asyncio.to_thread(self.share.renew, in_flight, wanted, self.pool.held_for())
            self.pool.limit = self.share.granted
            if held:
                self.pool.hold(held)
            self.pool.fill()
            is_new = self.loop.time() - self.started_at < FIRST_SECONDS
            await asyncio.sleep(FIRST_RENEWAL_SECONDS if is_new else RENEWAL_SECONDS)

    async def hand_back(self) -> None:
        """Give back what was claimed and not answered, with what is known of it, and close the run if it is done."""
        for lease in self.leases.values():
            waits = self.waits_of(lease)
            all_wait = len(waits) == len(lease.items)
            until = min((seconds for _, seconds in waits.values()), default=0.0) if all_wait else 0.0
            await self.database.run(chunks.release, lease, waits, until or None)
        if held := self.pool.held_for():
            await self.database.run(hold_run, self.order.run_id, held)
        finished = await self.database.run(finish_runs, self.order.run_id)
        if self.is_unannounced and not finished:
            await asyncio.to_thread(announce_outputs, self.order.run_id)

    def waits_of(self, lease: Lease) -> dict[int, tuple[int, float]]:
        """Of the items that were tried: attempts so far, and the seconds before which not to try again."""
        now = self.loop.time()
        waits = {}
        for item in lease.items.values():
            if item.attempts:
                timer = self.pool.asleep.get(item)
                waits[item.example_id] = (item.attempts, max(0.0, timer.when() - now) if timer else 0.0)
        return waits


def row_of(item: Item, reply: Reply, plan: dict[str, Any]) -> Row:
    cost = cost_of(plan, reply.prompt_tokens, reply.completion_tokens)
    return {
        "chunk_id": item.lease.chunk_id,
        "token": item.lease.token,
        "example_id": item.example_id,
        "text": reply.text,
        "tool_calls": reply.tool_calls,
        "finish_reason": reply.finish_reason,
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "cost": None if cost is None else str(cost),
        "first_token_ms": reply.first_token_ms,
        "total_ms": reply.total_ms,
        "attempts": item.attempts,
        "error_cause": reply.cause,
        "error": reply.error,
        "raw": reply.raw if reply.cause else "",
        "truncated": reply.truncated,
    }
