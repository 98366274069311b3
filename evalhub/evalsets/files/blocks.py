"""The bytes of an uploaded file, unpacked if it is gzip, in blocks, never more than the limits allow."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from evalhub.evalsets.files.faults import UploadError
from evalhub.evalsets.files.limits import Limits, spell_size

GZIP_MARK = b"\x1f\x8b"
GZIP_WINDOW = 31  # 15 bits of window, and 16 for "with a gzip header"
READ_BYTES = 1 << 18
BLOCK_BYTES = 1 << 20


def check_stored_size(path: Path, limits: Limits) -> int:
    """Return the size of the file; raise UploadError if it is empty or larger than what is taken."""
    size = path.stat().st_size
    if size == 0:
        raise UploadError("The file is empty. Choose a file with at least one row.")
    if size > limits.stored_bytes:
        raise UploadError(
            f"The file is {spell_size(size)}; at most {spell_size(limits.stored_bytes)} can be uploaded. "
            "Compress it with gzip, or split it."
        )
    return size


class Source:
    """An uploaded file as a stream of decoded blocks that can be begun again, and how far it has been read."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path = path
        self.limits = limits
        self.size = check_stored_size(path, limits)
        self.consumed = 0
        with path.open("rb") as stored:
            self.is_gzip = stored.read(2) == GZIP_MARK

    @property
    def share(self) -> float:
        """How much of the stored file has been read, 0 to 1."""
        return self.consumed / self.size

    def head(self, size: int) -> bytes:
        """Return the first ``size`` decoded bytes, or fewer where the file is shorter."""
        taken = b""
        for block in self.blocks():
            taken += block
            if len(taken) >= size:
                break
        return taken[:size]

    def blocks(self) -> Iterator[bytes]:
        """Yield the decoded file from its beginning. Raises UploadError where it is damaged or grows too large."""
        decoded = 0
        with self.path.open("rb") as stored:
            self.consumed = 0
            for block in self._unpacked(stored) if self.is_gzip else self._plain(stored):
                decoded += len(block)
                self._check_decoded(decoded)
                yield block

    def _plain(self, stored: BinaryIO) -> Iterator[bytes]:
        while block := stored.read(BLOCK_BYTES):
            self.consumed += len(block)
            yield block

    def _unpacked(self, stored: BinaryIO) -> Iterator[bytes]:
        member = zlib.decompressobj(GZIP_WINDOW)
        waiting = b""
        while True:
            if not waiting:
                waiting = stored.read(READ_BYTES)
                self.consumed += len(waiting)
            if member.eof:  # members may follow each other, and zeros may fill the last block of a tape
                waiting = waiting.lstrip(b"\0")
                if not waiting and self.consumed >= self.size:
                    return
                if waiting:
                    member = zlib.decompressobj(GZIP_WINDOW)
                continue
            if not waiting:
                raise UploadError(
                    "The gzip file ends before its content does; the upload was cut short. Upload it again."
                )
            block, waiting = self._unpack(member, waiting)
            if block:
                yield block

    def _unpack(self, member: zlib._Decompress, packed: bytes) -> tuple[bytes, bytes]:
        """Return the next decoded bytes and what of ``packed`` is still to be read."""
        try:
            block = member.decompress(packed, BLOCK_BYTES)
        except zlib.error as error:
            raise UploadError(
                "The gzip file is damaged and cannot be unpacked. Compress and upload it again."
            ) from error
        return block, member.unused_data if member.eof else member.unconsumed_tail

    def _check_decoded(self, decoded: int) -> None:
        limits = self.limits
        if decoded > limits.decoded_bytes:
            raise UploadError(
                f"The file unpacks to more than {spell_size(limits.decoded_bytes)}, which is the most that is read. "
                "Split it."
            )
        if decoded > limits.gzip_ratio_from and decoded > limits.gzip_ratio * self.consumed:
            raise UploadError(
                f"The file unpacks to more than {limits.gzip_ratio} times its size, as files made to fill a disk do. "
                "Upload it without gzip, or split it."
            )
