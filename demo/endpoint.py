"""The demo endpoint: a small OpenAI-compatible server whose four models are the programs under ``demo.models``.

``python -m demo.endpoint --port 0`` listens on a free port of this machine only, and says so in one line.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from demo.completion import (
    RequestError,
    answer_id,
    check_request,
    error_body,
    stream_chunks,
    whole_completion,
)
from demo.models import bayes_large, bayes_small, nearest, rules_2025
from demo.models.reply import Model, Reply, Request

HOST = "127.0.0.1"
PROGRAMS = (rules_2025, bayes_small, bayes_large, nearest)
CREATED = 1_788_220_800  # 1 September 2026, when the models were made; in Unix seconds
MAX_BODY_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Setup:
    """What the server was started with: its models by name, the key it asks for, the usual time of an answer in ms."""

    models: dict[str, Model]
    key: str
    delay_ms: float | None


SETUP = web.AppKey("setup", Setup)


def build_app(key: str = "", delay_ms: float | None = None) -> web.Application:
    """The server's application. ``key``: the bearer key it asks for, none if empty. ``delay_ms``: the usual time of an
    answer for all models, 0 for no waiting at all; None leaves every model its own."""
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_answer_errors, _ask_for_key])
    models: list[Model] = [program.create() for program in PROGRAMS]
    app[SETUP] = Setup({model.name: model for model in models}, key, delay_ms)
    app.router.add_get("/v1/models", list_models)
    app.router.add_post("/v1/chat/completions", complete_chat)
    return app


async def list_models(request: web.Request) -> web.Response:
    """``GET /v1/models``: the four models."""
    data = [
        {"id": name, "object": "model", "created": CREATED, "owned_by": "demo"} for name in request.app[SETUP].models
    ]
    return web.json_response({"object": "list", "data": data})


async def complete_chat(request: web.Request) -> web.StreamResponse:
    """``POST /v1/chat/completions``: one answer, whole or streamed."""
    asked = check_request(await _read_json(request))
    model = request.app[SETUP].models.get(asked["model"])
    if model is None:
        known = ", ".join(request.app[SETUP].models)
        body = error_body(
            f"There is no model “{asked['model']}”. Use one of: {known}.",
            "invalid_request_error",
            "model_not_found",
            "model",
        )
        return web.json_response(body, status=404)
    wait = _natural_delay(model, asked, request.app[SETUP].delay_ms)
    reply = model.answer(asked)
    if asked.get("stream"):
        return await _stream(request, asked, reply, wait, model.first_token_share)
    await asyncio.sleep(wait)
    return web.json_response(whole_completion(asked, reply, int(time.time())), dumps=_dumps)


async def _stream(request: web.Request, asked: Request, reply: Reply, wait: float, share: float) -> web.StreamResponse:
    """Send the answer as server-sent events, the first after ``share`` of the ``wait`` (seconds), the rest evenly."""
    chunks = list(stream_chunks(asked, reply, int(time.time())))
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await asyncio.sleep(wait * share)
    await response.prepare(request)
    for chunk in chunks:
        await response.write(f"data: {_dumps(chunk)}\n\n".encode())
        await asyncio.sleep(wait * (1 - share) / len(chunks))
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


def _natural_delay(model: Model, asked: Request, delay_ms: float | None) -> float:
    """Seconds to wait: the usual time, shorter or longer by up to 40 %, always the same for the same prompt."""
    usual = model.typical_ms if delay_ms is None else delay_ms
    dice = int(hashlib.sha256(answer_id(asked).encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    return usual * (0.6 + 0.8 * dice) / 1000


async def _read_json(request: web.Request) -> Any:
    raw = await request.read()
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise RequestError("The body is not valid JSON.") from None


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give every refusal the shape that OpenAI's clients expect."""
    try:
        return await handler(request)
    except RequestError as error:
        return web.json_response(error_body(str(error), "invalid_request_error", None, error.param), status=400)
    except web.HTTPException as error:
        message = f"{request.method} {request.path}: {error.reason}."
        return web.json_response(error_body(message, "invalid_request_error"), status=error.status)


@web.middleware
async def _ask_for_key(request: web.Request, handler: Handler) -> web.StreamResponse:
    key = request.app[SETUP].key
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if key and not hmac.compare_digest(given.encode(), key.encode()):
        body = error_body("Incorrect API key. Send it as a bearer token.", "invalid_request_error", "invalid_api_key")
        return web.json_response(body, status=401)
    return await handler(request)


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


async def serve(port: int, key: str, delay_ms: float | None) -> None:
    """Serve until told to end (Ctrl-C, SIGTERM); prints the address once the port is open. OSError if it is taken."""
    told_to_end = asyncio.Event()
    for wish in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(wish, told_to_end.set)
    runner = web.AppRunner(build_app(key, delay_ms), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        print(f"demo endpoint on http://{HOST}:{runner.addresses[0][1]}/v1", flush=True)
        await told_to_end.wait()
    finally:
        await runner.cleanup()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m demo.endpoint", description="The demo's OpenAI-compatible endpoint."
    )
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 picks a free one (default)")
    parser.add_argument("--delay-ms", type=float, help="usual time of an answer; 0 for none; default: each model's own")
    parser.add_argument("--key", default="", help="bearer key to ask for; none by default")
    options = parser.parse_args(arguments)
    try:
        asyncio.run(serve(options.port, options.key, options.delay_ms))
    except OSError as error:
        print(f"The demo endpoint could not listen on port {options.port}: {error.strerror}.", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
