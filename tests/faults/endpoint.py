"""The fake endpoint of the faults: answers with the prompt, journals every call, and fails by rules.

    python -m tests.faults.endpoint '{"delay": 0.05, "rules": [...]}'

prints the ports of its API and of its control, and ends with its input. Each call is matched with the rules in their
order; the first that applies says how it fails:

    kind        one of tests/endpoint_faults.py, or one of those below
    options     of that kind
    share       of calls, drawn by prompt and number of the call (default: all)
    prompts     [from, to], shares: of prompts, drawn by prompt alone (default: all)
    only        this prompt and no other
    times       the first so many calls of each prompt
    after       only after so many calls in all
    before      only the first so many calls in all
    seconds     for so long after it first applied

``GET /journal`` of the control: every call as ``[arrived, prompt, kind, left, prompt tokens, completion tokens]``,
with Unix times and the kind “good” for a call that is answered, and so billed, whoever takes the answer; “cut” if the
endpoint itself broke the connection.
``POST /rules`` replaces the rules. ``POST /close?seconds=20`` refuses connections for so long.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import sys
import time
import zlib
from collections import Counter
from contextlib import suppress
from email.utils import formatdate
from functools import cache

import psutil
from aiohttp import web

from tests import endpoint_faults
from tests.endpoint import last_user_message, usage_of, whole

GOOD, CUT = "good", "cut"


class Endpoint:
    def __init__(self, settings: dict) -> None:
        self.delay = settings.get("delay", 0.0)
        self.rules: list[dict] = settings.get("rules", [])
        self.journal: list[list] = []
        self.calls: Counter[str] = Counter()
        self.connections: set[asyncio.Transport] = set()
        self.is_closed = False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        entry = [time.time(), "", GOOD, None, 0, 0]
        self.journal.append(entry)
        if request.transport:
            self.connections.add(request.transport)
        try:
            return await self._answer(request, entry)
        except asyncio.CancelledError:
            if self.is_closed and entry[2] == GOOD:
                entry[2] = CUT
            raise
        finally:
            entry[3] = time.time()

    async def _answer(self, request: web.Request, entry: list) -> web.StreamResponse:
        body = await request.json()
        prompt = entry[1] = last_user_message(body)
        self.calls[prompt] += 1
        rule = self.rule_for(prompt, request.headers.get("Authorization", ""))
        if rule is None:
            output = {"text": prompt}
            usage = usage_of(body, output)
            entry[4:] = usage["prompt_tokens"], usage["completion_tokens"]
            await asyncio.sleep(self.delay)
            return await whole(request, body, output)
        entry[2] = rule["kind"]
        await asyncio.sleep(self.delay)
        return await KINDS[rule["kind"]](request, rule.get("options", {}))

    def rule_for(self, prompt: str, key: str) -> dict | None:
        return next((rule for rule in self.rules if self.applies(rule, prompt, key)), None)

    def applies(self, rule: dict, prompt: str, key: str) -> bool:
        low, high = rule.get("prompts", (0, 1))
        if not low <= drawn(prompt) < high or rule.get("only", prompt) != prompt:
            return False
        if drawn(f"{prompt} {self.calls[prompt]}") >= rule.get("share", 1):
            return False
        if not rule.get("after", 0) < len(self.journal) <= rule.get("before", float("inf")):
            return False
        if self.calls[prompt] > rule.get("times", float("inf")):
            return False
        if "key" in rule and key != f"Bearer {rule['key']}":
            return False
        began = rule.setdefault("began", time.monotonic())
        return time.monotonic() - began <= rule.get("seconds", float("inf"))


def drawn(text: str) -> float:
    """From 0 to 1, always the same for a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) / 2**32


async def storm(request: web.Request, options: dict) -> web.StreamResponse:
    """429 with ``retry_after``, which may be “date:7”: the time in 7 s as HTTP spells it."""
    asked = options["retry_after"]
    if asked.startswith("date:"):
        asked = formatdate(time.time() + float(asked.removeprefix("date:")), usegmt=True)
    return await endpoint_faults.status(request, {"code": "429", "retry_after": asked})


async def any_status(request: web.Request, options: dict) -> web.StreamResponse:
    """One of ``codes``, in turn."""
    codes = options["codes"]
    options["turn"] = options.get("turn", 0) + 1
    return await endpoint_faults.status(request, {"code": str(codes[options["turn"] % len(codes)])})


