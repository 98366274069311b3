"""Uploads from the chosen file to stored rows, for every format and both purposes of this app."""

import csv
import gzip
import io
import json

import pytest
from django.db import connection, transaction

from evalhub.evalsets.checking import check_rows
from evalhub.evalsets.models import EvalSet, EvalSetVersion, Example, ProductionSample, Upload
from evalhub.evalsets.storing import _store_batch, cancel, clear_away, store_rows
from tests.evalsets.uploading import (
    act,
    checked,
    example_row,
    imported,
    jsonl,
    make_eval_set,
    received,
    sample_row,
)

State = Upload.State


@pytest.fixture
def client(client_of, admin):
    return client_of(admin)


def as_csv(rows):
    file = io.StringIO()
    writer = csv.DictWriter(file, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def as_parquet(rows):
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file.getvalue()


FORMATS = {
    "rows.csv": as_csv,
    "rows.csv.gz": lambda rows: gzip.compress(as_csv(rows)),
    "rows.json": lambda rows: json.dumps(rows).encode(),
    "rows.jsonl": jsonl,
    "rows.jsonl.gz": lambda rows: gzip.compress(jsonl(rows)),
    "rows.parquet": as_parquet,
}


@pytest.mark.parametrize("name", FORMATS)
def test_examples_of_every_format_become_a_published_version(name, client, project):
    eval_set = make_eval_set(project)
    content = FORMATS[name]([example_row(number) for number in (1, 2, 3)])

    imported(client, project, content, name, eval_set, publish="on")

    version = EvalSetVersion.objects.get()
    assert (version.eval_set, version.number, version.state, version.example_count) == (eval_set, 1, "published", 3)
    assert [(e.position, e.key, e.request, e.expected_kind, e.expected) for e in version.examples.all()] == [
        (n, f"e{n}", {"messages": [{"role": "user", "content": f"What is {n} + {n}?"}]}, "number", 2 * n)
        for n in (1, 2, 3)
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_samples_of_every_format_join_the_pool(name, client, project):
    rows = [sample_row(n, model="m-1", time="2026-05-01T10:00:00Z", latency_ms=12.5, region="eu") for n in (1, 2)]

    upload = imported(client, project, FORMATS[name](rows), name)

    assert list(
        ProductionSample.objects.order_by("pk").values_list(
            "project", "key", "answer", "model", "latency_ms", "metadata"
        )
    ) == [(project.pk, f"s{n}", f"Answer {n}", "m-1", 12.5, {"region": "eu"}) for n in (1, 2)]
    assert upload.facts == {
        "samples": 2,
        "since": "2026-05-01T10:00:00+00:00",
        "until": "2026-05-01T10:00:00+00:00",
        "models": [["m-1", 2]],
        "tags": [],
        "fields": [["region", 2]],
    }


def test_nothing_is_stored_before_the_person_confirms(client, project):
    eval_set = make_eval_set(project)

    upload = checked(client, project, jsonl([example_row(1), {"id": "e2"}]), eval_set=eval_set)

    assert (upload.state, upload.rows_good, upload.rows_bad) == (State.CHECKED, 1, 1)
    assert [(error["line"], error["column"]) for error in upload.errors] == [(2, "input")]
    assert not EvalSetVersion.objects.exists()
    assert not Example.objects.exists()


def test_bad_rows_are_left_out_only_when_the_person_says_so(client, project):
    eval_set = make_eval_set(project)
    upload = checked(client, project, jsonl([example_row(1), {"id": "e2"}, example_row(3)]), eval_set=eval_set)

    refused = act(client, upload, "confirm", publish="on")
    assert refused.status_code == 422
    assert "say that they are to be left out" in refused.content.decode()
    assert Upload.objects.get().state == State.CHECKED

    act(client, upload, "confirm", publish="on", leave_out_bad="on")
    store_rows(upload.pk)
    assert list(Example.objects.values_list("key", "position")) == [("e1", 1), ("e3", 2)]


def test_without_the_check_box_the_version_stays_a_draft(client, project):
    imported(client, project, jsonl([example_row(1)]), eval_set=make_eval_set(project))

    version = EvalSetVersion.objects.get()
    assert (version.state, version.content_hash, version.published_by) == ("draft", "", None)


def test_a_changed_mapping_is_what_counts(client, project):
    upload = received(client, project, jsonl([{"a": "Question", "b": "Answer"}]))
    columns = {column: str(place) for place, column in enumerate(upload.preview["columns"])}

    act(client, upload, "map", input=columns["a"], answer=columns["b"], metadata=[columns["b"]])
    check_rows(upload.pk)
    act(client, upload, "confirm")
    store_rows(upload.pk)

    sample = ProductionSample.objects.get()
    assert (sample.request, sample.answer, sample.metadata) == (
        {"messages": [{"role": "user", "content": "Question"}]},
        "Answer",
        {"b": "Answer"},
    )


def test_a_mapping_without_input_is_explained(client, project):
    upload = received(client, project, jsonl([{"a": "Question"}]))

    answer = act(client, upload, "map")

    assert answer.status_code == 422
    assert "“Input” has no column. Choose the one that holds it." in answer.content.decode()
    assert Upload.objects.get().state == State.RECEIVED


def test_after_the_check_the_mapping_can_be_changed(client, project):
    upload = checked(client, project, jsonl([sample_row(1), {"id": "s2"}]))

    act(client, upload, "map_again")

    upload.refresh_from_db()
    assert (upload.state, upload.rows_good, upload.rows_bad, upload.errors) == (State.RECEIVED, 0, 0, [])
    assert not upload.staged_path.exists()
    assert upload.stored_path.exists()


def test_a_sample_whose_id_the_pool_has_is_left_out(client, project):
    imported(client, project, jsonl([sample_row(1), sample_row(2)]))

    again = imported(client, project, jsonl([sample_row(2), sample_row(3)]))

    assert list(ProductionSample.objects.order_by("pk").values_list("key", flat=True)) == ["s1", "s2", "s3"]
    assert again.facts["samples"] == 1


def test_samples_without_ids_are_all_kept(client, project):
    rows = [{"input": "Same question"}, {"input": "Same question"}]

    imported(client, project, jsonl(rows))
    imported(client, project, jsonl(rows))

    assert ProductionSample.objects.count() == 4


def test_ids_with_tabs_and_backslashes_are_known_again(client, project):
    rows = [{"id": "a\\tb", "input": "x"}, {"id": "a\tb", "input": "y"}, {"id": "a\\b\\", "input": "z"}]
    imported(client, project, jsonl(rows))

    imported(client, project, jsonl(rows))

    assert sorted(ProductionSample.objects.values_list("key", flat=True)) == sorted(row["id"] for row in rows)


def confirmed(client, project, count, eval_set=None):
    row = example_row if eval_set else sample_row
    upload = checked(client, project, jsonl(row(number) for number in range(count)), eval_set=eval_set)
    act(client, upload, "confirm", publish="on")
    return upload


def test_an_import_that_was_interrupted_goes_on_where_it_stopped(client, project, monkeypatch):
    monkeypatch.setattr("evalhub.evalsets.storing.BATCH_LINES", 4)
    upload = confirmed(client, project, 10, make_eval_set(project))

    assert _store_batch(upload.pk)  # and the worker is killed
    assert Example.objects.count() == 4
    store_rows(upload.pk)
    store_rows(upload.pk)

    assert list(Example.objects.values_list("key", flat=True)) == [f"e{number}" for number in range(10)]
    assert EvalSetVersion.objects.get().state == "published"


def test_a_batch_that_fails_leaves_nothing_of_itself(client, project, monkeypatch):
    monkeypatch.setattr("evalhub.evalsets.storing.BATCH_LINES", 4)
    upload = confirmed(client, project, 10)
    _store_batch(upload.pk)

    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        _store_batch(upload.pk)
        raise KeyboardInterrupt  # the worker is killed before its commit

    upload.refresh_from_db()
    assert (upload.rows_done, ProductionSample.objects.count()) == (4, 4)
    store_rows(upload.pk)
    assert ProductionSample.objects.count() == 10


@pytest.mark.parametrize("purpose", ["examples", "production_samples"])
def test_an_import_cancelled_on_its_way_leaves_nothing(purpose, client, project, admin, monkeypatch):
    monkeypatch.setattr("evalhub.evalsets.storing.BATCH_LINES", 4)
    upload = confirmed(client, project, 10, make_eval_set(project) if purpose == "examples" else None)
    _store_batch(upload.pk)
    assert Example.objects.count() + ProductionSample.objects.count() == 4

    assert cancel(upload, admin)
    store_rows(upload.pk)  # what the worker does next

    upload.refresh_from_db()
    assert upload.state == State.CANCELLED
    assert upload.finished_at is not None
    assert not upload.folder.exists()
    assert not EvalSetVersion.objects.exists()
    assert not Example.objects.exists()
    assert not ProductionSample.objects.exists()


def test_samples_of_a_half_done_import_are_not_in_the_pool(client, project, monkeypatch):
    monkeypatch.setattr("evalhub.evalsets.storing.BATCH_LINES", 4)
    upload = confirmed(client, project, 10)

    _store_batch(upload.pk)
    assert not ProductionSample.objects.in_pool(project).exists()
    store_rows(upload.pk)
    assert ProductionSample.objects.in_pool(project).count() == 10


def test_an_import_that_is_over_cannot_be_cancelled(client, project, admin):
    upload = imported(client, project, jsonl([sample_row(1)]))

    assert not cancel(upload, admin)
    clear_away(upload.pk)

    assert ProductionSample.objects.count() == 1


def test_an_eval_set_that_went_meanwhile_ends_the_import_with_a_sentence(client, project):
    eval_set = make_eval_set(project)
    upload = confirmed(client, project, 3, eval_set)
    EvalSet.objects.all().delete()

    store_rows(upload.pk)

    upload.refresh_from_db()
    assert upload.state == State.CANCELLED
    assert upload.refusal == "The eval set is not there any more. Make one, and upload the file again."


def test_files_are_gone_once_the_rows_are_stored(client, project, django_capture_on_commit_callbacks):
    upload = confirmed(client, project, 3)

    with django_capture_on_commit_callbacks(execute=True):
        store_rows(upload.pk)

    assert not upload.folder.exists()


def test_throwing_an_upload_away_while_it_is_checked_leaves_nothing(client, project, admin):
    upload = received(client, project, jsonl([sample_row(1)]))
    cancel(upload, admin)

    check_rows(upload.pk)
    clear_away(upload.pk)

    upload.refresh_from_db()
    assert (upload.state, upload.folder.exists()) == (State.CANCELLED, False)


def test_tables_are_written_by_copy_alone(client, project, django_assert_max_num_queries):
    upload = confirmed(client, project, 2000, make_eval_set(project))

    with django_assert_max_num_queries(40):
        store_rows(upload.pk)

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), min(position), max(position) FROM evalsets_example")
        assert cursor.fetchone() == (2000, 1, 2000)
