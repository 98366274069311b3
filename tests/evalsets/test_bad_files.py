"""Every bad file, sent through the web: a sentence that names the place and the cure, and nothing stored."""

import csv
import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.test import Client

from evalhub.evalsets.checking import check_rows
from evalhub.evalsets.files.limits import Limits
from evalhub.evalsets.models import EvalSetVersion, Example, ProductionSample, Upload
from evalhub.evalsets.upload_handler import upload_folder
from tests.evalsets.uploading import act, guessed, make_eval_set, received

HEADER = b"id,input,expected\n"
GOOD = b'{"id": "a", "input": "Hello"}\n'


def csv_of(*rows):
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue().encode()


def parquet_bomb():
    """200,000 times the same megabyte, by reference: 700 bytes that decode to 200 GB."""
    megabyte = pa.DictionaryArray.from_arrays(pa.array([0] * 200_000, pa.int32()), pa.array(["x" * 1_000_000]))
    file = io.BytesIO()
    pq.write_table(pa.table({"input": megabyte}), file, compression="zstd", store_schema=False, write_statistics=False)
    return file.getvalue()


# The whole file is refused: name, content, what the person reads.
REFUSED = {
    "empty": ("a.jsonl", b"", "The file is empty. Choose a file with at least one row."),
    "header only": ("a.csv", HEADER, "The file has a header but no rows."),
    "wrong delimiter": ("a.csv", b"id^input\n1^Hello, you\n", "the columns seem to be separated by “^”"),
    "UTF-16": ("a.csv", "id,input\n1,Hello\n".encode("utf-16"), "the file is UTF-16 text; EvalHub reads UTF-8."),
    "Latin-1": ("a.csv", "id,input\n1,café\n".encode("latin-1"), "Line 2: byte 6 (hexadecimal E9) is not UTF-8 text."),
    "HTML named .csv": ("a.csv", b"<!doctype html><html><body>Sign in</body></html>", "The file is an HTML page"),
    "truncated gzip": ("a.jsonl.gz", gzip.compress(GOOD * 9)[:-12], "The gzip file ends before its content does"),
    "gzip bomb": ("a.jsonl.gz", gzip.compress(GOOD + b" " * (100 << 20)), "as files made to fill a disk do"),
    "Parquet bomb": ("a.parquet", parquet_bomb(), "the file unpacks to more than 64 MB"),
}
# The row is listed with its line: content, line, column, what the person reads.
LISTED = {
    "ragged rows": ("a.csv", csv_of(["id", "input"], [1, "x"], [2, "y", "z"]), 3, "", "3 fields"),
    "NUL": ("a.jsonl", GOOD + b'{"id": "b", "input": "x\\u0000y"}\n', 2, "input", "NUL character"),
    "lone surrogate": ("a.jsonl", GOOD + b'{"id": "b", "input": "x\\ud800"}\n', 2, "input", "half a character"),
    "NaN": (
        "a.jsonl",
        GOOD + b'{"id": "b", "input": "x", "n": NaN}\n',
        2,
        "n",
        "holds NaN, which is not a number in JSON",
    ),
    "nesting of 100,000": (
        "a.jsonl",
        GOOD + b'{"id": "b", "input": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
        2,
        "",
        "nested more than 100 levels deep",
    ),
    "an integer of 5,000 digits": (
        "a.jsonl",
        GOOD + b'{"id": "b", "input": "x", "n": ' + b"7" * 5_000 + b"}\n",
        2,
        "n",
        "an integer of 5,000 digits",
    ),
    "duplicate ids": ("a.jsonl", GOOD + GOOD, 2, "id", "in line 1 already"),
    "missing column": ("a.jsonl", GOOD + b'{"id": "b", "question": "x"}\n', 2, "input", "“input” is missing."),
    "a CSV field of 200,000 characters": (
        "a.csv",
        csv_of(["id", "input"], [1, "x"], [2, "y" * 200_000]),
        3,
        "input",
        "200,000 characters",
    ),
}


@pytest.fixture
def client(client_of, admin):
    return client_of(admin)


def nothing_is_stored():
    return not (Example.objects.exists() or EvalSetVersion.objects.exists() or ProductionSample.objects.exists())


