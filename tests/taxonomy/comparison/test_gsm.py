"""Real outputs of two models: better on the number, and far worse on the form. The comparison must say so first."""

import json

import pytest

from evalhub.checks.scoring import score_run
from taxonomy.comparison.data import comparison_of
from taxonomy.settling import record_check_verdicts
from taxonomy.versions import tree_of
from tests.making import make_check, make_run, make_version
from tests.taxonomy.comparison.making import make_meaning, make_type

NUMBER = {"source": "pattern", "pattern": r'"answer":\s*"?([^"}\n]*)'}
MODELS = ("gpt-4o-mini-2024-07-18", "claude-3-5-sonnet-20240620")


@pytest.fixture
def gsm_runs(project, shared_data):
    lines = [json.loads(line) for line in (shared_data / "gsm_sample300_8models.jsonl").open()]
    rows = [
        {
            "key": line["id"],
            "request": {"messages": line["input"]},
            "expected_kind": "number",
            "expected": line["expected"],
        }
        for line in lines
    ]
    version = make_version(project, rows, name="GSM8K")
    number = make_check(version, "Number", "number", **NUMBER)
    is_json = make_check(version, "JSON", "valid_json", fence="allowed")
    make_meaning(number, make_type(project, "Wrong result"))
    make_meaning(is_json, make_type(project, "Broken JSON"))
    runs = [make_run(version, model, [line["outputs"][model] for line in lines]) for model in MODELS]
    for run in runs:
        score_run(run)
        record_check_verdicts(list(run.outputs.values_list("pk", flat=True)))
    return runs


def test_a_candidate_that_is_better_on_the_number_and_breaks_the_form_is_named_first(project, gsm_runs):
    comparison = comparison_of(*gsm_runs, tree_of(project))

    first, *_ = comparison.headlines
    assert (first.kind, first.is_hidden) == ("regression", True)
    assert first.text == (
        "Better by the check “Number” (97.7 % right against 94.7 %, 293 against 284 of 300), but “Broken JSON” (found"
        " by checks) rose from 0.0 % to 70.3 %: 211 outputs more, p < 0.0001 after correction."
    )
    (link,) = [part for part in first.parts if part.query]
    assert (link.text, link.count) == ("211 outputs more", 211)
