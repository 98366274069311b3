"""Labels as they leave: every reviewer's kept apart, also in the shapes of other tools."""

from __future__ import annotations

import json

import orjson
import pytest

from evalhub.exports import writing
from evalhub.exports.making import ask_for_export
from evalhub.exports.models import Export
from evalhub.exports.sources import ExportError
from reviews.labelling import decide, record_label
from reviews.models import Label, ReviewItem
from taxonomy.models import ErrorType
from tests.exports.asking import asked, cells, content, done, rows
from tests.making import admin_of, assessed, make_check, make_round, make_run, make_version, numbered

pytestmark = pytest.mark.django_db


@pytest.fixture
def kinds(project):
    return list(ErrorType.objects.in_project(project).active().order_by("position", "pk")[:2])


@pytest.fixture
def review_round(project, lead, reviewer, kinds):
    """Two items: one that Ada and Rob labelled and Lea decided, one that Rob labelled."""
    examples = [
        numbered(1),
        numbered(2) | {"tags": ["b"], "request": {"messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Say 2."}]},
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "say", "arguments": '{"n": 2}'}}]},
        ]}},
    ]  # fmt: skip
    run = make_run(make_version(project, examples), answers=["eins", "zwei\n\u2028\x07</script>"])
    made = make_round(run, labels_wanted=2)
    first, second = made.items.order_by("order")
    ReviewItem.objects.filter(pk=second.pk).update(is_known=True)
    record_label(
        first,
        admin_of(project),
        assessed("fail", kinds[::-1], "wrong\n“language”", severity="critical", fault="expected", failing_step=2),
    )
    record_label(first, reviewer, assessed("pass"))
    decide(first, lead, assessed("fail", kinds[:1], "German is not asked for"))
    record_label(second, reviewer, assessed("fail", kinds[:1]), imported=True)
    Label.objects.filter(item=first).update(seconds=12.5)
    return made


def test_a_row_holds_what_a_label_says_and_how_its_item_was_settled(project, review_round, kinds):
    ada, rob, known = rows(project, "labels", round=review_round.pk)

    names = ("reviewer", "outcome", "error_types", "severity", "fault", "failing_step", "note", "seconds")
    codes = [kind.code for kind in kinds]
    assert [ada.get(name) for name in names] == (
        ["Ada", "fail", codes, "critical", "expected", 2, "wrong\n“language”", 12.5]
    )
    assert [rob.get(name) for name in names] == ["Rob", "pass", None, None, None, None, None, 12.5]
    names = ("item_status", "decision", "decision_error_types", "decision_note", "decided_by", "is_known")
    decided = ["settled", "fail", codes[:1], "German is not asked for", "Lea", False]
    assert [[row.get(name) for name in names] for row in (ada, rob)] == [decided, decided]
    assert [known.get(name) for name in names] == ["in_review", None, None, None, None, True]
    assert [row["is_imported"] for row in (ada, rob, known)] == [False, False, True]


def test_the_filters_of_the_rounds_page_choose_the_items_whose_labels_leave(project, review_round, kinds, reviewer):
    def reviewers(**filters):
        return [row["reviewer"] for row in rows(project, "labels", round=review_round.pk, **filters)]

    assert reviewers(status="settled") == ["Ada", "Rob"]
    assert reviewers(known="yes") == ["Rob"]
    assert reviewers(tag="b", reason="failed_check") == ["Rob"]
    # An item of which one label fits leaves with all of its labels.
    assert reviewers(error_type=kinds[1].pk) == ["Ada", "Rob"]
    export = asked(project, "labels", round=review_round.pk, person=reviewer.pk, outcome="settled_fail")
    assert export.description == "Round “Disagreements”, person: Rob, outcome: settled fail"


def test_label_studio_gets_a_task_an_item_and_an_annotation_a_reviewer(project, review_round, kinds):
    first, second = orjson.loads(content(project, "labels", "label_studio", round=review_round.pk))

    assert first["data"]["request"] == "User:\nSay the number 1."
    assert (first["data"]["expected"], first["data"]["answer"]) == ("1", "eins")
    assert second["data"]["answer"] == "zwei\n\u2028\x07</script>"
    assert second["data"]["request"].endswith('calls say {\n  "n": 2\n}')
    ada, rob = ({region["from_name"]: region for region in each["result"]} for each in first["annotations"])
    values = {name: region["value"] for name, region in ada.items()}
    assert values == {
        "outcome": {"choices": ["fail"]},
        "error_types": {"choices": [kind.code for kind in kinds]},
        "severity": {"choices": ["critical"]},
        "fault": {"choices": ["expected"]},
        "failing_step": {"number": 2},
        "note": {"text": ["wrong\n“language”"]},
        "reviewer": {"text": ["Ada"]},
    }
    assert {name: region["value"] for name, region in rob.items()} == {
        "outcome": {"choices": ["pass"]},
        "reviewer": {"text": ["Rob"]},
    }
    assert {name: region["type"] for name, region in ada.items()} == {
        **dict.fromkeys(("outcome", "error_types", "severity", "fault"), "choices"),
        "failing_step": "number",
        **dict.fromkeys(("note", "reviewer"), "textarea"),
    }