async def revoked(request: web.Request, _options: dict) -> web.StreamResponse:
    """401 with the whole key in the message, as careless endpoints do."""
    key = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return await endpoint_faults.status(request, {"code": "401", "message": f"The key {key} was revoked."})


async def half_json(_request: web.Request, _options: dict) -> web.StreamResponse:
    body = json.dumps(endpoint_faults.good_answer("never seen whole")).encode()
    return endpoint_faults.answer(body[: len(body) // 2])


async def cut_off(request: web.Request, _options: dict) -> web.StreamResponse:
    """Half of an answer, with the length of the whole, and then the end of the connection."""
    body = json.dumps(endpoint_faults.good_answer("never seen whole")).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    await asyncio.sleep(0.05)  # or what was sent might be thrown away unread
    return await endpoint_faults.reset(request, {})


async def big_body(request: web.Request, _options: dict) -> web.StreamResponse:
    """200 MB of blanks, unless who asked has heard enough."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    with suppress(ConnectionError):
        for _ in range(2000):
            await response.write(b" " * 100_000)
    return response


@cache
def bomb() -> bytes:
    packer = zlib.compressobj(wbits=31)
    return b"".join([*(packer.compress(b" " * 1_000_000) for _ in range(200)), packer.flush()])


async def gzip_bomb(_request: web.Request, _options: dict) -> web.StreamResponse:
    """200 MB of blanks, packed once for all."""
    return endpoint_faults.answer(bomb(), **{"Content-Encoding": "gzip"})


async def poison(request: web.Request, options: dict) -> web.StreamResponse:
    """Kills the process that asked, if it is one of those that ``root`` started."""
    assert request.transport
    port = request.transport.get_extra_info("peername")[1]
    for connection in psutil.net_connections("tcp"):
        if connection.laddr.port == port and connection.pid and descends_from(connection.pid, options["root"]):
            os.kill(connection.pid, signal.SIGKILL)
    return web.json_response(endpoint_faults.good_answer("the last words"))


def descends_from(pid: int, root: int) -> bool:
    return root in {parent.pid for parent in psutil.Process(pid).parents()}


KINDS = {
    **endpoint_faults.FAULTS,
    "storm": storm,
    "any-status": any_status,
    "revoked": revoked,
    "half-json": half_json,
    "cut-off": cut_off,
    "big-body": big_body,
    "gzip-bomb": gzip_bomb,
    "poison": poison,
}


class Door:
    """The listening socket of the API, which can be closed for a while, with every connection that is open."""

    def __init__(self, runner: web.AppRunner, endpoint: Endpoint) -> None:
        self.runner = runner
        self.endpoint = endpoint
        self.port = 0
        self.tasks: set[asyncio.Task] = set()

    async def open(self) -> None:
        self.site = web.TCPSite(self.runner, "127.0.0.1", self.port, backlog=1024, reuse_address=True)
        await self.site.start()
        self.port = self.runner.addresses[-1][1]

    async def close_for(self, seconds: float) -> None:
        self.endpoint.is_closed = True
        await self.site.stop()
        for connection in self.endpoint.connections:
            connection.abort()
        self.endpoint.connections.clear()
        await asyncio.sleep(seconds)
        self.endpoint.is_closed = False
        await self.open()

    def close_meanwhile(self, seconds: float) -> None:
        task = asyncio.get_running_loop().create_task(self.close_for(seconds))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


def control_of(endpoint: Endpoint, door: Door) -> web.Application:
    async def journal(_request: web.Request) -> web.Response:
        return web.json_response(endpoint.journal)

    async def rules(request: web.Request) -> web.Response:
        endpoint.rules = await request.json()
        return web.json_response({})

    async def close(request: web.Request) -> web.Response:
        door.close_meanwhile(float(request.query["seconds"]))
        return web.json_response({})

    app = web.Application()
    app.router.add_get("/journal", journal)
    app.router.add_post("/rules", rules)
    app.router.add_post("/close", close)
    return app


async def serve(settings: dict) -> None:
    endpoint = Endpoint(settings)
    app = web.Application(client_max_size=1 << 30)
    app.router.add_post("/v1/chat/completions", endpoint.answer)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0)
    await runner.setup()
    door = Door(runner, endpoint)
    await door.open()
    control = web.AppRunner(control_of(endpoint, door), access_log=None)
    await control.setup()
    site = web.TCPSite(control, "127.0.0.1", 0)
    await site.start()
    print(json.dumps({"port": door.port, "control": control.addresses[0][1]}), flush=True)
    # Ends with whoever started it, also when that was killed.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()
    await control.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
