"""A published version is frozen, hashed, and comes back byte for byte."""

import hashlib
import json
import threading

import hypothesis
import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from hypothesis import strategies as st

from evalhub.evalsets.contents import blocks_of, hash_of
from evalhub.evalsets.files.canonical import CANONICAL_NAMES
from evalhub.evalsets.models import EvalSetVersion, Example, ProductionSample, Upload
from evalhub.evalsets.publishing import ask_for_publication, note_facts, publish
from evalhub.evalsets.versions import VersionError, begin_version, delete_draft, erase_version, settle_draft
from tests.evalsets.uploading import example_row, imported, jsonl, make_eval_set, pool_of, version_of

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "required": ["b", "a"]}}}
ODD_ROWS = [
    {"id": "text", "input": "Tab\there, “quotes”, back\\slash, newline\nand 漢字 🦊", "expected": "\\N\t\r\n"},
    {
        "id": "chat",
        "input": {
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
            "tools": [TOOL],
        },
        "expected": {"z": 1, "a": [1.0, 1e-7, 12345678901234567], "é": None},
        "tags": ["b", "a, c", 'quote"', ""],
        "cluster": "c\t1",
        "metadata": {"z": 1.50, "a": {"y": -0.0, "x": 1e15}, "n": None, "t": "\\u0041"},
    },
    {
        "id": "calls",
        "input": "Weather?",
        "expected": [{"name": "w", "arguments": {"city": ["Rome", "Roma"]}, "optional": []}],
    },
    {"id": "no call", "input": "Hello", "expected": "no call"},
    {"id": "bare", "input": "x"},
]


@pytest.fixture
def client(client_of, admin):
    return client_of(admin)


@pytest.fixture
def eval_set(project):
    return make_eval_set(project)


@pytest.fixture
def version(client, eval_set):
    return version_of(eval_set, [example_row(1), example_row(2)])


def download(client, version):
    answer = client.get(reverse("evalsets:download", args=[version.eval_set.project.slug, version.pk]))
    assert answer.status_code == 200
    return answer.getvalue()


def test_a_download_is_the_same_each_time_and_what_the_hash_says(client, eval_set):
    version = version_of(eval_set, ODD_ROWS)

    first, second = download(client, version), download(client, version)

    assert first == second
    assert hashlib.sha256(first).hexdigest() == version.content_hash
    assert [json.loads(line)["id"] for line in first.splitlines()] == ["text", "chat", "calls", "no call", "bare"]
    assert all(set(json.loads(line)) <= set(CANONICAL_NAMES) for line in first.splitlines())


def test_a_download_uploaded_again_has_the_same_hash(client, eval_set):
    version = version_of(eval_set, ODD_ROWS)

    upload = imported(client, eval_set.project, download(client, version), "again.jsonl", eval_set, publish="on")

    again = EvalSetVersion.objects.get(upload=upload)
    assert again.content_hash == version.content_hash
    assert upload.report["content_hash"] == version.content_hash
    assert list(again.examples.values_list("digest")) == list(version.examples.values_list("digest"))


def test_a_digest_is_that_of_the_line(client, eval_set):
    version = version_of(eval_set, ODD_ROWS)

    lines = download(client, version).splitlines(keepends=True)

    assert [bytes(example.digest) for example in version.examples.all()] == [
        hashlib.sha256(line).digest() for line in lines
    ]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(-1e15, 1e15) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
ROWS = st.fixed_dictionaries(
    {
        "id": st.uuids().map(str),
        "input": TEXTS.filter(str.strip),
        "expected": st.fixed_dictionaries({"v": JSON_VALUES}),
    },
    optional={
        "tags": st.lists(TEXTS, max_size=3),
        "cluster": TEXTS,
        "metadata": st.dictionaries(TEXTS, JSON_VALUES, min_size=1, max_size=3),
    },
)


