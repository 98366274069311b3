"""Real prompts and real outputs of eight models, on both ways in: uploaded as recorded, and called through a replay."""

from __future__ import annotations

import json
import time
from threading import Event

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from evalhub.checks.models import Score
from evalhub.checks.scoring import score_run
from evalhub.evalsets.checking import check_rows, start_check
from evalhub.evalsets.files.columns import spell_column
from evalhub.evalsets.files.mapping import mapping_from_json
from evalhub.evalsets.models import EvalSet, Upload
from evalhub.evalsets.receiving import receive
from evalhub.evalsets.storing import confirm, store_rows
from evalhub.runs.models import Run
from evalhub.runs.starting import start_runs
from taxonomy.breakdown.causes import cause_rows
from tests.making import admin_of, make_check
from tests.runs.making import make_caller
from tests.serving.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

# The last number after “"answer":”, up to a quote, a brace or the end of the line.
NUMBER = {"source": "pattern", "pattern": r'"answer":\s*"?([^"}\n]*)'}
# Counted by hand over the file, see its README: number right, valid JSON once a fence is removed.
FIGURES = {
    "claude-3-5-sonnet-20240620": (293, 89),
    "gpt-4o-mini-2024-07-18": (284, 300),
    "claude-3-haiku-20240307": (269, 21),
}


def take_in(project, purpose: str, path, target: dict, **mapping) -> Upload:
    """A file on its whole way, with some columns mapped otherwise than guessed."""
    file = SimpleUploadedFile(path.name, path.read_bytes())
    upload = receive(project, purpose, file, target, admin_of(project))
    assert start_check(upload, mapping_from_json({**upload.mapping, **mapping}))
    check_rows(upload.pk)
    upload.refresh_from_db()
    assert (upload.state, upload.rows_good, upload.errors) == ("checked", 300, []), upload.refusal
    confirm(upload, leave_out_bad=False, options={})
    store_rows(upload.pk)
    return upload


def scores_of(run: Run) -> dict[tuple[str, str], tuple[str, str]]:
    rows = Score.objects.filter(run=run).values_list("by__name", "output__example__key", "outcome", "cause")
    return {(name, key): (outcome, cause) for name, key, outcome, cause in rows}


def passed(run: Run, check) -> int:
    return Score.objects.filter(run=run, by=check, outcome="passed").count()


def test_uploaded_and_called_outputs_have_the_same_scores(project, shared_data, celery_worker, model_endpoint):
    path = shared_data / "gsm_sample300_8models.jsonl"
    lines = [json.loads(line) for line in path.open()]
    models = sorted(lines[0]["outputs"])
    eval_set = EvalSet.objects.create(project=project, name="GSM8K")
    take_in(
        project,
        "examples",
        path,
        {"eval_set": eval_set.pk, "publish": True},
        id="id",
        input="input",
        expected="expected",
        expected_kind="number",
    )
    version = eval_set.versions.get()
    number, is_json = (
        make_check(version, "Number", "number", **NUMBER),
        make_check(version, "JSON", "valid_json", fence="allowed"),
    )

    uploaded = {}
    for model in models:
        target = {"version": version.pk, "candidate_name": f"{model} (recorded)"}
        upload = take_in(project, "outputs", path, target, id="id", text=spell_column("outputs", model))
        uploaded[model] = Run.objects.get(upload=upload)
    model_endpoint.replay({"prompt": line["input"][-1]["content"], "outputs": line["outputs"]} for line in lines)
    callers = [make_caller(project, model_endpoint.url, model, name=model) for model in models]
    called = {
        run.candidate.name: run for run in start_runs(version, callers, 1, admin_of(project), accepts_unknown_cost=True)
    }
    deadline = time.monotonic() + 180
    while Run.objects.filter(pk__in=[run.pk for run in called.values()]).exclude(state="finished").exists():
        assert time.monotonic() < deadline, "the runs did not end"
        Event().wait(0.1)
    for run in [*uploaded.values(), *called.values()]:
        score_run(run)
        wait_until(lambda run=run: len(scores_of(run)) == 600)  # the worker may be at it just now

    assert model_endpoint.counts()["total"] == 2400
    for model in models:
        assert scores_of(uploaded[model]) == scores_of(called[model])
        assert len(scores_of(called[model])) == 600
    assert {model: (passed(called[model], number), passed(called[model], is_json)) for model in FIGURES} == FIGURES
    # And the breakdown says the same of the failures.
    rows = cause_rows([uploaded["claude-3-5-sonnet-20240620"], uploaded["gpt-4o-mini-2024-07-18"]])
    wrong = {row.check_name: [0, 0] for row in rows}
    for row in rows:
        wrong[row.check_name] = [
            total + cell.count for total, cell in zip(wrong[row.check_name], row.cells, strict=True)
        ]
    assert wrong == {"Number": [7, 16], "JSON": [211, 0]}
