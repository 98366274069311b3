"""Rows as recorded outputs of one candidate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evalhub.evalsets.files.mapping import OutputMapping
from tests.evalsets.files.staged import reason_of, stage_rows

FULL = OutputMapping(
    id="id",
    repeat="repeat",
    text="text",
    tool_calls="calls",
    finish_reason="finish",
    prompt_tokens="in",
    completion_tokens="out",
    cost="cost",
    first_token_ms="ttft",
    total_ms="ms",
    error="error",
)
TEXT = OutputMapping(id="id", repeat="repeat", text="text")


def test_an_output_keeps_all_that_was_recorded(tmp_path: Path):
    row = {
        "id": "q",
        "repeat": 2,
        "text": "It is 18.\n",
        "calls": [{"name": "f", "arguments": {"a": 1}}],
        "finish": "stop",
        "in": 10,
        "out": 3,
        "cost": "0.00001234567",
        "ttft": 5,
        "ms": 10.25,
        "error": "",
    }

    report, [staged] = stage_rows(tmp_path, [row], FULL)

    assert report.columns == list(staged)
    assert staged == {
        "key": "q",
        "repeat": "2",
        "text": "It is 18.\n",
        "tool_calls": [{"id": "", "name": "f", "arguments": '{"a":1}'}],
        "finish_reason": "stop",
        "prompt_tokens": "10",
        "completion_tokens": "3",
        "cost": "0.000012346",
        "first_token_ms": "5.0",
        "total_ms": "10.25",
        "error": "",
    }


def test_an_error_needs_no_output(tmp_path: Path):
    _, [staged] = stage_rows(tmp_path, [{"id": "q", "error": "The endpoint timed out."}], FULL)

    assert (staged["text"], staged["error"], staged["repeat"]) == ("", "The endpoint timed out.", "1")


def test_a_whole_response_is_taken_apart(tmp_path: Path):
    response = {
        "choices": [{"message": {"role": "assistant", "content": "18"}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 6},
    }

    _, [staged] = stage_rows(tmp_path, [{"id": "q", "text": response}], FULL)

    assert (staged["text"], staged["finish_reason"], staged["prompt_tokens"], staged["completion_tokens"]) == (
        "18",
        "length",
        "5",
        "6",
    )


def test_an_empty_output_is_an_output(tmp_path: Path):
    _, [staged] = stage_rows(tmp_path, [{"id": "q", "text": None}], TEXT)

    assert staged["text"] == ""


def test_one_example_may_have_several_repeats(tmp_path: Path):
    report, staged = stage_rows(
        tmp_path,
        [{"id": "q", "text": "a", "repeat": 1}, {"id": "q", "text": "b", "repeat": 2}, {"id": "1 q", "text": "c"}],
        TEXT,
    )

    assert report.errors == []
    assert [(row["key"], row["repeat"]) for row in staged] == [("q", "1"), ("q", "2"), ("1 q", "1")]


def test_the_same_repeat_twice_is_refused(tmp_path: Path):
    report, staged = stage_rows(tmp_path, [{"id": "q", "text": "a"}, {"id": "q", "text": "b", "repeat": 1}], TEXT)

    assert len(staged) == 1
    assert report.sentences == [
        "Line 2: “id” is “q” with repeat 1, as in line 1 already. "
        "Remove one of them, or map the column that holds the repeat."
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({}, "“text” is missing. Add the output, or map another column to it."),
        ({"id": " ", "text": "x"}, "“id” is empty. Give the row an id, or map no column to the id."),
        (
            {"text": "x", "repeat": 0},
            "“repeat” is “0”, which is not a whole number from 1 to 2,147,483,647. Correct it.",
        ),
        ({"text": "x", "cost": 1e9}, "“cost” is “1000000000.0”, which no output costs in US dollars. Correct it."),
        ({"text": "x", "finish": "x" * 41}, "“finish” is 41 characters long; at most 40 are kept. Shorten it."),
    ],
)
def test_an_output_that_cannot_be_kept_is_refused(tmp_path: Path, row: dict[str, Any], reason: str):
    assert reason_of(tmp_path, {"id": "q", **row}, FULL) == reason