@pytest.mark.parametrize("purpose", ["examples", "production_samples"])
@pytest.mark.parametrize("fault", REFUSED)
def test_a_file_that_cannot_be_read_is_refused_with_its_sentence(fault, purpose, client, project, monkeypatch):
    # The product reads 2 GB before it gives up, which takes longer than a test may.
    monkeypatch.setattr("evalhub.evalsets.checking.limits", lambda: Limits(decoded_bytes=64 << 20))
    name, content, sentence = REFUSED[fault]

    upload = received(client, project, content, name, make_eval_set(project) if purpose == "examples" else None)
    if upload.state == Upload.State.RECEIVED:  # its first rows look well
        act(client, upload, "map", **guessed(upload))
        check_rows(upload.pk)
        upload.refresh_from_db()

    page = client.get(f"/p/{project.slug}/uploads/{upload.pk}/").content.decode()
    assert upload.state == Upload.State.REFUSED
    assert sentence in upload.refusal
    assert "This file cannot be read." in page
    assert "Choose another file" in page
    assert not upload.folder.exists()
    assert nothing_is_stored()


@pytest.mark.parametrize("fault", LISTED)
def test_a_row_that_cannot_be_read_is_listed_with_line_column_and_reason(fault, client, project):
    name, content, line, column, sentence = LISTED[fault]
    upload = received(client, project, content, name, make_eval_set(project))

    places = {name: str(place) for place, name in enumerate(upload.preview["columns"])}
    act(client, upload, "map", **guessed(upload) | {"id": places["id"]})  # an id that is not unique is not guessed
    check_rows(upload.pk)

    upload.refresh_from_db()
    page = client.get(f"/p/{project.slug}/uploads/{upload.pk}/").content.decode()
    assert (upload.state, upload.rows_good, upload.rows_bad) == (Upload.State.CHECKED, 1, 1)
    assert [(error["line"], error["column"]) for error in upload.errors] == [(line, column)]
    assert sentence in upload.errors[0]["reason"]
    assert f'<td class="figure">{line}</td>' in page
    assert nothing_is_stored()


def test_a_file_whose_rows_are_all_bad_cannot_be_imported(client, project):
    upload = received(client, project, b'{"input": ""}\n', "a.jsonl")
    act(client, upload, "map", input="0")
    check_rows(upload.pk)

    answer = act(client, upload, "confirm", leave_out_bad="on")
    assert answer.status_code == 422
    assert "No row is good, so there is nothing to import." in answer.content.decode()
    assert nothing_is_stored()


def test_a_file_beyond_the_limit_is_refused_before_it_reaches_the_disk(client, project, settings):
    settings.UPLOAD_LIMIT_BYTES = 1 << 20
    eval_set = make_eval_set(project)

    answer = client.post(f"/p/{project.slug}/evalsets/{eval_set.pk}/upload/", {"file": io.BytesIO(b"x" * (3 << 20))})

    assert answer.status_code == 422
    assert "The file is 3 MB; at most 1 MB can be uploaded." in answer.content.decode()
    assert not Upload.objects.exists()
    assert files_on_disk() == []


def test_a_file_of_somebody_who_is_not_signed_in_does_not_reach_the_disk(db):
    answer = Client().post("/sign-in/", {"username": "x", "password": "y", "file": io.BytesIO(b"x" * 100)})

    assert answer.status_code == 200
    assert "E-mail and password do not match" in answer.content.decode()  # the fields before the file were read
    assert not upload_folder().exists()


def test_no_file_at_all_is_said_so(client, project):
    answer = client.post(f"/p/{project.slug}/samples/upload/")

    assert answer.status_code == 422
    assert "Choose a file first." in answer.content.decode()


@pytest.mark.parametrize(
    "name", ["../../../tmp/evil.jsonl", "..\\evil.jsonl", "/etc/passwd", "a" * 400 + ".jsonl", "$(id).jsonl"]
)
def test_the_name_of_a_file_never_becomes_a_path(name, client, project):
    upload = received(client, project, GOOD, name)

    assert [path.relative_to(upload_folder()).as_posix() for path in upload_folder().rglob("*") if path.is_file()] == [
        f"{upload.key.hex}/received"
    ]
    assert upload.preview["format"] == "JSONL"


def files_on_disk():
    return [path.name for path in upload_folder().rglob("*") if path.is_file()]


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def test_the_received_file_is_the_one_that_was_streamed(client, project):
    """Renamed, not copied: half a gigabyte is not written twice."""
    content = json.dumps({"input": "x" * 100_000}).encode()

    upload = received(client, project, content)

    assert upload.stored_path.read_bytes() == content
    assert upload.stored_path.stat().st_nlink == 1
    assert list((upload_folder() / "incoming").iterdir()) == []
