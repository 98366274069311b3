"""What a shift has in hand: claimed chunks, calls in flight, answers still to be stored. It knows no database."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

import orjson

from evalhub.candidates.calling import Reply, call, cost_of
from evalhub.candidates.prompting import build_body
from evalhub.errors import EvalHubError
from evalhub.runs.attempts import Settlement
from evalhub.runs.budget import billed, most_cost
from evalhub.runs.causes import INTERNAL
from evalhub.runs.chunks import NOTHING, Item, Lease
from evalhub.runs.outages import Streak, is_failing
from evalhub.runs.pool import Pool
from evalhub.runs.retrying import REFUSED, retry_of
from evalhub.runs.reusing import digest_of
from evalhub.runs.storing import Row
from evalhub.runs.tokens import Tokens

if TYPE_CHECKING:
    import aiohttp

log = logging.getLogger(__name__)

STORE_AFTER_ROWS, STORE_AFTER_CHARACTERS = 200, 4_000_000
# What was answered and not stored yet is asked again, and paid again, if the worker is lost.
STORE_AFTER_SECONDS = 0.02
MOST_UNSTORED_ROWS, MOST_UNSTORED_CHARACTERS = 2_000, 64_000_000
REFUSALS_IN_A_ROW = 3


@dataclass(frozen=True)
class Order:
    """What a shift works on: the run's frozen plan, and the key, which no plan holds."""

    run_id: int
    version_id: int
    plan: dict[str, Any]
    key: str | None
    has_budget: bool = False
    reuses_outputs: bool = False


class InHand:
    """``nudge`` is called when something should be done at once, ``run_low`` when too little is ready."""

    session: aiohttp.ClientSession

    def __init__(self, order: Order, nudge: Callable[[], None], run_low: Callable[[], None]) -> None:
        self.order = order
        self.nudge = nudge
        self.pool = Pool(self.ask, run_low)
        self.chance = Random()  # noqa: S311 -- spreads retries, guards nothing
        self.leases: dict[int, Lease] = {}
        self.finished: list[Lease] = []
        """All their examples are answered, and the last answers are among the rows."""
        self.rows: list[Row] = []
        self.store_at = 0.0
        """When the first of the rows will have waited long enough, on the loop's clock."""
        self.characters = 0
        self.settled: list[Settlement] = []
        """Calls that are over, and are still written down as begun."""
        self.answered = 0
        self.tokens = Tokens(order.plan)
        self.streak = Streak()
        self.down_because = ""
        """What the endpoint said last, once it failed so often that it is taken for down."""
        self.refusals = 0
        self.fault = ""
        """Why the run has to pause, once the endpoint refused often enough."""

    def take(self, lease: Lease) -> None:
        if lease.items:
            self.leases[lease.chunk_id] = lease
            self.pool.add(lease.items.values())
        else:
            self.finished.append(lease)

    async def ask(self, item: Item) -> None:
        """Make one attempt at an item and settle what came of it. Never raises: the item would be lost."""
        item.attempts += 1
        expected = self.tokens.mean
        try:
            body = build_body(self.order.plan, orjson.loads(item.request))
            item.digest = digest_of(self.order.plan, item.lease.repeat, body)
            reply = await call(self.session, self.order.plan, self.order.key, body)
        except EvalHubError as error:
            reply = Reply(cause="bad_request", error=str(error))
        except Exception as error:
            log.exception("Run %s, example %s: the call failed inside EvalHub", self.order.run_id, item.example_id)
            reply = Reply(cause=INTERNAL, error=f"EvalHub itself failed here ({type(error).__name__}); see its log.")
        self.tokens.told(reply, expected)
        self.cross_out(item, reply)
        self.settle(item, reply)

    def cross_out(self, item: Item, reply: Reply) -> None:
        """Note that the call is over. Without a budget that matters only if it is made again: see ``attempts``."""
        if item.lease.is_lost:
            return
        if self.order.has_budget:
            self.settled.append(Settlement(item, item.reserve, billed(reply, self.order.plan, item.reserve)))
            item.reserve = NOTHING
        elif reply.cause:
            self.settled.append(Settlement(item, NOTHING, NOTHING))

    def settle(self, item: Item, reply: Reply) -> None:
        """Decide what the answer means: a row to be stored, another attempt, or a pause of the run."""
        self.answered += 1
        is_down = is_failing(reply.cause)
        if self.pool.is_down and is_down:
            item.attempts -= 1  # nothing is wrong with the example
        elif self.streak.note(item.example_id, is_down):
            self.down_because = reply.error
            self.pool.is_down = True  # at once: whatever starts now would fail too
            self.nudge()
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
        if not self.rows:
            self.store_at = self.pool.loop.time() + STORE_AFTER_SECONDS
            self.pool.loop.call_at(self.store_at, self.nudge)
        self.rows.append(row_of(item, reply, self.order.plan))
        self.characters += len(reply.text) + len(reply.raw) + sum(len(made["arguments"]) for made in reply.tool_calls)
        if not lease.items:
            self.leases.pop(lease.chunk_id, None)
            self.finished.append(lease)
        if self.is_much():
            self.nudge()
        if len(self.rows) >= MOST_UNSTORED_ROWS or self.characters >= MOST_UNSTORED_CHARACTERS:
            self.pool.is_clogged = True

    def is_much(self) -> bool:
        """Whether enough rows wait to be stored at once."""
        return len(self.rows) >= STORE_AFTER_ROWS or self.characters >= STORE_AFTER_CHARACTERS

    def take_rows(self) -> tuple[list[Row], list[Lease]]:
        """The rows that wait, and the leases that end with them; they are not in hand any more."""
        rows, self.rows, finished, self.finished = self.rows, [], self.finished, []
        self.characters = 0
        return rows, finished

    def take_settled(self) -> list[Settlement]:
        """The calls that are over; they are not in hand any more."""
        settled, self.settled = self.settled, []
        return settled

    def reserve(self, items: Iterable[Item]) -> None:
        """Set what each of the next calls could cost at most, which matters where there is a budget."""
        if self.order.has_budget:
            for item in items:
                item.reserve = most_cost(self.order.plan, item.request)

    def lose(self, lease: Lease) -> None:
        """Discard what belongs to a chunk that is another worker's now."""
        lease.is_lost = True
        self.leases.pop(lease.chunk_id, None)

    def lost_of(self, lease: Lease) -> list[Item]:
        """Of a lease's items those whose call was broken off."""
        return [item for item in self.pool.dropped if item.lease is lease]

    @property
    def is_empty(self) -> bool:
        return not (self.leases or self.rows or self.finished)

    @property
    def has_suspect(self) -> bool:
        """Whether a worker was lost with one of the chunks, so that it is worked on alone."""
        return any(lease.is_suspect for lease in self.leases.values())

    def waits_of(self, lease: Lease) -> dict[int, tuple[int, float]]:
        """Of a lease's items that were tried: attempts so far, and the seconds before which not to try again."""
        return {
            item.example_id: (item.attempts, self.pool.sleep_of(item)) for item in lease.items.values() if item.attempts
        }


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
        "call_digest": item.digest.hex() if item.digest else None,
    }
