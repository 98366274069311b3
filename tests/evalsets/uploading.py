"""The way of an upload in few lines: what a person clicks by the client, what a worker does by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from evalhub.evalsets.checking import check_rows
from evalhub.evalsets.files.limits import Limits
from evalhub.evalsets.files.mapping import mapping_from_json
from evalhub.evalsets.files.previewing import preview
from evalhub.evalsets.files.staged_file import stage
from evalhub.evalsets.models import EvalSet, EvalSetVersion, Upload
from evalhub.evalsets.publishing import note_facts
from evalhub.evalsets.storing import store_rows
from evalhub.projects.models import Project, Role


def jsonl(rows: Iterable[Any]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def make_eval_set(project: Project, name: str = "Inbox") -> EvalSet:
    return EvalSet.objects.create(project=project, name=name)


def send(client: Client, project: Project, content: bytes, name: str = "rows.jsonl", eval_set: EvalSet | None = None):
    """Choose a file: examples for ``eval_set``, production samples without. Returns the answer."""
    url = (
        reverse("evalsets:upload_examples", args=[project.slug, eval_set.pk])
        if eval_set
        else reverse("evalsets:upload_samples", args=[project.slug])
    )
    return client.post(url, {"file": SimpleUploadedFile(name, content)})


def received(client: Client, project: Project, content: bytes, name: str = "rows.jsonl", eval_set=None) -> Upload:
    answer = send(client, project, content, name, eval_set)
    assert answer.status_code == 302, answer.content.decode()
    return Upload.objects.latest("pk")


def guessed(upload: Upload) -> dict[str, Any]:
    """What the mapping form sends when nothing is changed in it."""
    from evalhub.evalsets.forms import MappingForm

    form = MappingForm(upload)
    values = {field.name: field.value() for field in form}
    return {name: value for name, value in values.items() if value not in (None, False)}


def act(client: Client, upload: Upload, verb: str, **data: Any):
    """Press a button of the upload's page; ``verb`` is the name of its address: map, confirm, cancel, map_again."""
    return client.post(reverse(f"evalsets:{verb}", args=[upload.project.slug, upload.pk]), data)


def checked(
    client: Client, project: Project, content: bytes, name: str = "rows.jsonl", eval_set=None, **changes
) -> Upload:
    upload = received(client, project, content, name, eval_set)
    answer = act(client, upload, "map", **(guessed(upload) | changes))
    assert answer.status_code == 302, answer.content.decode()
    check_rows(upload.pk)
    upload.refresh_from_db()
    return upload


def imported(
    client: Client, project: Project, content: bytes, name: str = "rows.jsonl", eval_set=None, **answers
) -> Upload:
    upload = checked(client, project, content, name, eval_set)
    assert upload.state == Upload.State.CHECKED, upload.refusal
    answer = act(client, upload, "confirm", **answers)
    assert answer.status_code == 302, answer.content.decode()
    store_rows(upload.pk)
    upload.refresh_from_db()
    assert upload.state == Upload.State.DONE
    return upload


def version_of(eval_set: EvalSet, rows: Iterable[Any], publish: bool = True) -> EvalSetVersion:
    """A version made of rows, as an upload makes it, but with no page and no child process on the way."""
    target = {"eval_set": eval_set.pk, "publish": publish}
    upload = stored(eval_set.project, Upload.Purpose.EXAMPLES, rows, target)
    return EvalSetVersion.objects.get(upload=upload)


def pool_of(project: Project, rows: Iterable[Any]) -> Upload:
    """Production samples made of rows, likewise."""
    return stored(project, Upload.Purpose.PRODUCTION_SAMPLES, rows, {})


def stored(project: Project, purpose: str, rows: Iterable[Any], target: dict[str, Any]) -> Upload:
    upload = confirmed(project, purpose, rows, target)
    store_rows(upload.pk)
    upload.refresh_from_db()
    assert upload.state == Upload.State.DONE, upload.refusal
    for version in EvalSetVersion.objects.filter(upload=upload):
        note_facts(version.pk)
    return upload


def confirmed(project: Project, purpose: str, rows: Iterable[Any], target: dict[str, Any], **mapping: Any) -> Upload:
    """An upload whose rows are staged and wait for ``import_upload_task``; ``mapping`` is what is not guessed."""
    content = jsonl(rows)
    upload = Upload(
        project=project,
        purpose=purpose,
        file_name="rows.jsonl",
        size=len(content),
        state=Upload.State.IMPORTING,
        target=target,
        created_by=project.members.filter(role=Role.ADMIN).earliest("pk").user,
    )
    upload.folder.mkdir(parents=True)
    upload.stored_path.write_bytes(content)
    upload.mapping = {**preview(upload.stored_path, upload.file_name, purpose, None, Limits()).mapping, **mapping}
    chosen = mapping_from_json(upload.mapping)
    report = stage(upload.stored_path, upload.file_name, chosen, upload.staged_path, Limits(), lambda *_: None)
    assert report.rows_bad == 0, report.errors
    upload.rows_good, upload.report = report.rows_good, {"content_hash": report.content_hash}
    upload.save()
    return upload


def example_row(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"e{number}", "input": f"What is {number} + {number}?", "expected": 2 * number, **more}


def sample_row(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"s{number}", "input": f"Question {number}", "answer": f"Answer {number}", **more}
