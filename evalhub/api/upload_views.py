"""Files on their way in: sent, mapped and checked, confirmed; the same steps as on the pages."""

from __future__ import annotations

from typing import Any, Literal

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Field, Query

from evalhub.api import shapes
from evalhub.api.describing import upload_shape
from evalhub.api.faults import ApiFault, at, not_understood, wrong_state
from evalhub.api.holding import LEAD, KeyRequest, require
from evalhub.api.incoming import take_in
from evalhub.api.once import answer_once
from evalhub.api.paging import Asked, refuse_unknown
from evalhub.api.v1 import uploads
from evalhub.candidates.models import Candidate
from evalhub.evalsets.checking import start_check
from evalhub.evalsets.files.mapping import GUESS_KIND, NO_EXPECTED, Mapping, mapping_from_json
from evalhub.evalsets.models import EvalSet, EvalSetVersion, Upload
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


class FileAsked(Asked):
    purpose: Literal["examples", "production_samples", "outputs"] = Field(
        description="What the rows are. Production samples need the role Admin."
    )
    file_name: str = Field("file", min_length=1, max_length=255, description="Its ending tells the format.")
    eval_set: int | None = Field(None, ge=1, le=2**63 - 1, description="For examples: where they go.")
    version: int | None = Field(None, ge=1, le=2**63 - 1, description="For outputs: the published version, by its id.")
    candidate: int | None = Field(None, ge=1, le=2**63 - 1, description="For outputs: whose they are, by its id,")
    candidate_name: str | None = Field(None, min_length=1, max_length=100, description="or by its name; made if new.")


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


def target_of(request: KeyRequest, asked: FileAsked) -> dict[str, Any]:
    """Where the rows go, in the words of the class that ``settings.UPLOAD_IMPORTS`` names."""
    purpose = Purpose(asked.purpose)
    if purpose == Purpose.PRODUCTION_SAMPLES:
        return {}
    if purpose == Purpose.EXAMPLES:
        if asked.eval_set is None:
            raise not_understood(at("query.eval_set", "Say where the examples go, by the eval set's id."))
        return {"eval_set": get_object_or_404(EvalSet.objects.in_project(request.project), pk=asked.eval_set).pk}
    if asked.version is None:
        raise not_understood(at("query.version", "Say of which version the outputs are, by its id."))
    version = get_object_or_404(EvalSetVersion.objects.in_project(request.project).listed(), pk=asked.version)
    if not version.is_published:
        raise wrong_state(f"{version} is not published. Publish it first.", version.state)
    return {"version": version.pk, **whose(request, asked)}


def whose(request: KeyRequest, asked: FileAsked) -> dict[str, Any]:
    candidates = Candidate.objects.in_project(request.project)
    if (asked.candidate is None) == (asked.candidate_name is None):
        raise not_understood(at("query.candidate", "Say whose outputs these are: by candidate or by candidate_name."))
    if asked.candidate is not None:
        return {"candidate": get_object_or_404(candidates.active(), pk=asked.candidate).pk}
    name = asked.candidate_name or ""
    if "\0" in name:
        raise not_understood(at("query.candidate_name", "A name has no NUL character."))
    found = candidates.filter(name=name).first()
    if found is not None and found.archived_at is not None:
        raise ApiFault(422, "refused", f"“{found}” is archived. Bring it back first, or choose another candidate.")
    return {"candidate": found.pk} if found else {"candidate_name": name}


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
