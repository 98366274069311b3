"""One call of a candidate: one POST, one Reply, whatever the other side does."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any

from evalhub.candidates.answers import Collected
from evalhub.candidates.bodies import Body
from evalhub.candidates.deadline import deadline
from evalhub.candidates.faults import connection_fault, fault_of_status, retry_after, timeout_fault, unreadable_fault
from evalhub.candidates.guarding import AddressError, check_url
from evalhub.candidates.loose_json import decoded, read_json, to_json
from evalhub.candidates.quirks import adapted, learn_quirk
from evalhub.candidates.replies import CallError, Reply
from evalhub.candidates.streams import EventCutter, looks_like_events

if TYPE_CHECKING:
    import aiohttp

__all__ = ["Reply", "call", "cost_of", "open_session"]

SHORTEST_SECRET = 8  # "none", "EMPTY" and the like are no secrets, and words that answers may contain
HIDDEN_KEY = "[key]"
GRACE_SECONDS = 0.1
SMALLEST_COST = Decimal("1e-9")
MILLION = Decimal(1_000_000)


def open_session(max_in_flight: int) -> aiohttp.ClientSession:
    """A session for calls of this process, at most so many at once. The caller closes it. Needs a running loop."""
    import aiohttp  # 0.15 s, and pages do not call

    from evalhub.candidates.connecting import GuardedConnector

    return aiohttp.ClientSession(
        connector=GuardedConnector(max_in_flight),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # each call has its own total deadline
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "EvalHub", "Accept-Encoding": "identity"},
        auto_decompress=False,  # see bodies.Unpacker
        trust_env=False,
    )


async def call(
    session: aiohttp.ClientSession, plan: Mapping[str, Any], key: str | None, body: Mapping[str, Any]
) -> Reply:
    """One attempt to get this body answered, within ``plan["timeout_seconds"]`` in total.

    Never raises for what the other side does: the Reply then has a cause, a sentence and what was sent, capped.
    """
    import aiohttp  # loaded by open_session already

    reply = Reply()
    watch = Watch()
    try:
        check_url(plan["base_url"])
        with deadline(plan["timeout_seconds"]):
            await ask(session, plan, key, body, reply, watch)
    except CallError as fault:
        fail(reply, fault)
    except AddressError as error:
        fail(reply, CallError("refused_address", str(error)))
    except TimeoutError:
        fail(reply, timeout_fault(plan["timeout_seconds"], has_begun=reply.first_token_ms is not None))
    except (aiohttp.ClientError, OSError) as error:
        fail(reply, connection_fault(error, plan["base_url"]))
    reply.total_ms = watch.elapsed_ms()
    hide_key(reply, key)
    return reply


class Watch:
    """Measures one request in milliseconds; started again when a quirk makes it a second one."""

    __slots__ = ("_start",)

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self._start = time.perf_counter()

    def elapsed_ms(self) -> float:
        return (time.perf_counter() - self._start) * 1000


async def ask(
    session: aiohttp.ClientSession,
    plan: Mapping[str, Any],
    key: str | None,
    body: Mapping[str, Any],
    reply: Reply,
    watch: Watch,
) -> None:
    """Send the body, again for each quirk the endpoint turns out to have, and read the answer into the reply."""
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    url = plan["base_url"].rstrip("/") + "/chat/completions"
    gate = session.connector.large_bodies  # type: ignore[union-attr]  # open_session's is a GuardedConnector
    while True:
        watch.restart()
        sent = adapted(plan, body)
        async with session.post(url, data=to_json(sent), headers=headers, allow_redirects=False) as response:
            if response.ok and response.status < 300:
                await read_answer(response, Body(response, gate), reply, watch)
                return
            refusal = await Body(response, gate).start()
            if learn_quirk(plan, sent, response.status, refusal):
                continue
            reply.raw = decoded(refusal)
            reply.retry_after = retry_after(response.headers.get("Retry-After"), response.headers.get("Date"))
            raise fault_of_status(
                response.status, refusal, location=response.headers.get("Location", ""), has_key=bool(key)
            )


async def read_answer(response: aiohttp.ClientResponse, body: Body, reply: Reply, watch: Watch) -> None:
    """Read a whole answer or a stream, whichever comes: endpoints may ignore ``stream``."""
    collected = Collected()
    try:
        is_stream = response.content_type == "text/event-stream"
        whole = await body.whole() if body.is_small and not is_stream else b""
        if whole and not looks_like_events(whole):
            collected.add_answer(parsed(whole))
        else:
            async with aclosing(body.chunks()) as chunks:
                await read_chunks(whole, chunks, is_stream, collected, reply, watch)
        collected.write_to(reply)
    except BaseException:  # the deadline arrives as a cancellation
        response.close()  # what is still on its way is not waited for
        reply.raw = decoded(body.head)
        reply.prompt_tokens, reply.completion_tokens = collected.prompt_tokens, collected.completion_tokens
        raise


async def read_chunks(
    start: bytes, chunks: AsyncIterator[bytes], is_stream: bool, collected: Collected, reply: Reply, watch: Watch
) -> None:
    start = start or await anext(chunks, b"")
    if is_stream or looks_like_events(start):
        await read_stream(start, chunks, collected, reply, watch)
        return
    whole = bytearray(start)
    async for chunk in chunks:
        whole += chunk
    collected.add_answer(parsed(whole))


def parsed(whole: bytes | bytearray) -> Any:
    if not whole.strip():
        raise CallError("empty", "The endpoint's answer is empty.", is_transient=True)
    try:
        return read_json(whole)
    except ValueError:
        raise unreadable_fault(whole) from None


async def read_stream(
    start: bytes, chunks: AsyncIterator[bytes], collected: Collected, reply: Reply, watch: Watch
) -> None:
    """Collect the events of a stream until it says [DONE] or ends. Raises CallError if it ends before the answer."""
    import aiohttp  # loaded by open_session already

    events = Events(collected, reply, watch)
    try:
        events.take(start)
        while not events.is_done and (chunk := await anext(chunks, b"")):
            events.take(chunk)
        if events.is_done:
            await end_of(chunks)
            return
        events.end()
    except (aiohttp.ClientPayloadError, OSError):
        pass  # what counts is how far the answer had come
    if not (events.is_done or collected.finish_reason):
        raise events.cut_off()


async def end_of(chunks: AsyncIterator[bytes]) -> None:
    """Read to the end, so that the connection can be used again; but an endpoint that does not end it is left."""
    try:
        async with asyncio.timeout(GRACE_SECONDS):
            async for _chunk in chunks:
                pass
    except TimeoutError:
        return


class Events:
    """Takes chunks of a stream into what was collected, and notes when the first token came."""

    __slots__ = ("_collected", "_cutter", "_reply", "_watch", "count", "is_done")

    def __init__(self, collected: Collected, reply: Reply, watch: Watch) -> None:
        self._collected, self._reply, self._watch = collected, reply, watch
        self._cutter = EventCutter()
        self.count = 0
        self.is_done = False

    def take(self, chunk: bytes) -> None:
        for data in self._cutter.feed(chunk):
            self._add(data, unreadable_fault)

    def end(self) -> None:
        for data in self._cutter.end():
            self._add(data, lambda _data: self.cut_off())

    def _add(self, data: bytes, fault: Callable[[bytes], CallError]) -> None:
        self.count += 1
        if self.is_done or data.strip() == b"[DONE]":
            self.is_done = True
            return
        try:
            event = read_json(data)
        except ValueError:
            raise fault(data) from None
        self._collected.add_event(event)
        if self._reply.first_token_ms is None and self._collected.has_begun:
            self._reply.first_token_ms = self._watch.elapsed_ms()

    def cut_off(self) -> CallError:
        if not self.count:
            return CallError("empty", "The endpoint's stream ended without an event.", is_transient=True)
        return CallError("truncated_stream", "The stream broke off before the answer was complete.", is_transient=True)


def fail(reply: Reply, fault: CallError) -> None:
    reply.cause, reply.error, reply.is_transient = fault.cause, fault.error, fault.is_transient
    reply.text, reply.tool_calls, reply.finish_reason = "", [], ""


def hide_key(reply: Reply, key: str | None) -> None:
    """Endpoints echo what they were sent: take the key out of everything that will be stored or shown."""
    if not key or len(key) < SHORTEST_SECRET:
        return
    spellings = {str(key), json.dumps(key)[1:-1], json.dumps(key)[1:-1].replace("/", "\\/")}
    for spelling in spellings:
        reply.text = reply.text.replace(spelling, HIDDEN_KEY)
        reply.error = reply.error.replace(spelling, HIDDEN_KEY)
        reply.raw = reply.raw.replace(spelling, HIDDEN_KEY)
        for tool_call in reply.tool_calls:
            for name in tool_call:
                tool_call[name] = tool_call[name].replace(spelling, HIDDEN_KEY)


def cost_of(plan: Mapping[str, Any], prompt_tokens: int | None, completion_tokens: int | None) -> Decimal | None:
    """US$ of one call, to the billionth; None where a price or a count of tokens is not known."""
    prices = plan.get("input_price"), plan.get("output_price")
    if None in (*prices, prompt_tokens, completion_tokens):
        return None
    input_price, output_price = (Decimal(price) for price in prices if price is not None)
    cost = (input_price * (prompt_tokens or 0) + output_price * (completion_tokens or 0)) / MILLION
    return cost.quantize(SMALLEST_COST, ROUND_HALF_EVEN)
