import http.client
import json
import urllib.error
import urllib.request

import pytest

from tests.endpoint_faults import FAULTS


def ask(url: str, model: str, prompt: str = "hello", key: str = "secret", **values) -> bytes:
    body = {"model": model, "messages": [{"role": "user", "content": prompt}], **values}
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    call = urllib.request.Request(f"{url}/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(call, timeout=5) as answer:
        return answer.read()


def text_of(body: bytes) -> str | None:
    return json.loads(body)["choices"][0]["message"]["content"]


def test_it_answers_with_the_recorded_output_of_this_model_for_this_prompt(model_endpoint):
    model_endpoint.replay(
        [{"prompt": "2 + 2?", "outputs": {"small": "5", "large": {"text": "4", "usage": {"total_tokens": 9}}}}]
    )

    assert text_of(ask(model_endpoint.url, "small", "2 + 2?")) == "5"
    assert json.loads(ask(model_endpoint.url, "large", "2 + 2?"))["usage"] == {"total_tokens": 9}
    with pytest.raises(urllib.error.HTTPError, match="404"):
        ask(model_endpoint.url, "large", "3 + 3?")


def test_a_stream_carries_the_same_text_and_calls_as_a_whole_answer(model_endpoint):
    calls = [{"name": "look_up", "arguments": {"order": "7" * 50}}]
    model_endpoint.replay([{"prompt": "go", "outputs": {"one": {"text": "x" * 45, "tool_calls": calls}}}])

    events = ask(model_endpoint.url, "one", "go", stream=True, stream_options={"include_usage": True}).split(b"\n\n")
    chunks = [json.loads(event.removeprefix(b"data: ")) for event in events[:-2]]
    parts = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]

    assert events[-2:] == [b"data: [DONE]", b""]
    assert "".join(part.get("content") or "" for part in parts) == "x" * 45
    arguments = [call["function"]["arguments"] for part in parts for call in part.get("tool_calls", [])]
    assert json.loads("".join(arguments)) == {"order": "7" * 50}
    assert chunks[-1]["choices"] == [] and chunks[-1]["usage"]["completion_tokens"] > 0


def test_it_logs_when_each_call_came_and_went(model_endpoint):
    ask(model_endpoint.url, "echo?delay=0.1", max_tokens=1)
    ask(model_endpoint.url, "echo")

    (begun, ended, *first), (begun_later, ended_later, *second) = model_endpoint.log()

    assert (first, second) == (["echo?delay=0.1", 1], ["echo", None])
    assert begun + 0.1 <= ended <= begun_later <= ended_later


def test_it_is_down_for_as_long_as_it_is_told(model_endpoint):
    model_endpoint.go_down(60)
    with pytest.raises(urllib.error.HTTPError, match="503"):
        ask(model_endpoint.url, "echo")

    model_endpoint.go_down(0)
    assert text_of(ask(model_endpoint.url, "echo")) == "hello"


def test_it_counts_every_call_by_model_prompt_and_key(model_endpoint):
    for prompt in ("a", "a", "b"):
        ask(model_endpoint.url, "echo", prompt, key="k")

    assert model_endpoint.counts() == {
        "total": 3,
        "models": {"echo": 3},
        "prompts": {"a": 2, "b": 1},
        "most_at_once": 1,
        "keys": ["k"],
    }


def test_a_fault_can_be_limited_to_the_first_calls_of_a_prompt(model_endpoint):
    model = "fault:status?code=429&retry_after=7&times=1"

    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(model_endpoint.url, model)

    assert (refused.value.code, refused.value.headers["Retry-After"]) == (429, "7")
    assert text_of(ask(model_endpoint.url, model)) == "hello"


def test_a_wrong_key_is_refused(model_endpoint):
    with pytest.raises(urllib.error.HTTPError, match="401"):
        ask(model_endpoint.url, "echo?key=right", key="wrong")


@pytest.mark.parametrize("kind", sorted(set(FAULTS) - {"hang", "drip", "status", "big-body"}))
def test_each_fault_is_an_answer_or_a_broken_connection(model_endpoint, kind):
    if kind in {"reset", "truncated"}:
        with pytest.raises((OSError, http.client.HTTPException)):
            ask(model_endpoint.url, f"fault:{kind}")
    else:
        assert (len(ask(model_endpoint.url, f"fault:{kind}")) > 3) == (kind != "empty")
