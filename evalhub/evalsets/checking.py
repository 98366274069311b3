"""The second step of an upload: every row is checked, and the good ones are staged. Nothing is stored yet."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from evalhub.evalsets.files.faults import UploadError, UploadStopped
from evalhub.evalsets.files.mapping import Mapping, mapping_from_json
from evalhub.evalsets.files.report import StagingReport
from evalhub.evalsets.files.staging import stage_file
from evalhub.evalsets.importing import importer_of
from evalhub.evalsets.models import Upload
from evalhub.evalsets.receiving import limits, refuse

State = Upload.State
MOST_KINDS = 30


@transaction.atomic
def start_check(upload: Upload, mapping: Mapping) -> bool:
    """Keep the mapping and hand the upload to a worker; False if it was no longer waiting for one.

    The caller sends ``check_upload_task``.
    """
    return bool(
        Upload.objects.filter(pk=upload.pk, state=State.RECEIVED).update(
            state=State.CHECKING, mapping=mapping.to_json(), rows_done=0, bytes_done=0, moved_at=timezone.now()
        )
    )


@transaction.atomic
def map_again(upload: Upload) -> bool:
    """Go back to the mapping, dropping what the check found; False if the upload is past that."""
    again = Upload.objects.filter(pk=upload.pk, state=State.CHECKED).update(
        state=State.RECEIVED, rows_good=0, rows_bad=0, errors=[], report={}, moved_at=timezone.now()
    )
    if again:
        upload.staged_path.unlink(missing_ok=True)
    return bool(again)


def check_rows(upload_id: int) -> None:
    """Check the whole file and stage its good rows. Safe to repeat, and to run twice at once.

    Each call stages into a folder of its own; the first to finish moves its file into place.
    """
    upload = Upload.objects.filter(pk=upload_id, state=State.CHECKING).first()
    if upload is None:
        return
    folder = upload.folder / f"check-{os.getpid()}-{timezone.now():%H%M%S%f}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        report = stage_file(
            upload.stored_path,
            upload.file_name,
            upload.purpose,
            mapping_from_json(upload.mapping),
            folder,
            limits(),
            on_progress=lambda rows, share: _move_on(upload, rows, share),
            should_stop=lambda: not _is_checking(upload),
        )
        _conclude(upload, report, importer_of(upload).check(report))
    except UploadStopped:
        pass
    except UploadError as error:
        _refuse(upload, str(error))
    except FileNotFoundError:
        # Thrown away, or concluded by another worker that was faster.
        if _is_checking(upload):
            _refuse(upload, "The file is not here any more. Upload it again.")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_checking(upload: Upload) -> bool:
    return Upload.objects.filter(pk=upload.pk, state=State.CHECKING).exists()


def _move_on(upload: Upload, rows: int, share: float) -> None:
    Upload.objects.filter(pk=upload.pk, state=State.CHECKING).update(
        rows_done=rows, bytes_done=int(share * upload.size), moved_at=timezone.now()
    )


@transaction.atomic
def _conclude(upload: Upload, report: StagingReport, more_errors: list[dict[str, Any]]) -> None:
    found = Upload.objects.select_for_update().filter(pk=upload.pk, state=State.CHECKING).first()
    if found is None:
        return
    Path(report.staged_path).replace(found.staged_path)
    found.state = State.CHECKED
    found.rows_good = report.rows_good - len(more_errors)
    found.rows_bad = report.rows_bad + len(more_errors)
    kinds = Counter(report.error_counts) + Counter(error.pop("kind") for error in more_errors if "kind" in error)
    found.errors = sorted([*report.errors, *more_errors], key=lambda error: error["line"])[: limits().errors_listed]
    found.report = {
        "unit": report.unit,
        "error_counts": dict(kinds.most_common(MOST_KINDS)),
        "notes": report.notes,
        "content_hash": report.content_hash,
        "staged_bytes": report.staged_bytes,
        "seconds": report.seconds,
    }
    found.rows_done = found.bytes_done = 0
    found.moved_at = timezone.now()
    found.save()


@transaction.atomic
def _refuse(upload: Upload, sentence: str) -> None:
    found = Upload.objects.select_for_update().filter(pk=upload.pk, state=State.CHECKING).first()
    if found is not None:
        refuse(found, sentence)
        found.save()
