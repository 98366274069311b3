"""The demo endpoint over real HTTP, started as a process of its own."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from demo.samples import read_samples

MODELS = ["rules-2025", "bayes-small", "bayes-large", "nearest"]
SORTING = next(sample["input"] for sample in read_samples() if sample["expected_kind"] == "json")
ACTING = next(sample["input"] for sample in read_samples() if sample["expected"] and "tool-call" in sample["tags"])


@contextmanager
def running_endpoint(*options: str) -> Iterator[str]:
    command = [sys.executable, "-m", "demo.endpoint", "--port", "0", "--delay-ms", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            yield re.fullmatch(r"demo endpoint on (http://127\.0\.0\.1:\d+/v1)\n", line)[1]
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with running_endpoint() as address:
        yield address


def send(address: str, path: str, body: object = None, key: str = "") -> tuple[int, str]:
    """Status and body text; a body that is bytes goes as it is."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    request = urllib.request.Request(address + path, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def complete(address: str, **body: object) -> dict:
    status, text = send(address, "/chat/completions", body)
    assert status == 200, text
    return json.loads(text)


def stream(address: str, **body: object) -> list[dict]:
    status, text = send(address, "/chat/completions", {**body, "stream": True})
    assert status == 200, text
    events = text.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    return [json.loads(event.removeprefix("data: ")) for event in events[:-2]]


def test_it_lists_its_models(endpoint):
    status, text = send(endpoint, "/models")

    assert status == 200
    assert [model["id"] for model in json.loads(text)["data"]] == MODELS


@pytest.mark.parametrize("model", MODELS)
def test_it_answers_a_sorting_request(endpoint, model):
    body = complete(endpoint, model=model, **SORTING)

    (choice,) = body["choices"]
    assert body["object"] == "chat.completion"
    assert body["model"] == model
    assert choice["finish_reason"] == "stop"
    assert choice["message"]["role"] == "assistant"
    assert "tool_calls" not in choice["message"]
    assert '"order_id": "TT-508417"' in choice["message"]["content"]
    usage = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert min(usage.values()) > 0


def test_it_calls_tools(endpoint):
    (choice,) = complete(endpoint, model="bayes-large", **ACTING)["choices"]

    (call,) = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert call["type"] == "function"
    assert call["function"]["name"] == "lookup_order"
    assert json.loads(call["function"]["arguments"]) == {"order_id": "TT-508730"}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("request_body", [SORTING, ACTING], ids=["sorting", "acting"])
def test_a_stream_adds_up_to_the_whole_answer(endpoint, model, request_body):
    whole = complete(endpoint, model=model, **request_body)
    chunks = stream(endpoint, model=model, stream_options={"include_usage": True}, **request_body)

    text, calls = "", []
    for chunk in chunks[:-1]:
        delta = chunk["choices"][0]["delta"]
        text += delta.get("content") or ""
        for piece in delta.get("tool_calls", []):
            if "id" in piece:
                calls.append({"id": piece["id"], "type": "function", "function": dict(piece["function"])})
            else:
                calls[piece["index"]]["function"]["arguments"] += piece["function"]["arguments"]
    message = whole["choices"][0]["message"]
    assert text == (message["content"] or "")
    assert calls == message.get("tool_calls", [])
    assert {chunk["id"] for chunk in chunks} == {whole["id"]}
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert chunks[-2]["choices"][0]["finish_reason"] == whole["choices"][0]["finish_reason"]
    assert all(chunk["usage"] is None for chunk in chunks[:-1])
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"] == whole["usage"]


def test_a_stream_without_the_option_says_nothing_of_usage(endpoint):
    chunks = stream(endpoint, model="rules-2025", **SORTING)

    assert all("usage" not in chunk for chunk in chunks)
    assert all(chunk["choices"] for chunk in chunks)


@pytest.mark.parametrize(
    ("path", "body", "status", "part", "code"),
    [
        ("/chat/completions", b"{", 400, "not valid JSON", None),
        ("/chat/completions", b"[" * 200_000, 400, "not valid JSON", None),
        ("/chat/completions", [], 400, "must be a JSON object", None),
        ("/chat/completions", {"messages": []}, 400, "“model” must be a string", None),
        ("/chat/completions", {"model": "nearest"}, 400, "“messages” must be a list", None),
        ("/chat/completions", {"model": "nearest", "messages": [7]}, 400, "messages[0] must be", None),
        ("/chat/completions", {"model": "nearest", "messages": [{"role": "user", "content": 7}]}, 400, "content", None),
        ("/chat/completions", {"model": "nearest", **SORTING, "tools": [{}]}, 400, "“tools” must be", None),
        ("/chat/completions", {"model": "gpt-9", **SORTING}, 404, "bayes-large", "model_not_found"),
        ("/completions", {}, 404, "/v1/completions", None),
        ("/models", {}, 405, "/v1/models", None),
    ],
)
def test_refusals_have_the_shape_of_openai(endpoint, path, body, status, part, code):
    got, text = send(endpoint, path, body)

    error = json.loads(text)["error"]
    assert got == status
    assert part in error["message"]
    assert error["type"] == "invalid_request_error"
    assert error["code"] == code


def test_a_key_is_asked_for_when_there_is_one():
    with running_endpoint("--key", "tide-123") as address:
        refused, text = send(address, "/models", key="tide-124")
        missing, _ = send(address, "/chat/completions", {"model": "nearest", **SORTING})
        allowed, _ = send(address, "/models", key="tide-123")

    assert (refused, missing, allowed) == (401, 401, 200)
    assert json.loads(text)["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize("wish", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_in_peace_when_told_to(wish):
    command = [sys.executable, "-m", "demo.endpoint", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.send_signal(wish)
        _, complaints = process.communicate(timeout=30)

    assert process.returncode == 0
    assert complaints == ""


def test_a_taken_port_is_one_sentence_and_status_1():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "demo.endpoint", "--port", str(port)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert ended.stdout.startswith(f"The demo endpoint could not listen on port {port}: ")
    assert ended.stderr == ""
