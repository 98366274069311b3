"""An OpenAI-compatible endpoint for tests: answers from recorded outputs, counts every call, and fails on demand.

    python -m tests.endpoint --port 0        prints “endpoint on http://127.0.0.1:PORT/v1”, ends with its input

The model's name says what to do: ``NAME`` or ``NAME?option=value&...``.

    echo                    answers with the last user message
    fault:KIND              fails, see tests/endpoint_faults.py; answers as ``model`` says where it does not
    anything else           the recorded output of that model for exactly this last user message, else 404

    delay=0.05              seconds before the answer begins
    model=NAME              what a fault answers as when it does not fail (default: echo)
    times=2                 fails only the first 2 calls of each prompt
    after=50                fails only after 50 calls of this model
    share=0.3               fails this share of calls, chosen by prompt and number of the call
    key=SECRET              401 unless the call carries this key

``POST /replay`` takes recorded outputs, one JSON object a line, in addition to those it has:
``{"prompt": str, "outputs": {model: {"text": str | null, "tool_calls": [...], "usage": {...}} | str}}``.
``POST /reset`` forgets counts and outputs. ``GET /counts`` tells
``{"total", "models": {model: n}, "prompts": {prompt: n}, "most_at_once", "keys": [key]}``.
``GET /log`` lists the calls: ``[arrived, ended, model, max_tokens]``, in seconds of one clock; ended is null meanwhile.
``POST /down`` takes a number of seconds, for which every call is answered 503, a tenth of a second after it came.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from urllib.parse import parse_qsl

from aiohttp import web

from tests import endpoint_faults

CHUNK = 20  # characters of text in one event of a stream


class Endpoint:
    def __init__(self) -> None:
        self.outputs: dict[tuple[str, str], dict] = {}
        self.reset()

    def reset(self) -> None:
        self.outputs.clear()
        self.models: Counter[str] = Counter()
        self.prompts: Counter[str] = Counter()
        self.calls: Counter[tuple[str, str]] = Counter()
        self.keys: set[str] = set()
        self.at_once = self.most_at_once = 0
        self.log: list[list] = []
        self.down_until = 0.0

    def learn(self, line: dict) -> None:
        for model, output in line["outputs"].items():
            self.outputs[line["prompt"], model] = {"text": output} if isinstance(output, str) else output

    def counts(self) -> dict:
        return {
            "total": self.models.total(),
            "models": self.models,
            "prompts": self.prompts,
            "most_at_once": self.most_at_once,
            "keys": sorted(self.keys),
        }

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        logged = [time.monotonic(), None, None, None]
        self.log.append(logged)
        try:
            body = await request.json()
            logged[2:] = body["model"], body.get("max_tokens")
            return await self._answer(request, body)
        finally:
            self.at_once -= 1
            logged[1] = time.monotonic()

    async def _answer(self, request: web.Request, body: dict) -> web.StreamResponse:
        name, _, query = body["model"].partition("?")
        options = dict(parse_qsl(query))
        prompt = last_user_message(body)
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.keys.add(key)
        self.models[body["model"]] += 1
        self.prompts[prompt] += 1
        self.calls[body["model"], prompt] += 1
        if time.monotonic() < self.down_until:
            await asyncio.sleep(0.1)
            return refusal(503, "The endpoint is down.", "unavailable")
        await asyncio.sleep(float(options.get("delay", 0)))
        if options.get("key", key) != key:
            return refusal(401, f"Incorrect API key provided: {key[:3]}...", "invalid_api_key")
        if name.startswith("fault:"):
            times = endpoint_faults.Times(self.calls[body["model"], prompt], self.models[body["model"]])
            if endpoint_faults.is_due(options, prompt, times):
                return await endpoint_faults.FAULTS[name.removeprefix("fault:")](request, options)
            name = options.get("model", "echo")
        output = {"text": prompt} if name == "echo" else self.outputs.get((prompt, name))
        if output is None:
            return refusal(404, f"No output of {name} is recorded for this prompt.", "model_not_found")
        return await (stream if body.get("stream") else whole)(request, body, output)


def last_user_message(body: dict) -> str:
    content = next(message["content"] for message in reversed(body["messages"]) if message["role"] == "user")
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def refusal(status: int, message: str, code: str) -> web.Response:
    return web.json_response(
        {"error": {"message": message, "type": "invalid_request_error", "code": code}}, status=status
    )


def usage_of(body: dict, output: dict) -> dict:
    """The recorded usage, or one of four characters a token."""
    asked, answered = len(json.dumps(body["messages"])) // 4, len(json.dumps(output)) // 4
    made_up = {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}
    return output.get("usage") or made_up


def calls_of(output: dict) -> list[dict]:
    """Tool calls in the API's shape, from ``{"id"?, "name", "arguments": str | object}``."""
    return [
        {
            "id": call.get("id", f"call_{number}"),
            "type": "function",
            "function": {
                "name": call["name"],
                "arguments": call["arguments"] if isinstance(call["arguments"], str) else json.dumps(call["arguments"]),
            },
        }
        for number, call in enumerate(output.get("tool_calls") or [])
    ]


