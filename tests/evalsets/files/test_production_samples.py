"""Rows as production samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evalhub.evalsets.files.mapping import SampleMapping
from tests.evalsets.files.staged import reason_of, stage_bytes, stage_rows

FULL = SampleMapping(
    id="id",
    time="time",
    input="input",
    tools="tools",
    answer="answer",
    tool_calls="calls",
    model="model",
    latency_ms="ms",
    prompt_tokens="in",
    completion_tokens="out",
    tags="tags",
    cluster="customer",
    metadata=("lang",),
)


def test_a_sample_keeps_all_that_production_said(tmp_path: Path):
    row = {
        "id": "s-1",
        "time": "2026-11-22T10:00:00+02:00",
        "input": "Hi",
        "answer": "Hello\tyou",
        "calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}],
        "model": "m-1",
        "ms": 812.5,
        "in": 10,
        "out": "7",
        "tags": "a;b",
        "customer": "c-9",
        "lang": "en",
    }

    report, [staged] = stage_rows(tmp_path, [row], FULL)

    digest = staged.pop("digest")
    assert report.columns == [*staged, "digest"]
    assert len(digest) == 66
    assert staged == {
        "key": "s-1",
        "occurred_at": "2026-11-22T08:00:00+00:00",
        "request": {"messages": [{"role": "user", "content": "Hi"}]},
        "answer": "Hello\tyou",
        "tool_calls": [{"id": "c", "name": "f", "arguments": "{}"}],
        "model": "m-1",
        "latency_ms": "812.5",
        "prompt_tokens": "10",
        "completion_tokens": "7",
        "tags": '{"a","b"}',
        "cluster": "c-9",
        "metadata": {"lang": "en"},
    }


def test_all_but_the_input_may_be_absent(tmp_path: Path):
    _, [bare] = stage_rows(tmp_path, [{"input": "Hi"}], SampleMapping(input="input"))
    _, [empty] = stage_bytes(
        tmp_path,
        "id,time,input,tools,answer,calls,model,ms,in,out,tags,customer,lang\n1,,Hi,,,,,,,,,,\n",
        FULL,
        "a.csv",
    )

    assert bare["key"] == "row-000001"
    for staged in (bare, empty):
        assert {name: value for name, value in staged.items() if name not in {"key", "digest", "request"}} == {
            "occurred_at": None,
            "answer": "",
            "tool_calls": [],
            "model": "",
            "latency_ms": None,
            "prompt_tokens": None,
            "completion_tokens": None,
            "tags": "{}",
            "cluster": "",
            "metadata": {},
        }


@pytest.mark.parametrize(
    ("answer", "text", "calls"),
    [
        ("Hello", "Hello", []),
        (None, "", []),
        (7, "7", []),
        ({"label": "x"}, '{"label":"x"}', []),
        ([{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}], "Hello", []),
        ({"role": "assistant", "content": "Hello"}, "Hello", []),
        (
            {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "function": {"name": "f"}}]},
            "",
            [{"id": "c", "name": "f", "arguments": "{}"}],
        ),
        ({"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}, "Hello", []),
        ({"choices": [{"text": "Hello"}]}, "Hello", []),
    ],
)
def test_an_answer_may_be_text_a_message_or_a_response(tmp_path: Path, answer: Any, text: str, calls: list[Any]):
    _, [staged] = stage_rows(
        tmp_path, [{"input": "Hi", "answer": answer}], SampleMapping(input="input", answer="answer")
    )

    assert (staged["answer"], staged["tool_calls"]) == (text, calls)


def test_tokens_of_a_response_are_taken_unless_columns_of_their_own_say_otherwise(tmp_path: Path):
    response = {"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": 5, "completion_tokens": 6}}
    mapping = SampleMapping(input="input", answer="answer", prompt_tokens="in")

    _, staged = stage_rows(
        tmp_path, [{"input": "Hi", "answer": response}, {"input": "Hi", "answer": response, "in": 9}], mapping
    )

    assert [(row["prompt_tokens"], row["completion_tokens"]) for row in staged] == [("5", "6"), ("9", "6")]


@pytest.mark.parametrize(
    ("time", "utc"),
    [
        ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00+00:00"),
        ("2026-11-22 10:00:00.25", "2026-11-22T10:00:00.250000+00:00"),
        ("2026-11-22T10:00:00-05:00", "2026-11-22T15:00:00+00:00"),
        ("2026-11-22", "2026-11-22T00:00:00+00:00"),
        ("20261122", "2026-11-22T00:00:00+00:00"),
        (1795341600, "2026-11-22T10:00:00+00:00"),
        (1795341600.5, "2026-11-22T10:00:00.500000+00:00"),
        ("1795341600000", "2026-11-22T10:00:00+00:00"),
        (1795341600000000, "2026-11-22T10:00:00+00:00"),
        (1795341600000000000, "2026-11-22T10:00:00+00:00"),
    ],
)
def test_a_time_is_iso_8601_or_counts_from_1970(tmp_path: Path, time: Any, utc: str):
    _, [staged] = stage_rows(tmp_path, [{"input": "x", "time": time}], SampleMapping(input="input", time="time"))

    assert staged["occurred_at"] == utc


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (
            {"time": "22/11/2026"},
            "“time” is “22/11/2026”, which is no time. Write 2026-11-22T10:00:00Z, or seconds since 1970.",
        ),
        ({"time": 17}, "“time” is “17”, which is no time. Write 2026-11-22T10:00:00Z, or seconds since 1970."),
        ({"time": True}, "“time” is “True”, which is no time. Write 2026-11-22T10:00:00Z, or seconds since 1970."),
        ({"ms": "fast"}, "“ms” is “fast”, which is not a number. Correct it, or leave it empty."),
        ({"ms": -1}, "“ms” is “-1”, which is below zero. Correct it, or leave it empty."),
        ({"ms": "1e400"}, "“ms” is “1e400”, which is too large. Correct it, or leave it empty."),
        ({"ms": "NaN"}, "“ms” is “NaN”, which is not a number. Correct it, or leave it empty."),
        ({"ms": True}, "“ms” is “True”, which is not a number. Correct it, or leave it empty."),
        ({"in": 1.5}, "“in” is “1.5”, which is not a whole number from 0 to 2,147,483,647. Correct it."),
        (
            {"in": 3_000_000_000},
            "“in” is “3000000000”, which is not a whole number from 0 to 2,147,483,647. Correct it.",
        ),
        (
            {"out": "1e999999999"},
            "“out” is “1e999999999”, which is not a whole number from 0 to 2,147,483,647. Correct it.",
        ),
        ({"model": "m" * 201}, "“model” is 201 characters long; at most 200 are kept. Shorten it."),
        (
            {"calls": "{"},
            "“calls”: This is not valid JSON: expecting property name enclosed in double quotes at character 2, "
            "near “{”.",
        ),
    ],
)
def test_a_sample_that_cannot_be_kept_is_refused(tmp_path: Path, row: dict[str, Any], reason: str):
    assert reason_of(tmp_path, {"id": "1", "input": "x", **row}, FULL) == reason


def test_equal_requests_have_equal_digests_however_their_keys_are_ordered(tmp_path: Path):
    rows = [
        {"input": [{"role": "user", "content": "Hi"}]},
        {"input": [{"content": "Hi", "role": "user"}]},
        {"input": "Hi"},
        {"input": "Ho"},
    ]

    _, staged = stage_rows(tmp_path, rows, SampleMapping(input="input"))

    digests = [row["digest"] for row in staged]
    assert digests[0] == digests[1] == digests[2] != digests[3]
