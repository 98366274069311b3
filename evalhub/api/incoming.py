"""The body of an upload: straight to a file, hashed on the way, never whole in memory."""

from __future__ import annotations

import hashlib

from django.conf import settings
from django.http import HttpRequest, UnreadablePostError

from evalhub.api.faults import ApiFault
from evalhub.evalsets.files.limits import spell_size
from evalhub.evalsets.upload_handler import IncomingFile

BLOCK = 1 << 20
LENGTH = "Say how long the file is, by the header “Content-Length”, and send it in one piece, not chunked."
MULTIPART = "Send the file itself as the body, not a form, with “Content-Type: application/octet-stream”."
CUT = "The connection ended before the file did. Nothing was kept; send it again."


def take_in(request: HttpRequest, file_name: str) -> tuple[IncomingFile, bytes]:
    """Write the body to a file and return it with its SHA-256; closing it removes it, unless it was moved before.

    Raises ApiFault at a body that is a form, of unknown length, too large, or cut short.
    """
    size = announced(request)
    digest, left = hashlib.sha256(), size
    file = IncomingFile(file_name, "application/octet-stream", size, None)
    try:
        while left > 0:
            block = request.read(min(BLOCK, left))
            if not block:
                raise ApiFault(400, "not_understood", CUT)
            digest.update(block)
            file.write(block)
            left -= len(block)
        file.flush()
        file.seek(0)
    except BaseException as error:
        file.close()
        if isinstance(error, UnreadablePostError):
            raise ApiFault(400, "not_understood", CUT) from error
        raise
    return file, digest.digest()


def announced(request: HttpRequest) -> int:
    if request.content_type and request.content_type.startswith("multipart/"):
        raise ApiFault(415, "wrong_type", MULTIPART)
    length = request.META.get("CONTENT_LENGTH") or ""
    if not (length.isascii() and length.isdecimal()) or len(length) > 18:
        raise ApiFault(411, "length_required", LENGTH)
    size, limit = int(length), settings.UPLOAD_LIMIT_BYTES
    if size > limit:
        drop(request)
        sentence = f"The file is {spell_size(size)}; at most {spell_size(limit)} can be uploaded. Compress or split it."
        raise ApiFault(413, "too_large", sentence)
    return size


def drop(request: HttpRequest) -> None:
    """Read the body to its end: a program that is still sending would not see the answer."""
    try:
        while request.read(BLOCK):
            pass
    except UnreadablePostError:
        pass
