"""CSV that a spreadsheet does not calculate, and Parquet with types."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.utils import timezone

from evalhub.exports import writing
from evalhub.runs.models import Output
from tests.exports.asking import cells, content
from tests.exports.test_exactness import HOSTILE, strange
from tests.making import make_check, make_run, make_score, make_version, numbered

pytestmark = pytest.mark.django_db

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    " =1",
    "\u00a0 @x",
    "\ufeff=1",
]


@pytest.fixture
def run(project):
    return make_run(make_version(project, len(FORMULAS)), answers=FORMULAS)


def test_texts_that_look_like_a_formula_stand_behind_an_apostrophe(project, run):
    assert [row["output"] for row in cells(project, "outputs", run=run.pk)] == [f"'{text}" for text in FORMULAS]


def test_other_texts_and_numbers_are_let_be(project):
    texts = ["1+1", "a=b", "", "'=1", " plain", "\u00a0", 'say "hi", you', "two\nlines", "{=1}", "\\", "\\."]
    run = make_run(make_version(project, len(texts)), answers=texts)
    run.outputs.update(cost=Decimal("-0.25"), total_ms=-1.5, prompt_tokens=-3)

    found = cells(project, "outputs", run=run.pk)

    assert [row["output"] for row in found] == texts
    assert {(row["cost"], row["total_ms"], row["prompt_tokens"]) for row in found} == {("-0.25", "-1.5", "-3")}


def test_every_cell_from_outside_is_guarded(project):
    example = strange(1, "=1") | {"key": "=key", "expected_kind": "number", "expected": -5}
    version = make_version(project, [example])
    run = make_run(version, "@model", ["=text"])
    score = make_score(run.outputs.get(), make_check(version, name="+check"), passed=False, cause="-cause")
    score.message = "＝message"
    score.save()

    (row,) = cells(project, "examples", version=version.pk)
    assert (row["id"], row["cluster"], row["expected"]) == ("'=key", "'=1", "'-5")
    assert (row["input"][0], row["tags"], row["metadata"][0]) == ("{", '["=1","second"]', "{")
    (row,) = cells(project, "scores", run=run.pk)
    guarded = ("example_id", "check", "cause", "message", "candidate")
    assert [row[name] for name in guarded] == ["'=key", "'+check", "'-cause", "'＝message", "'@model"]


def test_csv_begins_with_its_names_also_without_rows(project, run):
    assert content(project, "scores", "csv", run=run.pk) == (
        b"example_id,repeat,check,check_kind,outcome,cause,message,output_id,check_id,run,candidate\n"
    )


def table_of(project, kind, **filters):
    from pyarrow import parquet

    return parquet.ParquetFile(io.BytesIO(content(project, kind, "parquet", **filters)))


@pytest.mark.django_db(transaction=True)
def test_parquet_has_types_and_tells_null_from_empty(project):
    run = make_run(make_version(project, len(HOSTILE)), answers=HOSTILE)
    stored = datetime(2026, 3, 4, 5, 6, 7, 891234, tzinfo=UTC)
    run.outputs.update(created_at=stored)
    first = run.outputs.earliest("pk")
    Output.objects.filter(pk=first.pk).update(cost=Decimal("0.5"), total_ms=12.5, prompt_tokens=3, truncated=True)

    table = table_of(project, "outputs", run=run.pk).read()

    types = {field.name: str(field.type) for field in table.schema}
    assert types == {
        **dict.fromkeys(("example_id", "output", "tool_calls", "finish_reason", "error", "error_cause"), "string"),
        **dict.fromkeys(("raw", "candidate"), "string"),
        **dict.fromkeys(("repeat", "prompt_tokens", "completion_tokens", "attempts", "reused_from"), "int64"),
        **dict.fromkeys(("output_id", "run"), "int64"),
        **dict.fromkeys(("cost", "first_token_ms", "total_ms"), "double"),
        "truncated": "bool",
        "stored_at": "timestamp[us, tz=UTC]",
    }
    found = table.to_pylist()
    assert [row["output"] for row in found] == HOSTILE
    assert {row["stored_at"] for row in found} == {stored}
    assert (found[0]["cost"], found[0]["total_ms"], found[0]["prompt_tokens"]) == (0.5, 12.5, 3)
    assert (found[1]["cost"], found[1]["total_ms"], found[1]["prompt_tokens"]) == (None, None, None)
    assert [row["truncated"] for row in found] == [True] + [False] * (len(HOSTILE) - 1)
    assert (found[0]["finish_reason"], found[0]["tool_calls"]) == ("", "[]")


@pytest.mark.django_db(transaction=True)
def test_parquet_is_written_in_row_groups(project, monkeypatch):
    monkeypatch.setattr(writing, "BATCH_ROWS", 10)
    monkeypatch.setattr(writing, "GROUP_ROWS", 40)
    version = make_version(project, [strange(number, HOSTILE[number % len(HOSTILE)]) for number in range(100)])

    file = table_of(project, "examples", version=version.pk)

    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [40, 40, 20]
    table = file.read()
    assert str(table.schema.field("tags").type) == "list<element: string>"
    assert table.column("tags").to_pylist()[1] == [HOSTILE[1], "second"]
    assert table.column("id").to_pylist() == [f"row {number}" for number in range(100)]


@pytest.mark.django_db(transaction=True)
def test_parquet_without_rows_has_its_columns(project):
    run = make_run(make_version(project, 1))

    table = table_of(project, "outputs", run=run.pk, show="failed").read()

    assert (table.num_rows, table.column_names[:3]) == (0, ["example_id", "repeat", "output"])


def test_times_are_in_utc(project, run):
    run.outputs.update(created_at=timezone.make_aware(datetime(2026, 1, 2, 3, 4, 5)))

    assert {row["stored_at"] for row in cells(project, "outputs", run=run.pk)} == {"2026-01-02T03:04:05+00:00"}


@pytest.mark.django_db(transaction=True)
def test_parquet_keeps_every_list_of_texts(project):
    tags = [[text] for text in HOSTILE] + [HOSTILE, []]
    version = make_version(project, [numbered(number) | {"tags": each} for number, each in enumerate(tags)])

    assert table_of(project, "examples", version=version.pk).read().column("tags").to_pylist() == tags
