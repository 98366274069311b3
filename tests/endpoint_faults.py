"""The ways in which the tests' endpoint fails: ``fault:KIND?option=value``.

status          code=429, retry_after=7 (or any text), message=…, error_code=…
hang            takes the call and says nothing for seconds=3600
drip            sends a byte of a good answer every=5 seconds
reset           closes the connection
html            200 with a page
empty           200 with nothing
null            200 with the JSON value null
truncated       200 with half of an answer, and the length of the whole
cut-stream      a stream that ends in the middle
no-choices      200 with an empty list of choices
calls-only      200 with content null and one tool call
long-text       an answer of bytes=10000000 characters
big-body        a body of bytes=200000000 without end
gzip-bomb       bytes=200000000 of blanks, compressed
nul             an answer with U+0000 in it
surrogate       an answer with a lone surrogate in it
invalid-utf8    a body that is not UTF-8
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

JSON = "application/json"
STANDARD_CODES = {401: "invalid_api_key", 403: "forbidden", 404: "model_not_found", 429: "rate_limit_exceeded"}


@dataclass(frozen=True)
class Times:
    """How often this prompt and this model were called so far, this call included."""

    of_prompt: int
    of_model: int


def is_due(options: dict[str, str], prompt: str, times: Times) -> bool:
    if times.of_prompt > float(options.get("times", "inf")):
        return False
    if times.of_model <= int(options.get("after", 0)):
        return False
    drawn = hashlib.sha256(f"{prompt} {times.of_prompt}".encode("utf-8", "surrogatepass")).digest()[0] / 256
    return drawn < float(options.get("share", 1))


def good_answer(text: str | None, calls: list[dict] | None = None) -> dict:
    message = {"role": "assistant", "content": text, **({"tool_calls": calls} if calls else {})}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": "fault",
        "choices": [choice],
        "usage": usage,
    }


def answer(body: bytes, content_type: str = JSON, **headers: str) -> web.Response:
    return web.Response(body=body, headers={"Content-Type": content_type, **headers})


async def status(_request: web.Request, options: dict[str, str]) -> web.StreamResponse:
    code = int(options.get("code", 500))
    message = options.get("message", f"The endpoint was asked to answer {code}.")
    error = {"message": message, "type": "error", "code": options.get("error_code", STANDARD_CODES.get(code, "error"))}
    headers = {"Retry-After": options["retry_after"]} if "retry_after" in options else {}
    return web.json_response({"error": error}, status=code, headers=headers)


async def hang(_request: web.Request, options: dict[str, str]) -> web.StreamResponse:
    await asyncio.sleep(float(options.get("seconds", 3600)))
    return web.json_response(good_answer("late"))


async def drip(request: web.Request, options: dict[str, str]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": JSON})
    await response.prepare(request)
    for byte in json.dumps(good_answer("drip by drip")).encode():
        await response.write(bytes([byte]))
        await asyncio.sleep(float(options.get("every", 5)))
    return response


async def reset(request: web.Request, _options: dict[str, str]) -> web.StreamResponse:
    if request.transport:
        request.transport.abort()
    return web.Response()


async def html(_request: web.Request, _options: dict[str, str]) -> web.StreamResponse:
    return answer(b"<!doctype html><title>Gateway</title><h1>Please sign in</h1>", "text/html")


async def empty(_request: web.Request, _options: dict[str, str]) -> web.StreamResponse:
    return answer(b"")


async def null(_request: web.Request, _options: dict[str, str]) -> web.StreamResponse:
    return answer(b"null")


async def truncated(request: web.Request, _options: dict[str, str]) -> web.StreamResponse:
    whole = json.dumps(good_answer("never seen whole")).encode()
    response = web.StreamResponse(headers={"Content-Type": JSON, "Content-Length": str(len(whole))})
    await response.prepare(request)
    await response.write(whole[: len(whole) // 2])
    return await reset(request, {})


async def cut_stream(request: web.Request, _options: dict[str, str]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    event = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "half of"}}]}
    await response.write(b"data: " + json.dumps(event).encode() + b'\n\ndata: {"cho')
    return response


async def no_choices(_request: web.Request, _options: dict[str, str]) -> web.StreamResponse:
    return web.json_response(good_answer("") | {"choices": []})


async def calls_only(_request: web.Request, _options: dict[str, str]) -> web.StreamResponse:
    call = {"id": "call_0", "type": "function", "function": {"name": "look_up", "arguments": '{"order": 7}'}}
    return web.json_response(good_answer(None, [call]))


async def long_text(_request: web.Request, options: dict[str, str]) -> web.StreamResponse:
    return web.json_response(good_answer("a" * int(options.get("bytes", 10_000_000))))


async def big_body(request: web.Request, options: dict[str, str]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": JSON})
    await response.prepare(request)
    for _ in range(int(options.get("bytes", 200_000_000)) // 100_000):
        await response.write(b" " * 100_000)
    return response


async def gzip_bomb(_request: web.Request, options: dict[str, str]) -> web.StreamResponse:
    packer = zlib.compressobj(wbits=31)
    pieces = [packer.compress(b" " * 1_000_000) for _ in range(int(options.get("bytes", 200_000_000)) // 1_000_000)]
    return answer(b"".join([*pieces, packer.flush()]), **{"Content-Encoding": "gzip"})


async def nul(_request: web.Request, _options: dict[str, str]) -> web.StreamResponse:
    return web.json_response(good_answer("before\0after"))


async def surrogate(_request: web.Request, _options: dict[str, str]) -> web.StreamResponse:
    return web.json_response(good_answer("before\ud800after"))


async def invalid_utf8(_request: web.Request, _options: dict[str, str]) -> web.StreamResponse:
    return answer(json.dumps(good_answer("before|after")).encode().replace(b"|", b"\xff\xfe"))


FAULTS: dict[str, Callable[[web.Request, dict[str, str]], Awaitable[web.StreamResponse]]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        *(status, hang, drip, reset, html, empty, null, truncated, cut_stream, no_choices, calls_only),
        *(long_text, big_body, gzip_bomb, nul, surrogate, invalid_utf8),
    )
}
