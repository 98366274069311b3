"""An endpoint that speaks bytes: the model's name picks what is sent back, then the connection closes.

    python -m tests.candidates.odd_endpoint     prints “odd endpoint on http://127.0.0.1:PORT/v1”, ends with its input

``GET /asked`` tells the bodies that were sent, as a JSON list. Models are the keys of ``ANSWERS``.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import sys

ASKED: list[dict] = []
GOOD = {
    "choices": [{"index": 0, "message": {"content": "fine"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 3},
}


def http(body: bytes | str | dict, status: str = "200 OK", **headers: str) -> bytes:
    if isinstance(body, dict):
        body = json.dumps(body)
    body = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def events(*data: dict | str, end: str = "\n\n", **headers: str) -> bytes:
    lines = [f"data: {item if isinstance(item, str) else json.dumps(item)}{end}" for item in data]
    return http("".join(lines), **({"Content-Type": "text/event-stream"} | headers))


def delta(reason: str | None = None, **values: object) -> dict:
    return {"choices": [{"index": 0, "delta": values, "finish_reason": reason}]}


def error(message: str, status: str, **values: object) -> bytes:
    return http({"error": {"message": message, **values}}, status)


def choosy(body: dict) -> bytes:
    """Forbids fields that it does not know, as strict servers do."""
    if "stream_options" in body:
        return error("Unrecognized request argument supplied: stream_options", "400 Bad Request")
    return events(delta(content="without"), delta("stop"), "[DONE]")


def reasoning(body: dict) -> bytes:
    if "max_tokens" in body:
        return error("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", "400 Bad Request")
    return http(GOOD)


ANSWERS = {
    "good": http(GOOD),
    "gzipped": http(gzip.compress(json.dumps(GOOD).encode()), Content_Encoding="gzip"),
    "half gzipped": http(gzip.compress(json.dumps(GOOD).encode())[:-9], Content_Encoding="gzip"),
    "damaged gzip": http(b"\x1f\x8b\x08\x00 this is no gzip", Content_Encoding="gzip"),
    "brotli": http(b"\x0b\x02\x80", Content_Encoding="br"),
    "byte order mark": http(b"\xef\xbb\xbf" + json.dumps(GOOD).encode()),
    "redirect": http("", "302 Found", Location="http://127.0.0.1:1/elsewhere"),
    "not http": b"220 mail.example ESMTP ready\r\n",
    "endless header": b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 100_000 + b"\r\n\r\n{}",
    "deep": http("[" * 100_000),
    "long integer": http(json.dumps(GOOD).replace("7", "7" * 5000)),
    "a list": http("[1, 2]"),
    "odd shapes": http(
        {
            "choices": [{"message": {"content": 5, "tool_calls": [None, {"function": 3}, 7]}, "finish_reason": 9}],
            "usage": [1],
        }
    ),
    "null content": http({"choices": [{"message": {"content": None}, "finish_reason": "stop"}]}),
    "cut short": http({"choices": [{"message": {"content": None}, "finish_reason": "length"}]}),
    "withheld": http({"choices": [{"message": {"content": ""}, "finish_reason": "content_filter"}]}),
    "says nothing": http({"choices": [{"message": {"content": ""}, "finish_reason": "stop"}]}),
    "refusal": http(
        {"choices": [{"message": {"content": None, "refusal": "I cannot help."}, "finish_reason": "stop"}]}
    ),
    "arguments as an object": http(
        {
            "choices": [
                {
                    "message": {
                        "content": None,
                        "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": {"x": 1}}}],
                    },
                    "finish_reason": "tool_calls",
                }
            ]
        }
    ),
    "only reasoning": events(delta(reasoning_content="hm"), delta("stop"), "[DONE]"),
    "first reasoning": events(delta(reasoning_content="hm"), delta(content="Yes"), delta("stop"), "[DONE]"),
    "carriage returns": events(delta(content="one "), delta("stop", content="two"), "[DONE]", end="\r\n\r\n"),
    "comments": http(": ping\n\nevent: x\ndata: " + json.dumps(delta("stop", content="kept")) + "\n\ndata: [DONE]\n\n"),
    "no empty line at the end": events(delta("stop", content="kept"), end="\n"),
    "no done": events(delta(content="kept"), delta("stop")),
    "no reason": events(delta(content="kept"), "[DONE]"),
    "only done": events("[DONE]"),
    "no events": http("", Content_Type="text/event-stream"),
    "broken event": events(delta(content="a"), "{broken", delta("stop")),
    "surrogates apart": events(delta(content="\ud83d"), delta("stop", content="\ude00"), "[DONE]"),
    "error in stream": events(delta(content="a"), {"error": {"message": "Overloaded", "type": "overloaded_error"}}),
    "error as answer": http({"error": {"message": "Slow down", "code": 429}}),
    "quota": error("You exceeded your quota.", "429 Too Many Requests", code="insufficient_quota"),
    "html error": http("<html><h1>502</h1></html>", "502 Bad Gateway", Content_Type="text/html"),
    "fastapi": http({"detail": [{"loc": ["body", "temperature"], "msg": "too hot"}]}, "422 Unprocessable Entity"),
    "choosy": choosy,
    "reasoning": reasoning,
}


async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    if head.startswith("GET /asked"):
        writer.write(http(json.dumps(ASKED)))
    else:
        length = next(
            int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length")
        )
        body = json.loads(await reader.readexactly(length))
        ASKED.append(body)
        await answer(body, head, writer)
    try:
        await writer.drain()
        writer.close()
    except OSError:
        pass


async def answer(body: dict, head: str, writer: asyncio.StreamWriter) -> None:
    if body["model"] == "echoes the key":
        key = next(line.split()[-1] for line in head.splitlines() if line.lower().startswith("authorization"))
        writer.write(error(f"Incorrect API key provided: {key}.", "401 Unauthorized"))
    elif body["model"] == "answers with the key":
        key = next(line.split()[-1] for line in head.splitlines() if line.lower().startswith("authorization"))
        writer.write(http(json.dumps(GOOD).replace("fine", f"your key is {key}")))
    elif body["model"] == "hanging after done":
        event = json.dumps(delta("stop", content="kept"))
        writer.write(
            f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {event}\n\ndata: [DONE]\n\n".encode()
        )
        await writer.drain()
        await asyncio.sleep(60)
    else:
        told = ANSWERS[body["model"]]
        writer.write(told if isinstance(told, bytes) else told(body))


async def serve() -> None:
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    print(f"odd endpoint on http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