async def whole(_request: web.Request, body: dict, output: dict) -> web.Response:
    calls = calls_of(output)
    message = {"role": "assistant", "content": output.get("text"), **({"tool_calls": calls} if calls else {})}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
    return web.json_response(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 0,
            "model": body["model"],
            "choices": [choice],
            "usage": usage_of(body, output),
        }
    )


async def stream(request: web.Request, body: dict, output: dict) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for delta, reason in deltas(output):
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        await send_event(response, body, choices=[choice])
    if (body.get("stream_options") or {}).get("include_usage"):
        await send_event(response, body, choices=[], usage=usage_of(body, output))
    await response.write(b"data: [DONE]\n\n")
    return response


def deltas(output: dict) -> list[tuple[dict, str | None]]:
    text, calls = output.get("text") or "", calls_of(output)
    told: list[tuple[dict, str | None]] = [({"role": "assistant", "content": "" if text else None}, None)]
    told += [({"content": text[start : start + CHUNK]}, None) for start in range(0, len(text), CHUNK)]
    for index, call in enumerate(calls):
        arguments = call["function"]["arguments"]
        head = call | {"index": index, "function": {"name": call["function"]["name"], "arguments": ""}}
        told.append(({"tool_calls": [head]}, None))
        for start in range(0, len(arguments), CHUNK):
            piece = {"index": index, "function": {"arguments": arguments[start : start + CHUNK]}}
            told.append(({"tool_calls": [piece]}, None))
    return [*told, ({}, "tool_calls" if calls else "stop")]


async def send_event(response: web.StreamResponse, body: dict, **values: object) -> None:
    event = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": body["model"], **values}
    await response.write(b"data: " + json.dumps(event).encode() + b"\n\n")


def make_app(endpoint: Endpoint) -> web.Application:
    async def replay(request: web.Request) -> web.Response:
        for line in (await request.text()).splitlines():
            endpoint.learn(json.loads(line))
        return web.json_response({"outputs": len(endpoint.outputs)})

    async def reset(_request: web.Request) -> web.Response:
        endpoint.reset()
        return web.json_response({})

    async def counts(_request: web.Request) -> web.Response:
        return web.json_response(endpoint.counts())

    async def log(_request: web.Request) -> web.Response:
        return web.json_response(endpoint.log)

    async def down(request: web.Request) -> web.Response:
        endpoint.down_until = time.monotonic() + float(await request.text())
        return web.json_response({})

    async def models(_request: web.Request) -> web.Response:
        names = sorted({model for _, model in endpoint.outputs} | {"echo"})
        return web.json_response({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})

    app = web.Application(client_max_size=1 << 30)
    app.router.add_post("/v1/chat/completions", endpoint.answer)
    app.router.add_get("/v1/models", models)
    app.router.add_post("/replay", replay)
    app.router.add_post("/reset", reset)
    app.router.add_get("/counts", counts)
    app.router.add_get("/log", log)
    app.router.add_post("/down", down)
    return app


async def serve(port: int) -> None:
    runner = web.AppRunner(make_app(Endpoint()), access_log=None, handler_cancellation=True, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    print(f"endpoint on http://127.0.0.1:{runner.addresses[0][1]}/v1", flush=True)
    # Ends with whoever started it, also when that was killed.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(serve(parser.parse_args().port))
