"""The last step of an upload: what was confirmed is stored batch by batch, or thrown away.

Each batch is one transaction that locks the upload's row, stores the next staged lines and notes how far it came. So a
task that is repeated, resumed elsewhere, or run twice at once neither loses nor doubles a row, and a cancelled upload
is seen before the next batch.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import DataError, IntegrityError, connection, transaction
from django.utils import timezone

from evalhub.errors import EvalHubError
from evalhub.evalsets.files.faults import UploadError
from evalhub.evalsets.importing import importer_of
from evalhub.evalsets.models import Upload
from evalhub.evalsets.receiving import remove_files
from evalhub.projects.models import User
from evalhub.projects.trail import record_event

State = Upload.State
BATCH_LINES = 5_000
BATCH_BYTES = 16 << 20
UNFINISHED = (State.RECEIVED, State.CHECKING, State.CHECKED, State.IMPORTING)
logger = logging.getLogger(__name__)


@transaction.atomic
def confirm(upload: Upload, *, leave_out_bad: bool, options: dict[str, Any]) -> None:
    """Let the good rows in; the caller sends ``import_upload_task``. Raises UploadError where that is not wanted."""
    found = Upload.objects.select_for_update().get(pk=upload.pk)
    if found.state != State.CHECKED:
        raise UploadError("This upload does not wait for a confirmation any more. Reload the page.")
    if not found.rows_good:
        raise UploadError("No row is good, so there is nothing to import. Change the mapping, or choose another file.")
    if found.rows_bad and not leave_out_bad:
        raise UploadError("Some rows have errors. Correct them in the file, or say that they are to be left out.")
    found.target = {**found.target, **options}
    found.state, found.moved_at = State.IMPORTING, timezone.now()
    found.rows_done = found.bytes_done = 0
    found.save(update_fields=["target", "state", "moved_at", "rows_done", "bytes_done"])


def store_rows(upload_id: int) -> None:
    """Store what is left of a confirmed upload."""
    try:
        while _store_batch(upload_id):
            pass
    except (EvalHubError, DataError, IntegrityError, FileNotFoundError) as error:
        # Trying again would end the same way. A lost connection is another matter: the sweeper tries that again.
        logger.exception("upload %s could not be stored", upload_id)
        _give_up(upload_id, error)
    clear_away(upload_id)


def _store_batch(upload_id: int) -> bool:
    """Store the next lines; False if there is nothing more to do."""
    with transaction.atomic():
        uploads = Upload.objects.select_for_update(of=("self",)).select_related("project", "created_by")
        upload = uploads.get(pk=upload_id)
        if upload.state != State.IMPORTING:
            return False
        importer = importer_of(upload)
        importer.prepare()
        lines = _next_lines(upload)
        if lines:
            with connection.cursor() as cursor:
                importer.copy(cursor, lines)
        else:
            importer.finish()
            upload.state, upload.finished_at = State.DONE, timezone.now()
            transaction.on_commit(lambda: remove_files(upload))
        upload.rows_done += len(lines)
        upload.bytes_done += sum(map(len, lines))
        upload.moved_at = timezone.now()
        upload.save(update_fields=["rows_done", "bytes_done", "moved_at", "state", "finished_at", "facts"])
        return bool(lines)


def _next_lines(upload: Upload) -> list[bytes]:
    lines: list[bytes] = []
    size = 0
    with upload.staged_path.open("rb") as staged:
        staged.seek(upload.bytes_done)
        for line in staged:
            lines.append(line)
            size += len(line)
            if len(lines) >= BATCH_LINES or size >= BATCH_BYTES:
                break
    return lines


def _give_up(upload_id: int, error: Exception) -> None:
    sentence = (
        str(error)
        if isinstance(error, EvalHubError)
        else (
            "The rows could not be stored, and none of them were kept. Upload the file again; if it happens again, "
            "the server's log has the details."
        )
    )
    Upload.objects.filter(pk=upload_id, state=State.IMPORTING).update(state=State.CANCELLED, refusal=sentence)


@transaction.atomic
def cancel(upload: Upload, user: User) -> bool:
    """Stop whatever happens to the upload; False if it was over. The caller sends ``clear_upload_task``."""
    found = Upload.objects.select_for_update(of=("self",)).select_related("project").get(pk=upload.pk)
    if found.state not in UNFINISHED:
        return False
    found.state, found.finished_at = State.CANCELLED, None
    found.save(update_fields=["state", "finished_at"])
    record_event(found.project, user, "threw away the upload", found.file_name)
    return True


def clear_away(upload_id: int) -> None:
    """Remove all that a cancelled upload left: rows and files. Safe to repeat."""
    cancelled = Upload.objects.filter(state=State.CANCELLED, finished_at=None).select_related("project")
    upload = cancelled.filter(pk=upload_id).first()
    if upload is None:
        return
    importer_of(upload).discard()
    remove_files(upload)
    Upload.objects.filter(pk=upload_id).update(finished_at=timezone.now())
