"""Where the body of an upload goes: nowhere, or to a file beside the one that it becomes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload, TemporaryFileUploadHandler
from django.http import HttpRequest

from evalhub.evalsets.files.limits import spell_size

FORM_BYTES = 1 << 20
"""What the rest of a form may weigh beside its file."""


def upload_folder() -> Path:
    return Path(settings.MEDIA_ROOT) / "uploads"


def refusal_of(request: HttpRequest) -> str:
    """Why the request's file was not even received, as a sentence; empty if it was."""
    return str(getattr(request, "upload_refusal", ""))


class IncomingFile(TemporaryUploadedFile):
    """A file on the disk that keeps uploads, so that it can be renamed into its place, with a name that we choose."""

    def __init__(self, name: str, content_type: str, size: int, charset: str | None, extra: Any = None) -> None:
        folder = upload_folder() / "incoming"
        folder.mkdir(parents=True, exist_ok=True)
        file: IO[bytes] = tempfile.NamedTemporaryFile(suffix=".upload", dir=folder)  # noqa: SIM115 -- kept by Django
        UploadedFile.__init__(self, file, name, content_type, size, charset, extra)


class LimitedUploadHandler(TemporaryFileUploadHandler):
    """Streams a file to disk if whoever sends it is signed in and the request says that it is small enough.

    A refused body is read to its end and dropped, since browsers show no answer before they have sent all; the form's
    fields before the file, with the CSRF token, are kept, and ``refusal_of`` tells the view.
    """

    announced = 0

    def handle_raw_input(
        self,
        input_data: Any,
        META: Any,  # noqa: N803 -- Django passes it by this name
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> None:
        self.announced = content_length

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        FileUploadHandler.new_file(self, *args, **kwargs)
        request: Any = self.request
        user = getattr(request, "user", None)
        limit = settings.UPLOAD_LIMIT_BYTES
        if user is not None and not user.is_authenticated:
            raise StopUpload
        if self.announced > limit + FORM_BYTES:
            request.upload_refusal = (
                f"The file is {spell_size(self.announced)}; at most {spell_size(limit)} can be uploaded. "
                "Compress it with gzip, or split it."
            )
            raise StopUpload
        self.file = IncomingFile(
            self.file_name or "", self.content_type or "", 0, self.charset, self.content_type_extra
        )
