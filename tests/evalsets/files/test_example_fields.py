"""The fields of a row besides input and expected output: ids, tags, clusters, metadata."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalhub.evalsets.files.mapping import NO_EXPECTED, ExampleMapping
from tests.evalsets.files.staged import reason_of, stage_bytes, stage_rows

INPUT = ExampleMapping(input="input", tools="tools", expected_kind=NO_EXPECTED)
WITH_ALL = ExampleMapping(id="id", input="input", tags="tags", cluster="customer", expected_kind=NO_EXPECTED)


@pytest.mark.parametrize(
    ("tags", "literal"),
    [
        ("a, b;a ;; c", '{"a","b","c"}'),
        (["a,b", " c ", "", 7], '{"a,b","c","7"}'),
        ('["a,b", "c"]', '{"a,b","c"}'),
        (None, "{}"),
        (7, '{"7"}'),
    ],
)
def test_tags_are_a_list_or_split_text(tmp_path: Path, tags: Any, literal: str):
    _, [staged] = stage_rows(tmp_path, [{"id": "1", "input": "x", "tags": tags}], WITH_ALL)

    assert staged["tags"] == literal


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"id": ""}, "“id” is empty. Give the row an id, or map no column to the id."),
        ({}, "“id” is missing. Give the row an id, or map no column to the id."),
        ({"id": [1]}, "“id” is a list or an object, not a short text."),
        ({"id": "x" * 201}, "“id” is 201 characters long; at most 200 are kept. Shorten it."),
        ({"id": "1", "tags": [["a"]]}, "“tags” is a list or an object, not a short text."),
        ({"id": "1", "tags": list(range(101))}, "“tags” has 101 tags; at most 100 are kept. Leave some out."),
        ({"id": "1", "customer": "c" * 300}, "“customer” is 300 characters long; at most 200 are kept. Shorten it."),
    ],
)
def test_ids_tags_and_clusters_are_short_texts(tmp_path: Path, row: dict[str, Any], reason: str):
    assert reason_of(tmp_path, {"input": "x", **row}, WITH_ALL) == reason


def test_ids_and_clusters_may_be_numbers(tmp_path: Path):
    _, [staged] = stage_rows(tmp_path, [{"id": 7, "input": "x", "customer": 12}], WITH_ALL)

    assert (staged["key"], staged["cluster"]) == ("7", "12")


def test_rows_without_an_id_are_called_by_their_number(tmp_path: Path):
    report, staged = stage_rows(tmp_path, [{"input": "x"}, {"input": ""}, {"input": "x"}], INPUT)

    assert [(row["position"], row["key"]) for row in staged] == [("1", "row-000001"), ("2", "row-000003")]
    assert report.rows_bad == 1


def test_an_id_of_a_refused_row_may_be_used_again(tmp_path: Path):
    report, staged = stage_rows(tmp_path, [{"id": "a", "input": ""}, {"id": "a", "input": "x"}], WITH_ALL)

    assert [error["line"] for error in report.errors] == [1]
    assert [row["key"] for row in staged] == ["a"]


METADATA_ROW = {
    "input": "x",
    "meta": {"source": "web", "n": 1.0},
    "lang": "en",
    "nothing": None,
    "usage": {"prompt.tokens": 7},
}


@pytest.mark.parametrize(
    ("mapping", "metadata"),
    [
        ({"metadata_object": "meta"}, {"source": "web", "n": 1.0}),
        ({"metadata": ("lang", "nothing")}, {"lang": "en"}),
        (
            {"metadata_object": "meta", "metadata": ("lang", 'usage."prompt.tokens"', "usage")},
            {"source": "web", "n": 1.0, "lang": "en", 'usage."prompt.tokens"': 7, "usage": {"prompt.tokens": 7}},
        ),
        ({"metadata_rest": True}, {"meta": {"source": "web", "n": 1.0}, "lang": "en", "usage": {"prompt.tokens": 7}}),
        (
            {"metadata_rest": True, "metadata_object": "meta", "tools": "usage.x"},
            {"source": "web", "n": 1.0, "lang": "en"},
        ),
        ({}, {}),
    ],
)
def test_metadata_are_an_object_chosen_columns_or_the_rest(tmp_path: Path, mapping: Any, metadata: Any):
    _, [staged] = stage_rows(tmp_path, [METADATA_ROW], replace(INPUT, **({"tools": ""} | mapping)))

    assert staged["metadata"] == metadata


def test_metadata_of_csv_leave_out_empty_cells(tmp_path: Path):
    mapping = replace(INPUT, tools="", metadata_object="meta", metadata_rest=True)
    _, staged = stage_bytes(tmp_path, 'input,meta,a b\nx,"{""k"": 1}",\ny,,2\n', mapping, "rows.csv")

    assert [row["metadata"] for row in staged] == [{"k": 1}, {"a b": "2"}]


@pytest.mark.parametrize(
    ("value", "stored"),
    [(-0.0, 0.0), (1e16, 10**16), (1.5, 1.5), (1e-300, 1e-300), ([{"a": [1e17]}], [{"a": [10**17]}])],
)
def test_numbers_of_metadata_are_spelled_as_jsonb_gives_them_back(tmp_path: Path, value: Any, stored: Any):
    mapping = replace(INPUT, tools="", metadata=("m",))
    _, [staged] = stage_rows(tmp_path, [{"input": "x", "m": value}], mapping)

    assert repr(staged["metadata"]["m"]) == repr(stored)


@pytest.mark.parametrize(
    ("meta", "reason"),
    [
        ([1], "“meta” is no object. Write {…}, or choose it as one of the metadata columns."),
        ({"m": 1e300}, "“m” holds the number 1e+300, too large for metadata. Write it as text."),
    ],
)
def test_metadata_that_cannot_be_kept_are_refused(tmp_path: Path, meta: Any, reason: str):
    mapping = replace(INPUT, tools="", metadata_object="meta")

    assert reason_of(tmp_path, {"input": "x", "meta": meta}, mapping) == reason


def test_fields_inside_objects_may_be_mapped(tmp_path: Path):
    mapping = ExampleMapping(
        id="item.id", input='item."user.text"', expected="truth.answer", expected_kind="text", metadata=("item.lang",)
    )
    row = {"item": {"id": 7, "user.text": "Hi", "lang": "en"}, "truth": {"answer": "x"}}

    report, staged = stage_rows(tmp_path, [row, {"item": 1, "truth": {}}], mapping)

    assert (staged[0]["key"], staged[0]["request"], staged[0]["expected"]) == (
        "7",
        {"messages": [{"role": "user", "content": "Hi"}]},
        "x",
    )
    assert staged[0]["metadata"] == {"item.lang": "en"}
    assert report.errors[0]["reason"] == "“item.id” is missing. Give the row an id, or map no column to the id."
