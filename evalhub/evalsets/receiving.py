"""The first step of an upload: the file is taken in, and its first rows are read to guess the mapping."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone

from evalhub.evalsets.files.faults import UploadError
from evalhub.evalsets.files.limits import Limits
from evalhub.evalsets.files.staging import preview_file
from evalhub.evalsets.models import Upload
from evalhub.projects.models import Project, User

Purpose = Upload.Purpose


def limits() -> Limits:
    """How much an uploaded file may ask of this installation."""
    return Limits(stored_bytes=settings.UPLOAD_LIMIT_BYTES)


def receive(project: Project, purpose: str, uploaded_file: UploadedFile, target: dict[str, Any], user: User) -> Upload:
    """Take the file in and return its upload, which waits for the mapping; or, not readable, is refused already.

    ``target`` says where the rows go, in the words of the class that ``settings.UPLOAD_IMPORTS`` names. A refused
    upload keeps the sentence (``refusal``) and no file.
    """
    upload = Upload(
        project=project,
        purpose=Purpose(purpose),
        file_name=(uploaded_file.name or "file")[-255:],
        size=uploaded_file.size or 0,
        target=target,
        created_by=user,
    )
    upload.folder.mkdir(parents=True)
    try:
        _move(uploaded_file, upload.stored_path)
        preview = preview_file(upload.stored_path, upload.file_name, upload.purpose, limits())
        upload.preview, upload.mapping = preview.to_json(), preview.mapping
    except UploadError as error:
        refuse(upload, str(error))
    except BaseException:
        remove_files(upload)
        raise
    upload.save()
    return upload


def refuse(upload: Upload, sentence: str) -> None:
    """Note why the file cannot be read, and remove it. The caller saves."""
    upload.state, upload.refusal, upload.finished_at = Upload.State.REFUSED, sentence, timezone.now()
    remove_files(upload)


def remove_files(upload: Upload) -> None:
    shutil.rmtree(upload.folder, ignore_errors=True)


def _move(uploaded_file: UploadedFile, path: Path) -> None:
    if hasattr(uploaded_file, "temporary_file_path"):
        shutil.move(uploaded_file.temporary_file_path(), path)  # a rename: both are in MEDIA_ROOT
        return
    with path.open("wb") as stored:
        for chunk in uploaded_file.chunks():
            stored.write(chunk)