@hypothesis.settings(deadline=None, max_examples=60)
@hypothesis.given(st.lists(ROWS, min_size=1, max_size=4, unique_by=lambda row: row["id"]))
def test_whatever_is_uploaded_the_reader_and_the_database_agree_on_every_byte(eval_set, rows):
    """So the hash that the reader takes over the lines on their way in is that of the download."""
    hypothesis.assume(b"\\u0000" not in jsonl(rows))

    with transaction.atomic():
        version = version_of(eval_set, rows)

        content = b"".join(blocks_of(version))
        assert version.content_hash == version.upload.report["content_hash"] == hashlib.sha256(content).hexdigest()
        assert version.content_hash == hash_of(version)
        transaction.set_rollback(True)


def test_a_content_that_is_not_what_its_hash_says_is_reported(eval_set, admin, project, caplog):
    draft = version_of(eval_set, [example_row(1)], publish=False)
    EvalSetVersion.objects.filter(pk=draft.pk).update(
        state="published", published_by=admin, content_hash="0" * 64, facts={}
    )

    note_facts(draft.pk)

    assert "is not what its hash says" in caplog.text
    assert project.events.filter(actor=None, subject=str(draft)).count() == 1


def test_a_version_knows_what_is_in_it(eval_set):
    rows = [example_row(n, tags=["a", "b"][: n % 3], customer_id=f"c{n % 2}") for n in range(4)]

    version = version_of(eval_set, rows)

    assert version.facts == {
        "examples": 4,
        "clusters": 2,
        "lengths": [57, 57, 57],
        "kinds": {"number": 4},
        "tags": [["a", 2], ["b", 1]],
    }


def test_a_download_is_an_attachment_with_a_name_of_ours(client, project):
    eval_set = make_eval_set(project, '../../etc/passwd"; x=<script>')
    version = version_of(eval_set, [example_row(1)])

    answer = client.get(reverse("evalsets:download", args=[project.slug, version.pk]))

    assert answer["Content-Disposition"] == 'attachment; filename="etcpasswd-xscript-v1.jsonl"'
    assert answer["Content-Type"] == "application/x-ndjson"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "no-store"


def test_numbers_of_versions_count_up(client, eval_set):
    versions = [version_of(eval_set, [example_row(1)]) for _ in range(3)]

    assert [version.number for version in versions] == [1, 2, 3]


def test_a_draft_is_published_by_a_person_and_noted(client, eval_set, admin, project):
    draft = version_of(eval_set, [example_row(1)], publish=False)

    client.post(reverse("evalsets:publish", args=[project.slug, draft.pk]))

    draft.refresh_from_db()
    assert (draft.state, draft.published_by, draft.example_count) == ("published", admin, 1)
    assert draft.content_hash == hashlib.sha256(download(client, draft)).hexdigest()
    assert project.events.filter(action="published", subject=str(draft)).count() == 1


def test_a_large_draft_is_published_by_a_worker_once(client, eval_set, admin, project, monkeypatch):
    monkeypatch.setattr("evalhub.evalsets.publishing.PUBLISHED_AT_ONCE", 1)
    draft = version_of(eval_set, [example_row(1), example_row(2)], publish=False)

    assert ask_for_publication(draft, admin).is_publishing
    publish(draft.pk)
    publish(draft.pk)

    draft.refresh_from_db()
    assert draft.is_published
    assert project.events.filter(action="published").count() == 1


def test_an_empty_version_is_not_published(eval_set, admin):
    draft = begin_version(eval_set, admin)
    settle_draft(draft)

    with pytest.raises(VersionError, match="has no examples"):
        ask_for_publication(draft, admin)


def test_a_draft_is_deleted_and_a_published_version_is_not(client, eval_set, version, admin):
    draft = version_of(eval_set, [example_row(1)], publish=False)

    delete_draft(draft, admin)
    erase_version(draft.pk)
    with pytest.raises(VersionError, match="is not a draft any more"):
        delete_draft(version, admin)
    erase_version(version.pk)

    assert list(EvalSetVersion.objects.all()) == [version]
    assert Example.objects.count() == 2


ORPHANS = {
    "an example of no version": "INSERT INTO evalsets_example (version_id, position, key, request, expected_kind, "
    "tags, cluster, metadata, digest) VALUES (999999, 1, 'e', '{}', '', '{}', '', '{}', '')",
    "an example moved to no version": "UPDATE evalsets_example SET version_id = 999999",
    "a version without its examples": "DELETE FROM evalsets_evalsetversion",
}


