"""Mappings, their spelling of columns, and what keeps them from being used."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalhub.evalsets.files.columns import MISSING, list_columns, open_column, parse_column, spell_column
from evalhub.evalsets.files.faults import UploadError
from evalhub.evalsets.files.mapping import ExampleMapping, OutputMapping, SampleMapping, mapping_from_json

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(TEXTS, min_size=1, max_size=3))
def test_a_spelling_means_one_place(names: list[str]):
    assert parse_column(spell_column(*names)) == tuple(names)


@given(st.lists(TEXTS, min_size=1, max_size=3), st.lists(TEXTS, min_size=1, max_size=3))
def test_two_places_have_two_spellings(one: list[str], other: list[str]):
    assert (spell_column(*one) == spell_column(*other)) == (one == other)


@pytest.mark.parametrize(
    ("names", "spelling"),
    [
        (("outputs", "gpt-4o-mini-2024-07-18"), "outputs.gpt-4o-mini-2024-07-18"),
        (("outputs", "gpt-3.5-turbo-0125"), 'outputs."gpt-3.5-turbo-0125"'),
        (("a.b",), '"a.b"'),
        (("a", "b"), "a.b"),
        (("first name", " x"), 'first name." x"'),
    ],
)
def test_names_with_dots_are_quoted(names: tuple[str, ...], spelling: str):
    assert spell_column(*names) == spelling


@pytest.mark.parametrize("spelling", ["a..b", '"a', 'a."b', ".", '"a"b', "a."])
def test_a_spelling_that_is_none_stands_for_itself(spelling: str):
    assert parse_column(spelling) == (spelling,)


def test_columns_of_json_rows_are_offered_two_levels_deep():
    rows = [
        {"id": 1, "a.b": 2, "outputs": {"gpt-3.5": "x", "m": {"deep": 1}}},
        {"id": 2, "late": None, "outputs": {"other": "y"}},
    ]

    assert list_columns(rows, (), is_flat=False) == [
        "id",
        '"a.b"',
        "outputs",
        "late",
        'outputs."gpt-3.5"',
        "outputs.m",
        "outputs.other",
    ]


def test_names_that_are_texts_are_not_offered():
    assert list_columns([{"id": 1, "x" * 500: 2, "o": {"y" * 500: 1}}], (), is_flat=False) == ["id", "o"]


def test_columns_of_csv_are_those_of_its_header():
    column = open_column("a.b", is_flat=True)

    assert list_columns([{"a.b": "1"}], ["a.b"], is_flat=True) == ["a.b"]
    assert column.get({"a.b": "1", "a": {"b": "2"}}) == "1"


def test_a_value_inside_what_is_no_object_is_missing():
    column = open_column("a.b", is_flat=False)

    assert column.get({"a": {"b": None}}) is None
    assert column.get({"a": "text"}) is MISSING
    assert column.get({"a.b": 1}) is MISSING


@pytest.mark.parametrize(
    "mapping",
    [
        ExampleMapping(id="id", input="a.b", expected="x", expected_kind="number", metadata=("m", "n")),
        SampleMapping(input="q", time="t", metadata_rest=True),
        OutputMapping(id="id", text='outputs."gpt-3.5"'),
    ],
)
def test_a_mapping_survives_as_json(mapping: Any):
    assert mapping_from_json(json.loads(json.dumps(mapping.to_json()))) == mapping


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"purpose": "users"}, "“users” is no purpose of an upload."),
        ({}, "“” is no purpose of an upload."),
        (
            {"purpose": "examples", "owner": "x"},
            "The mapping has “owner” = “x”, which is not understood. Map the columns again.",
        ),
        (
            {"purpose": "examples", "input": ["x"]},
            "The mapping has “input” = “['x']”, which is not understood. Map the columns again.",
        ),
        (
            {"purpose": "examples", "metadata_rest": "yes"},
            "The mapping has “metadata_rest” = “yes”, which is not understood. Map the columns again.",
        ),
        (
            {"purpose": "examples", "metadata": "x"},
            "The mapping has “metadata” = “x”, which is not understood. Map the columns again.",
        ),
    ],
)
def test_json_that_is_no_mapping_is_refused(data: dict[str, Any], sentence: str):
    with pytest.raises(UploadError) as refusal:
        mapping_from_json(data)

    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    ("mapping", "problems"),
    [
        (ExampleMapping(input="input"), []),
        (ExampleMapping(), ["“Input” has no column. Choose the one that holds it."]),
        (
            ExampleMapping(input="question", metadata=("input", "lang")),
            [
                "The file has no column “question”. Add it, or choose one of “id”, “input”, “expected”.",
                "The file has no column “lang”. Add it, or choose one of “id”, “input”, “expected”.",
            ],
        ),
        (
            ExampleMapping(input="input", expected_kind="text"),
            ["“Expected” has a kind but no column. Choose the one that holds it, or “nothing is expected”."],
        ),
        (
            ExampleMapping(input="input", expected="expected"),
            ["“Expected” has a column but no kind. Choose its kind, or no column."],
        ),
        (
            ExampleMapping(input="input", expected="expected", expected_kind="column"),
            ["“Kind of expected” has no column. Choose the one that holds it, or a fixed kind."],
        ),
        (
            ExampleMapping(input="input", expected="expected", expected_kind="regex"),
            ["“regex” is no kind of expected output. Choose one of the list."],
        ),
        (SampleMapping(), ["“Input” has no column. Choose the one that holds it."]),
        (
            OutputMapping(text="input"),
            ["“Example id” has no column. Choose the one that holds it."],
        ),
        (
            OutputMapping(id="id"),
            ["Neither “Output” nor “Tool calls” has a column. Choose at least one."],
        ),
        (OutputMapping(id="id", tool_calls="input"), []),
    ],
)
def test_what_keeps_a_mapping_from_being_used(mapping: Any, problems: list[str]):
    assert mapping.problems(["id", "input", "expected"]) == problems
