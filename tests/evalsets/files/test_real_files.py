"""Files of real samples: GSM8K with eight models, the Berkeley function-calling leaderboard, XSTest."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evalhub.evalsets.files.limits import Limits
from evalhub.evalsets.files.mapping import ExampleMapping, OutputMapping
from evalhub.evalsets.files.previewing import preview
from evalhub.evalsets.files.staging import preview_file, stage_file
from tests.evalsets.files.staged import read_staged, stage_rows

GSM, BFCL, XSTEST = (
    "gsm_sample300_8models.jsonl",
    "bfcl_sample360_7models.jsonl",
    "xstest_450items_5models_2annotators.jsonl",
)
CALLS = ExampleMapping(
    id="id", input="input", tools="tools", expected="expected", expected_kind="tool_calls", tags="tags"
)


def test_gsm_is_an_eval_set_as_it_comes(shared_data: Path, tmp_path: Path):
    path = shared_data / GSM

    guess = preview_file(path, GSM, "examples")
    report = stage_file(path, GSM, "examples", guess.parsed_mapping, tmp_path)

    assert guess.parsed_mapping == ExampleMapping(
        id="id",
        input="input",
        expected="expected",
        expected_kind="number",
        tags="tags",
        metadata_object="meta",
        metadata=("dataset",),
    )
    assert (guess.problems, guess.errors, report.errors) == ([], [], [])
    assert (report.rows_good, report.rows_bad, report.notes) == (300, 0, {})
    first = read_staged(tmp_path / "staged", report.columns)[0]
    assert (first["key"], first["expected_kind"], first["expected"]) == ("gsm8k-main-test-#0", "number", 18)
    assert first["metadata"] == {"source": "openai/gsm8k", "config": "main", "dataset": "gsm"}
    assert first["tags"] == '{"gsm","zeroeval"}'


def test_gsm_holds_the_outputs_of_eight_models(shared_data: Path, tmp_path: Path):
    path = shared_data / GSM
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    models = [column for column in preview_file(path, GSM, "outputs").columns if column.startswith("outputs.")]

    assert "outputs.gpt-4o-mini-2024-07-18" in models
    assert 'outputs."gpt-3.5-turbo-0125"' in models
    assert len(models) == 8
    for column, model in zip(models, rows[0]["outputs"], strict=True):
        report = stage_file(path, GSM, "outputs", OutputMapping(id="id", text=column), tmp_path)
        staged = read_staged(tmp_path / "staged", report.columns)
        assert report.errors == []
        assert [(row["key"], row["text"]) for row in staged] == [(row["id"], row["outputs"][model]) for row in rows]


def test_bfcl_calls_with_accepted_values_are_kept(shared_data: Path, tmp_path: Path):
    rows = [json.loads(line) for line in (shared_data / BFCL).read_text().splitlines()]

    report, staged = stage_rows(tmp_path, [as_example(row) for row in rows], CALLS)

    assert report.errors == []
    assert [row["key"] for row in staged] == [row["id"] for row in rows]
    for row, example in zip(rows, staged, strict=True):
        wrapped = [{"type": "function", "function": tool} for tool in row["tools"]]
        assert example["request"] == {"messages": row["input"], "tools": wrapped}
    assert Counter(len(row["expected"]) == 0 for row in staged)[True] == sum(row["expect_no_call"] for row in rows)
    assert staged[0]["expected"] == [
        {
            "name": "calculate_triangle_area",
            "arguments": {"base": [10], "height": [5], "unit": ["units"]},
            "optional": ["unit"],
        }
    ]


def as_example(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its calls as EvalHub has them: the leaderboard's "" says that an argument may be absent."""
    calls = []
    for name, arguments in (row["expected_calls"] or {}).items():
        accepted = {key: [value for value in values if value != ""] for key, values in arguments.items()}
        optional = [key for key, values in arguments.items() if "" in values]
        calls.append(
            {
                "name": name,
                "arguments": {key: values or [""] for key, values in accepted.items()},
                "optional": optional,
            }
        )
    expected = "no call" if row["expect_no_call"] else calls
    return {"id": row["id"], "input": row["input"], "tools": row["tools"], "expected": expected, "tags": row["tags"]}


def test_xstest_is_an_eval_set_as_it_comes(shared_data: Path, tmp_path: Path):
    path = shared_data / XSTEST

    guess = preview(path, XSTEST, "examples", None, Limits())
    report = stage_file(path, XSTEST, "examples", guess.parsed_mapping, tmp_path)

    assert (report.rows_good, report.errors) == (450, [])
    staged = read_staged(tmp_path / "staged", report.columns)
    assert Counter(row["metadata"]["expected_behaviour"] for row in staged) == {"comply": 250, "refuse": 200}


@pytest.mark.parametrize("name", [GSM, BFCL, XSTEST])
def test_the_columns_of_real_files_are_all_offered(shared_data: Path, name: str):
    columns = preview(shared_data / name, name, "examples", None, Limits()).columns

    assert {"id", "input", "tags", "outputs"} <= set(columns)
