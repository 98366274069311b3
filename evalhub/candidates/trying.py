"""“Try it”: one call of a candidate, at once, for the person who waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from threading import BoundedSemaphore
from typing import Any, cast

from evalhub.candidates.calling import call, cost_of, open_session
from evalhub.candidates.keys import key_of
from evalhub.candidates.models import Candidate, Endpoint
from evalhub.candidates.plan import freeze
from evalhub.candidates.prompting import build_body
from evalhub.candidates.quirks import adapted
from evalhub.candidates.replies import CAUSES, Reply
from evalhub.errors import EvalHubError

LONGEST_WAIT = 60
AT_ONCE = 2
_free = BoundedSemaphore(AT_ONCE)


class TryError(EvalHubError):
    """The candidate cannot be tried now."""


@dataclass(frozen=True)
class Trial:
    """One call and what came of it. ``body`` is what was sent; the key travels in a header and is not in it."""

    url: str
    body: Mapping[str, Any]
    reply: Reply
    cost: Decimal | None

    @property
    def cause_name(self) -> str:
        return CAUSES[self.reply.cause]


def try_candidate(candidate: Candidate, request: Mapping[str, Any]) -> Trial:
    """Send one request now and wait for the outcome, at most 60 seconds. Raises EvalHubError if nothing could be sent.

    This runs in the web process and holds one of its threads: somebody looks at the page and waits for exactly this
    call, a worker would need a place to leave the answer, and no more than two threads are held at a time.
    """
    plan = freeze(candidate)
    plan["timeout_seconds"] = min(plan["timeout_seconds"], LONGEST_WAIT)
    key = key_of(cast(Endpoint, candidate.endpoint))  # freeze refuses a candidate without one
    body = build_body(plan, request)
    if not _free.acquire(blocking=False):
        raise TryError("Other people are trying candidates right now. Try again in a minute.")
    try:
        reply = asyncio.run(call_once(plan, key, body))
    finally:
        _free.release()
    sent = adapted(plan, body)  # the endpoint may have asked for another form of it
    cost = cost_of(plan, reply.prompt_tokens, reply.completion_tokens)
    return Trial(plan["base_url"].rstrip("/") + "/chat/completions", sent, reply, cost)


async def call_once(plan: Mapping[str, Any], key: str | None, body: Mapping[str, Any]) -> Reply:
    async with open_session(1) as session:
        return await call(session, plan, key, body)
