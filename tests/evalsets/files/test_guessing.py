"""Guesses at what the columns are."""

from __future__ import annotations

from typing import Any

import pytest

from evalhub.evalsets.files.canonical import CANONICAL_NAMES
from evalhub.evalsets.files.columns import list_columns
from evalhub.evalsets.files.guessing import guess_mapping
from evalhub.evalsets.files.mapping import GUESS_KIND, KIND_FROM_COLUMN, NO_EXPECTED, ExampleMapping


def guess(purpose: str, rows: list[dict[str, Any]], is_flat: bool = False) -> dict[str, Any]:
    """Return what the guess maps."""
    columns = list_columns(rows, list(rows[0]) if is_flat else (), is_flat=is_flat)
    mapping = guess_mapping(purpose, columns, rows, is_flat=is_flat)
    assert mapping.problems(columns) == [] or not mapping.columns()
    return {name: value for name, value in mapping.to_json().items() if value and name != "purpose"}


def test_usual_names_are_known():
    rows = [
        {"question_id": number, "Question": f"What is {number}?", "ground_truth": "x", "Labels": ["a"], "customer": "c"}
        for number in range(3)
    ]

    assert guess("examples", rows) == {
        "id": "question_id",
        "input": "Question",
        "expected": "ground_truth",
        "expected_kind": "text",
        "tags": "Labels",
        "cluster": "customer",
    }


def test_in_csv_the_label_is_expected_and_short_columns_are_metadata():
    rows = [{"id": "1", "prompt": "Hi", "label": "greeting", "lang": "en", "notes": "x" * 300, "empty": ""}]

    assert guess("examples", rows, is_flat=True) == {
        "id": "id",
        "input": "prompt",
        "expected": "label",
        "expected_kind": "text",
        "metadata": ("lang",),
    }


def test_a_repeated_id_is_none():
    assert "id" not in guess("examples", [{"id": "1", "input": "a"}, {"id": "1", "input": "b"}])


def test_an_only_column_is_the_input():
    assert guess("examples", [{"utterance": "Hi"}], is_flat=True) == {
        "input": "utterance",
        "expected_kind": NO_EXPECTED,
    }


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["# 18", "# 1,200", "-3.5"], "number"),
        ([18, 1.5, None], "number"),
        (["18 eggs", "3"], "text"),
        ([" " * 100_000 + "x", "3"], "text"),
        (["yes", "no"], "text"),
        ([{"a": 1}, [1]], "json"),
        (["yes", {"a": 1}], GUESS_KIND),
        (['{"a": 1}', "x"], GUESS_KIND),
        ([[{"name": "f", "arguments": {}}], "no call"], "tool_calls"),
        ([[{"function": {"name": "f", "arguments": "{}"}}]], "tool_calls"),
        ([None, None], None),
    ],
)
def test_the_kind_of_expected_is_what_all_values_are(values: list[Any], kind: str | None):
    found = guess("examples", [{"input": "x", "expected": value} for value in values])

    assert found["expected_kind"] == (kind or NO_EXPECTED)
    assert ("expected" in found) == (kind is not None)


def test_a_column_of_kinds_names_the_kind():
    found = guess("examples", [{"input": "x", "expected": "1", "expected_kind": "number"}])

    assert (found["expected_kind"], found["expected_kind_column"]) == (KIND_FROM_COLUMN, "expected_kind")


def test_a_download_is_mapped_whole_even_if_its_first_lines_leave_things_out():
    rows = [{"id": "a", "input": {"messages": [{"role": "user", "content": "x"}]}}]

    assert list_columns(rows, (), is_flat=False) == list(CANONICAL_NAMES)
    assert guess("examples", rows) == {
        "id": "id",
        "input": "input",
        "expected": "expected",
        "expected_kind": KIND_FROM_COLUMN,
        "expected_kind_column": "expected_kind",
        "tags": "tags",
        "cluster": "cluster",
        "metadata_object": "metadata",
    }


def test_names_of_a_download_alone_make_none():
    found = guess("examples", [{"id": "a", "input": "Hi", "expected": "x"}])

    assert (found["expected_kind"], found["expected"]) == ("text", "expected")


def test_production_logs_are_mapped():
    rows = [
        {
            "request_id": "r1",
            "created_at": "2026-11-22T10:00:00Z",
            "messages": [{"role": "user", "content": "Hi"}],
            "response": "Hello",
            "model": "m",
            "latency_ms": 12,
            "usage": {"prompt_tokens": 1, "completion_tokens": 2},
            "conversation_id": "c",
            "metadata": {"lang": "en"},
            "region": "eu",
        }
    ]

    assert guess("production_samples", rows) == {
        "id": "request_id",
        "time": "created_at",
        "input": "messages",
        "answer": "response",
        "model": "model",
        "latency_ms": "latency_ms",
        "prompt_tokens": "usage.prompt_tokens",
        "completion_tokens": "usage.completion_tokens",
        "cluster": "conversation_id",
        "metadata_object": "metadata",
        "metadata": ("region",),
    }


def test_recorded_outputs_are_mapped():
    rows = [
        {"example_id": "q", "output": "18", "attempt": 1, "cost_usd": 0.1, "ttft_ms": 3, "latency_ms": 9, "error": ""}
    ]

    assert guess("outputs", rows) == {
        "id": "example_id",
        "text": "output",
        "repeat": "attempt",
        "cost": "cost_usd",
        "first_token_ms": "ttft_ms",
        "total_ms": "latency_ms",
    }


def test_nothing_known_maps_nothing():
    mapping = guess_mapping("examples", ["x", "y"], [{"x": "1", "y": "2"}])

    assert mapping == ExampleMapping(metadata=("x", "y"))
