import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalhub.candidates.answers import Collected
from evalhub.candidates.loose_json import read_json, storable, to_json
from evalhub.candidates.replies import CallError, Reply
from evalhub.candidates.streams import EventCutter


def collect(*deltas):
    collected = Collected()
    for delta in deltas:
        collected.add_event({"choices": [{"index": 0, "delta": delta}]})
    reply = Reply()
    collected.write_to(reply)
    return reply


def call(index=None, call_id=None, name=None, arguments=None):
    values = {"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}
    return {"tool_calls": [{key: value for key, value in values.items() if value is not None}]}


def test_tool_call_deltas_are_put_together_by_index_in_whatever_order():
    reply = collect(
        call(1, "b", "second", ""),
        call(0, "a", "first", '{"x'),
        call(1, None, None, "{}"),
        call(0, None, None, '": 1}'),
    )

    assert reply.tool_calls == [
        {"id": "a", "name": "first", "arguments": '{"x": 1}'},
        {"id": "b", "name": "second", "arguments": "{}"},
    ]


def test_without_an_index_a_new_id_begins_a_call_and_no_id_continues_the_last():
    reply = collect(
        call(None, "a", "first", '{"x'),
        call(None, None, None, '": 1}'),
        call(None, "b", "second", "{"),
        call(None, "b", None, "}"),
    )

    assert [(made["id"], made["arguments"]) for made in reply.tool_calls] == [("a", '{"x": 1}'), ("b", "{}")]


def test_a_name_that_is_repeated_with_every_delta_is_taken_once():
    reply = collect(call(0, "a", "look_up", "{"), call(0, "a", "look_up", "}"))

    assert reply.tool_calls == [{"id": "a", "name": "look_up", "arguments": "{}"}]


def test_more_tool_calls_than_anybody_makes_are_cut():
    reply = collect(*(call(number, str(number), "f", "{}") for number in range(1_200)))

    assert (len(reply.tool_calls), reply.truncated) == (1_000, True)


def test_text_and_arguments_share_the_room():
    reply = collect({"content": "a" * 999_990}, call(0, "a", "f", "b" * 100))

    assert (len(reply.text), len(reply.tool_calls[0]["arguments"]), reply.truncated) == (999_990, 10, True)


def test_other_choices_and_reasoning_are_ignored():
    collected = Collected()
    collected.add_event({"choices": [{"index": 1, "delta": {"content": "other"}}]})
    collected.add_event({"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}]})

    assert not collected.has_begun
    collected.add_event({"choices": [{"index": 0, "delta": {"content": "mine"}}]})
    assert collected.has_begun
    assert collected.texts == ["mine"]


@pytest.mark.parametrize("count", [-1, 2**31, "7", None, True, 1e300, float("nan")])
def test_counts_of_tokens_that_are_none_are_not_kept(count):
    collected = Collected()
    collected.add_event({"usage": {"prompt_tokens": count, "completion_tokens": 3}})

    assert (collected.prompt_tokens, collected.completion_tokens) == (None, 3)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "message",
                    "delta",
                    "content",
                    "tool_calls",
                    "function",
                    "name",
                    "arguments",
                    "id",
                    "index",
                    "usage",
                    "prompt_tokens",
                    "finish_reason",
                    "error",
                    "code",
                    "text",
                    "refusal",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@given(json_values)
def test_no_json_raises_anything_but_a_call_error(value):
    for add in ("add_answer", "add_event"):
        collected, reply = Collected(), Reply()
        try:
            getattr(collected, add)(value)
            collected.write_to(reply)
        except CallError:
            continue
        json.dumps(reply.tool_calls).encode()
        assert "\0" not in reply.text
        reply.text.encode()


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), min_size=1), max_size=5), st.data())
def test_events_are_the_same_however_the_stream_is_cut(texts, data):
    stream = b"".join(b"data: " + json.dumps(text).encode() + b"\r\n\r\n" for text in texts)
    cutter, found, rest = EventCutter(), [], stream
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        found += cutter.feed(rest[:size])
        rest = rest[size:]

    assert [json.loads(event) for event in [*found, *cutter.end()]] == texts


@given(st.text(st.characters()))
def test_storable_text_is_storable_and_the_rest_is_kept(text):
    stored = storable(text)

    stored.encode()
    assert "\0" not in stored
    assert storable(stored) == stored


def test_json_is_read_that_strict_readers_refuse():
    assert read_json(b'{"a": "\\ud800"}') == {"a": "\ud800"}
    assert read_json(b'{"a": "\xff"}') == {"a": "\ufffd"}
    assert read_json(b"\xef\xbb\xbf[1]") == [1]
    assert read_json(b"[%s]" % (b"9" * 5000)) == [float("inf")]
    for bad in (b"", b"{", b"[" * 100_000, b"nope"):
        with pytest.raises(ValueError):
            read_json(bad)


def test_bodies_that_orjson_refuses_are_written_all_the_same():
    deep: list = []
    for _ in range(300):
        deep = [deep]

    assert json.loads(to_json({"a": 2**70, "b": deep})) == {"a": 2**70, "b": deep}