@pytest.mark.parametrize("what", ORPHANS)
def test_no_example_is_without_a_version(what, eval_set):
    """What a foreign key would see to, were it not checked for each row of an import."""
    version_of(eval_set, [example_row(1)], publish=False)

    with pytest.raises(IntegrityError, match="version"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ORPHANS[what])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


FROZEN = {
    "a changed request": "UPDATE evalsets_example SET request = '{}' WHERE key = 'e1'",
    "a changed expected output": "UPDATE evalsets_example SET expected = '3' WHERE key = 'e1'",
    "a changed order": "UPDATE evalsets_example SET position = position + 10",
    "changed tags": "UPDATE evalsets_example SET tags = '{x}'",
    "a removed example": "DELETE FROM evalsets_example WHERE key = 'e1'",
    "all removed": "DELETE FROM evalsets_example",
    "an added example": "INSERT INTO evalsets_example (version_id, position, key, request, expected_kind, tags, "
    "cluster, metadata, digest) SELECT version_id, 9, 'e9', '{}', '', '{}', '', '{}', digest FROM evalsets_example "
    "LIMIT 1",
    "a changed hash": "UPDATE evalsets_evalsetversion SET content_hash = repeat('0', 64)",
    "a state set back": "UPDATE evalsets_evalsetversion SET state = 'draft'",
    "a removed version": "DELETE FROM evalsets_example; DELETE FROM evalsets_evalsetversion",
}


@pytest.mark.parametrize("what", FROZEN)
def test_the_database_itself_refuses(what, version, client):
    before = download(client, version)

    with (
        pytest.raises(IntegrityError, match="is published and frozen"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(FROZEN[what])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # as the commit does

    assert download(client, version) == before
    version.refresh_from_db()
    assert version.content_hash == hashlib.sha256(before).hexdigest()


def test_examples_of_a_draft_may_change(client, eval_set):
    draft = version_of(eval_set, [example_row(1)], publish=False)

    assert draft.examples.update(cluster="c1") == 1
    draft.examples.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    assert not draft.examples.exists()


def test_a_draft_example_cannot_be_moved_into_a_published_version(client, eval_set, version):
    draft = version_of(eval_set, [example_row(7)], publish=False)

    with pytest.raises(IntegrityError, match="no example can be added"), transaction.atomic():
        draft.examples.update(version=version, position=9)


def test_a_project_goes_with_its_published_versions(version, project):
    Upload.objects.update(finished_at=None)

    project.delete()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    assert not Example.objects.exists()


def test_removing_a_production_sample_leaves_the_example_as_it_is(project, eval_set, admin):
    pool_of(project, [{"input": "Question"}])
    sample = ProductionSample.objects.get()
    version = version_of(eval_set, [example_row(1)], publish=False)
    version.examples.update(sample=sample)
    ask_for_publication(version, admin)

    ProductionSample.objects.all().delete()

    example = version.examples.get()
    assert (example.sample, example.key) == (None, "e1")


@pytest.mark.django_db(transaction=True)
def test_an_example_that_comes_during_the_publication_waits_and_is_refused(client, eval_set, admin):
    """Without the lock in the trigger it would slip in between the hash and the commit."""
    draft = version_of(eval_set, [example_row(1)], publish=False)
    caught: list[Exception] = []

    def add() -> None:
        try:
            Example.objects.create(version=draft, position=2, key="late", request={}, digest=b"")
        except IntegrityError as error:
            caught.append(error)
        finally:
            connection.close()

    late = threading.Thread(target=add)
    with transaction.atomic():
        ask_for_publication(draft, admin)
        late.start()
        wait_for_a_blocked_session()
    late.join(10)

    assert len(caught) == 1
    assert draft.examples.count() == 1


def wait_for_a_blocked_session() -> None:
    with connection.cursor() as cursor:
        for _ in range(1000):
            cursor.execute("SELECT pg_sleep(0.01), count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[1]:
                return
    raise AssertionError("nobody waits for the publication")