def test_label_studio_can_import_the_tasks(project, review_round):
    """What its import asks for, by its documentation and source: see reviews/exporting_label_studio.py."""
    tasks = json.loads(content(project, "labels", "label_studio", round=review_round.pk))

    assert {frozenset(task) for task in tasks} == {frozenset({"data", "annotations"})}
    shown = {"request", "expected", "answer"}
    assert all(isinstance(task["data"][name], str) for task in tasks for name in shown)
    annotations = [annotation for task in tasks for annotation in task["annotations"]]
    assert all("completed_by" not in annotation for annotation in annotations)  # else it would have to know them
    assert {(each["was_cancelled"], each["ground_truth"]) for each in annotations} == {(False, False)}
    regions = [region for annotation in annotations for region in annotation["result"]]
    assert {region["to_name"] for region in regions} == {"answer"}
    assert len({region["id"] for region in regions}) == len(regions)
    assert len({annotation["id"] for annotation in annotations}) == 3


def test_openinference_gets_an_annotation_a_label(project, review_round, reviewer):
    lines = content(project, "labels", "openinference", round=review_round.pk).splitlines()

    ada, rob, _ = map(orjson.loads, lines)
    output = review_round.items.order_by("order").first().output
    assert (ada["name"], ada["annotator_kind"], ada["span_id"]) == ("outcome", "HUMAN", f"{output.pk:016x}")
    assert ada["result"] == {"label": "fail", "score": 0.0, "explanation": "wrong\n“language”"}
    assert rob["result"] == {"label": "pass", "score": 1.0}
    assert rob["metadata"] == {
        "reviewer": "Rob",
        "reviewer_id": reviewer.pk,
        "seconds": 12.5,
        "is_imported": False,
        "is_known": False,
        "item_id": review_round.items.order_by("order").first().pk,
        "item_status": "settled",
        "decision": "fail",
        "round": review_round.pk,
        "output_id": output.pk,
        "example_id": "example-1",
        "run": output.run_id,
        "candidate": "small-model",
    }
    assert len({orjson.loads(line)["identifier"] for line in lines}) == 3


@pytest.mark.parametrize(("format", "empty"), [("label_studio", []), ("openinference", None)])
def test_a_round_without_labels_is_a_file_that_can_be_read(project, format, empty):
    made = make_round(make_run(make_version(project, 1)))

    text = content(project, "labels", format, round=made.pk)

    assert (orjson.loads(text) if text else None) == empty


def test_records_are_written_some_at_a_time_and_asked_for_in_as_many_queries(
    project, reviewer, lead, monkeypatch, django_assert_num_queries
):
    def queries_for(count):
        made = make_round(make_run(make_version(project, count)), labels_wanted=2)
        for item in made.items.all():
            record_label(item, reviewer, assessed("pass"))
            record_label(item, lead, assessed("fail", note="no"))
        export = done(project, "labels", "label_studio", round=made.pk)
        tasks = orjson.loads(export.path.read_bytes())
        assert [len(task["annotations"]) for task in tasks] == [2] * count
        assert export.rows_done == count
        with django_assert_num_queries(5):  # savepoint, cursor and its rows, error types, release
            writing.write_file(export.path, source(made), "label_studio", writing.Progress())

    def source(made):
        from reviews.exporting.labels import LabelsExport

        return LabelsExport(project, {"round": str(made.pk)})

    monkeypatch.setattr(writing, "BATCH_ROWS", 2)
    queries_for(1)
    queries_for(7)


def test_names_and_types_of_the_files(project, review_round, client_of, admin):
    names = [
        asked(project, "labels", format, round=review_round.pk).name for format in ("label_studio", "openinference")
    ]
    first, last = Export.objects.order_by("pk")

    assert names == [
        f"labels-round-{review_round.pk}-export-{first.pk}.json",
        f"labels-round-{review_round.pk}-export-{last.pk}.jsonl",
    ]
    pages = [client_of(admin).get(f"/p/{project.slug}/exports/{export.pk}/download/") for export in (first, last)]
    assert [page["Content-Type"] for page in pages] == ["application/json", "application/x-ndjson"]


def test_only_labels_are_offered_and_exported_in_the_shapes_of_other_tools(project, review_round, client_of, lead):
    make_check(review_round.runs.get().version)
    visitor = client_of(lead)
    of_round = visitor.get(f"/p/{project.slug}/review/rounds/{review_round.pk}/").content.decode()
    of_run = visitor.get(f"/p/{project.slug}/runs/{review_round.runs.get().pk}/outputs/")

    assert '<option value="label_studio">Label Studio JSON</option>' in of_round
    assert '<option value="openinference">OpenInference annotations</option>' in of_round
    assert "label_studio" not in of_run.content.decode()
    with pytest.raises(ExportError, match=r"no such format for outputs\. Use jsonl, csv, parquet"):
        ask_for_export(project, lead, "outputs", "label_studio", {"run": str(review_round.runs.get().pk)})


def test_csv_has_the_same_columns(project, review_round):
    ada, _, known = cells(project, "labels", round=review_round.pk)

    assert (ada["severity"], ada["decided_by"], ada["is_known"], known["is_imported"]) == (
        *("critical", "Lea", "false"),
        "true",
    )
