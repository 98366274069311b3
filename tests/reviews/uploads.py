"""Labels from files, as tests bring them in."""

from __future__ import annotations

import json

from django.core.files.uploadedfile import SimpleUploadedFile

from evalhub.evalsets.checking import check_rows, start_check
from evalhub.evalsets.files.mapping import mapping_from_json
from evalhub.evalsets.models import Upload
from evalhub.evalsets.receiving import receive
from evalhub.evalsets.storing import confirm, store_rows
from reviews.importing.labels import LabelsImport
from reviews.models import Label, Round
from tests.making import admin_of


def told(project, rows, target, **mapping) -> Upload:
    """An upload of these rows, checked."""
    text = "".join(json.dumps(row) + "\n" for row in rows)
    upload = receive(project, "labels", SimpleUploadedFile("labels.jsonl", text.encode()), target, admin_of(project))
    assert start_check(upload, mapping_from_json({**upload.mapping, **mapping}))
    check_rows(upload.pk)
    upload.refresh_from_db()
    return upload


def imported(project, rows, target, **mapping) -> Round:
    upload = told(project, rows, target, **mapping)
    assert upload.state == "checked", upload.refusal
    confirm(upload, leave_out_bad=bool(upload.rows_bad), options={})
    store_rows(upload.pk)
    upload.refresh_from_db()
    assert upload.state == "done", upload.refusal
    return LabelsImport(upload).round


def new(*runs, name="Elsewhere"):
    return {"round_name": name, "runs": [run.pk for run in runs]}


def reasons(upload):
    return [(error["line"], error["reason"]) for error in upload.errors]


def labels_of(shown):
    rows = Label.objects.filter(item__round=shown).order_by("item__output", "reviewer__name")
    return [
        (
            label.item.output.example.key,
            label.reviewer.name,
            label.outcome,
            sorted(each.code for each in label.error_types.all()),
        )
        for label in rows
    ]
