"""Outputs that were recorded elsewhere become a run: no call, no row lost or doubled, errors by line."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from evalhub.candidates.models import Candidate
from evalhub.evalsets.checking import check_rows
from evalhub.evalsets.models import Upload
from evalhub.evalsets.storing import cancel, clear_away, store_rows
from evalhub.projects.models import Event
from evalhub.runs.importing import OutputsImport
from evalhub.runs.models import Output, Run
from tests.evalsets.uploading import act, guessed, jsonl
from tests.making import make_candidate, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client_of, lead):
    return client_of(lead)


@pytest.fixture
def version(project):
    return make_version(project, 3)


def choose(page, version, content: bytes, **choice: object):
    slug = version.eval_set.project.slug
    data = {"version": version.pk, "file": SimpleUploadedFile("outputs.jsonl", content)} | choice
    return page.post(reverse("runs:upload", args=[slug]), data)


def checked(page, version, content: bytes, **choice: object) -> Upload:
    answer = choose(page, version, content, **(choice or {"candidate_name": "recorded"}))
    assert answer.status_code == 302, answer.content.decode()
    upload = Upload.objects.latest("pk")
    act(page, upload, "map", **guessed(upload))
    check_rows(upload.pk)
    upload.refresh_from_db()
    return upload


def imported(page, version, content: bytes, **choice: object) -> Run:
    upload = checked(page, version, content, **choice)
    assert (upload.state, upload.errors) == ("checked", [])
    act(page, upload, "confirm")
    store_rows(upload.pk)
    return Run.objects.get(upload=upload)


def test_a_file_of_outputs_becomes_a_finished_run_with_all_it_tells(page, project, lead, version):
    rows = [
        {
            "id": "example-1", "output": "one\ttab", "tool_calls": [{"name": "f", "arguments": {"x": 1}}],
            "finish_reason": "stop", "prompt_tokens": 10, "completion_tokens": 3, "cost": "0.000000125",
            "first_token_ms": 12.5, "total_ms": 99,
        },
        {"id": "example-2", "output": "two"},
        {"id": "example-3", "output": "", "error": "Timed out."},
    ]  # fmt: skip

    run = imported(page, version, jsonl(rows))

    assert (run.state, run.source, run.repeats, run.planned_outputs) == ("finished", "uploaded", 1, 3)
    assert (run.candidate.name, run.candidate.endpoint, run.started_by) == ("recorded", None, lead)
    first, second, third = run.outputs.order_by("example__position")
    assert (first.text, first.tool_calls) == ("one\ttab", [{"id": "", "name": "f", "arguments": '{"x":1}'}])
    assert (first.finish_reason, first.prompt_tokens, first.completion_tokens) == ("stop", 10, 3)
    assert (first.cost, first.first_token_ms, first.total_ms) == (Decimal("0.000000125"), 12.5, 99)
    assert (second.text, second.cost, second.error_cause) == ("two", None, "")
    assert (third.error_cause, third.error) == ("recorded", "Timed out.")
    assert run.figures["stored"] == 3 and run.figures["failed"] == 1
    assert Event.objects.filter(action="uploaded recorded outputs of").count() == 1
    assert OutputsImport(run.upload).page() == reverse("runs:show", args=[project.slug, run.pk])
    assert page.get(reverse("runs:show", args=[project.slug, run.pk])).status_code == 200


def test_repeats_are_kept_and_what_is_missing_is_counted(page, version):
    rows = [{"id": f"example-{n}", "output": "x", "repeat": repeat} for n in (1, 2, 3) for repeat in (1, 2)]

    run = imported(page, version, jsonl(rows[:-1]))

    assert (run.repeats, run.planned_outputs, run.outputs.count()) == (2, 6, 5)
    text = page.get(reverse("runs:show", args=[run.project.slug, run.pk])).content.decode()
    assert "1 of 6 outputs are not in the file" in text


def test_unknown_ids_duplicates_and_wild_repeats_are_listed_by_line_and_left_out(page, version):
    content = jsonl(
        [
            {"id": "example-1", "output": "one"},
            {"id": "nobody", "output": "x"},
            {"id": "example-1", "output": "again"},
            {"id": "example-2", "output": "two"},
            {"id": "example-3", "output": "x", "repeat": 101},
        ]
    )

    upload = checked(page, version, content)

    assert (upload.rows_good, upload.rows_bad) == (2, 3)
    assert [(error["line"], error["column"], error["reason"]) for error in upload.errors] == [
        (
            2, "id",
            "“id” is “nobody”, which is no example of Inbox v1. Correct the id, or choose the version that has it.",
        ),
        (
            3, "id",
            "“id” is “example-1” with repeat 1, as in line 1 already. Remove one of them, or map the column that holds "
            "the repeat.",
        ),
        (5, "id", "“id” is “example-3” with repeat 101; at most 100 are kept."),
    ]  # fmt: skip
    act(page, upload, "confirm", leave_out_bad="on")
    store_rows(upload.pk)
    run = Run.objects.get(upload=upload)
    assert list(run.outputs.order_by("example__position").values_list("example__key", "text")) == [
        ("example-1", "one"), ("example-2", "two"),
    ]  # fmt: skip


def test_an_import_that_breaks_off_and_goes_on_neither_loses_nor_doubles(page, project, monkeypatch):
    version = make_version(project, 25)
    upload = checked(page, version, jsonl({"id": f"example-{n}", "output": str(n)} for n in range(1, 26)))
    act(page, upload, "confirm")
    monkeypatch.setattr("evalhub.evalsets.storing.BATCH_LINES", 10)
    from evalhub.evalsets.storing import _store_batch

    assert _store_batch(upload.pk)
    run = Run.objects.get(upload=upload)
    assert (run.state, run.outputs.count()) == ("running", 10)
    store_rows(upload.pk)  # as another worker would, later
    store_rows(upload.pk)

    run.refresh_from_db()
    assert (run.state, run.outputs.count()) == ("finished", 25)
    assert Run.objects.count() == 1


def test_a_cancelled_import_leaves_nothing(page, project, lead, version, monkeypatch):
    upload = checked(page, version, jsonl({"id": f"example-{n}", "output": str(n)} for n in range(1, 4)))
    act(page, upload, "confirm")
    monkeypatch.setattr("evalhub.evalsets.storing.BATCH_LINES", 1)
    from evalhub.evalsets.storing import _store_batch

    assert _store_batch(upload.pk)
    cancel(upload, lead)
    clear_away(upload.pk)

    assert (Run.objects.count(), Output.objects.count()) == (0, 0)


def test_outputs_of_a_candidate_that_is_there_are_added_as_its_run(page, project, version):
    candidate = make_candidate(project, "known")

    run = imported(page, version, jsonl([{"id": "example-1", "output": "one"}]), candidate=candidate.pk)

    assert run.candidate == candidate
    assert Candidate.objects.count() == 1


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({}, "Choose whose outputs these are, or name a new candidate."),
        ({"candidate_name": "known"}, "There is a candidate named “known” already. Choose it in the list above."),
        ({"candidate_name": "x", "file": ""}, "Choose a file first."),
    ],
)
def test_half_a_choice_is_answered_with_the_form(choice, sentence, page, project, version):
    make_candidate(project, "known")

    answer = choose(page, version, jsonl([{"id": "example-1", "output": "one"}]), **choice)

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Upload.objects.exists()


def test_real_outputs_of_eight_models_come_in_letter_by_letter(page, project, shared_data):
    import json

    lines = [json.loads(line) for line in (shared_data / "gsm_sample300_8models.jsonl").open()]
    version = make_version(
        project, [{"key": line["id"], "request": {"messages": line["input"]}} for line in lines], name="GSM"
    )

    for model in sorted(lines[0]["outputs"]):
        content = jsonl({"id": line["id"], "output": line["outputs"][model]} for line in lines)
        run = imported(page, version, content, candidate_name=model)
        stored = dict(run.outputs.values_list("example__key", "text"))
        assert stored == {line["id"]: line["outputs"][model] for line in lines}
    assert Run.objects.filter(state="finished").count() == 8
