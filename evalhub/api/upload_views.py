"""Files on their way in: sent, mapped and checked, confirmed; the same steps as on the pages."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query

from evalhub.api import shapes
from evalhub.api.describing import upload_shape
from evalhub.api.faults import at, not_understood, wrong_state
from evalhub.api.holding import LEAD, KeyRequest, require
from evalhub.api.incoming import take_in
from evalhub.api.once import answer_once
from evalhub.api.paging import refuse_unknown
from evalhub.api.targets import FileAsked, target_of
from evalhub.api.v1 import uploads
from evalhub.evalsets.checking import start_check
from evalhub.evalsets.files.mapping import GUESS_KIND, NO_EXPECTED, Mapping, mapping_from_json
from evalhub.evalsets.models import Upload
from evalhub.evalsets.receiving import receive
from evalhub.evalsets.storing import cancel, confirm
from evalhub.evalsets.tasks import check_upload_task, clear_upload_task, import_upload_task
from evalhub.projects.models import Role

State, Purpose = Upload.State, Upload.Purpose
FILE_BODY = {
    "requestBody": {
        "required": True,
        "description": "The file itself: CSV, JSON, JSONL or Parquet, plain or gzip.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@uploads.post(
    "/uploads",
    auth=LEAD,
    response={201: shapes.Upload},
    url_name="uploads",
    summary="Upload a file",
    openapi_extra=FILE_BODY,
)
def send_upload(request: KeyRequest, asked: Query[FileAsked]) -> HttpResponse:
    """The body is the file itself. The answer shows its columns and a guess what they are; nothing is stored yet."""
    refuse_unknown(request, asked)
    if Purpose(asked.purpose) == Purpose.PRODUCTION_SAMPLES:
        require(request.holder, Role.ADMIN)
    target = target_of(request, asked)  # before the file, which may take minutes
    file, digest = take_in(request, asked.file_name)

    def work() -> shapes.Upload:
        upload = receive(request.project, asked.purpose, file, target, request.user)
        return upload_shape(upload, request.project)

    try:
        return answer_once(request, work, 201, digest)
    finally:
        file.close()


def uploads_of(request: KeyRequest) -> QuerySet[Upload]:
    return Upload.objects.in_project(request.project).select_related("project", "created_by")


def upload_of(request: KeyRequest, pk: int) -> Upload:
    """The upload, if the key may do what it is for."""
    upload = get_object_or_404(uploads_of(request), pk=pk)
    if upload.purpose == Purpose.PRODUCTION_SAMPLES:
        require(request.holder, Role.ADMIN)
    return upload


def refuse_unless(upload: Upload, state: Upload.State, verb: str) -> None:
    if upload.state != state:
        told = f"This upload is not “{state.value}” but “{upload.state}”, so there is nothing to {verb}."
        raise wrong_state(told, upload.state)


@uploads.get("/uploads/{int:pk}", auth=LEAD, response=shapes.Upload, url_name="upload", summary="One upload")
def show_upload(request: KeyRequest, pk: int) -> shapes.Upload:
    """How far it is, and the errors of its rows once they are checked."""
    return upload_shape(upload_of(request, pk), request.project)


@uploads.post(
    "/uploads/{int:pk}/check", auth=LEAD, response=shapes.Upload, url_name="check_upload", summary="Check the rows"
)
def check_upload(request: KeyRequest, pk: int, body: shapes.CheckUpload = shapes.CheckUpload()) -> HttpResponse:  # noqa: B008 -- how ninja spells a body that may be missing
    """Say which column is what, where the guess is wrong; a worker then checks every row. From “received”."""

    def work() -> shapes.Upload:
        upload = upload_of(request, pk)
        refuse_unless(upload, State.RECEIVED, "check")
        if not start_check(upload, mapping_of(upload, body.mapping)):
            raise wrong_state("Somebody else has just done this.", State.CHECKING)
        check_upload_task.delay_on_commit(upload.pk)
        return upload_shape(upload_of(request, pk), request.project)

    return answer_once(request, work)


def mapping_of(upload: Upload, changes: dict[str, Any]) -> Mapping:
    """The guess with the changes; a column for “expected” without its kind means that each value is guessed."""
    wanted = {**upload.mapping, **changes, "purpose": upload.purpose}
    if changes.get("expected") and "expected_kind" not in changes and wanted.get("expected_kind") == NO_EXPECTED:
        wanted["expected_kind"] = GUESS_KIND
    mapping = mapping_from_json(wanted)
    problems = mapping.problems(upload.preview["columns"])
    if problems:
        raise not_understood(*(at("body.mapping", problem) for problem in problems))
    return mapping


@uploads.post(
    "/uploads/{int:pk}/confirm",
    auth=LEAD,
    response=shapes.Upload,
    url_name="confirm_upload",
    summary="Import the checked rows",
)
def confirm_upload(request: KeyRequest, pk: int, body: shapes.ConfirmUpload = shapes.ConfirmUpload()) -> HttpResponse:  # noqa: B008 -- how ninja spells a body that may be missing
    """A worker stores the good rows. From “checked”; with errors in rows only if you leave those out."""

    def work() -> shapes.Upload:
        upload = upload_of(request, pk)
        refuse_unless(upload, State.CHECKED, "import")
        options = {"publish": body.publish} if upload.purpose == Purpose.EXAMPLES else {}
        confirm(upload, leave_out_bad=body.leave_out_bad_rows, options=options)
        import_upload_task.delay_on_commit(upload.pk)
        return upload_shape(upload_of(request, pk), request.project)

    return answer_once(request, work)


@uploads.post(
    "/uploads/{int:pk}/cancel", auth=LEAD, response=shapes.Upload, url_name="cancel_upload", summary="Throw it away"
)
def cancel_upload(request: KeyRequest, pk: int) -> HttpResponse:
    """Nothing of it is kept, also if the import is on its way. Once it is over there is nothing to cancel."""

    def work() -> shapes.Upload:
        upload = upload_of(request, pk)
        if not cancel(upload, request.user):
            raise wrong_state("The upload is over, so there is nothing to cancel.", upload.state)
        clear_upload_task.delay_on_commit(upload.pk)
        return upload_shape(upload_of(request, pk), request.project)

    return answer_once(request, work)
