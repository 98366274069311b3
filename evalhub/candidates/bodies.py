"""A body on its way in: never more of it than the cap, before and after decompression."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from evalhub.candidates.replies import CallFault

if TYPE_CHECKING:
    import aiohttp

LARGEST_BODY = 16 * 1024 * 1024
LONGEST_RAW = 20_000
PIECE = 64 * 1024


class Body:
    """The decoded chunks of a response. Keeps its head to be quoted when the whole cannot be read."""

    __slots__ = ("_response", "head", "size")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.head = bytearray()
        self.size = 0

    async def chunks(self, limit: int = LARGEST_BODY) -> AsyncIterator[bytes]:
        """Chunks of at most 64 kB after decompression. Raises CallFault beyond ``limit`` bytes, sent or decoded."""
        if (self._response.content_length or 0) > limit:
            raise too_large()
        unpacker = Unpacker(self._response.headers.get("Content-Encoding", ""))
        received = 0
        async for chunk in self._response.content.iter_any():
            received += len(chunk)
            for piece in unpacker.unpack(chunk):
                self.size += len(piece)
                if self.size > limit:
                    raise too_large()
                if len(self.head) < LONGEST_RAW:
                    self.head += piece[: LONGEST_RAW - len(self.head)]
                yield piece
            if received > limit:
                raise too_large()
        unpacker.check_end()

    async def start(self) -> bytes:
        """The head alone, for the body of an error; what follows stays unread."""
        try:
            async for _piece in self.chunks():
                if len(self.head) >= LONGEST_RAW:
                    break
        except CallFault:
            pass  # the status says more than a damaged or endless body
        return bytes(self.head)


class Unpacker:
    """Undoes gzip and deflate piece by piece, so that a bomb costs no more than one piece.

    aiohttp's own decompression is off: it inflates a whole chunk before anything can count it.
    """

    __slots__ = ("_inflater",)

    def __init__(self, encoding: str) -> None:
        encoding = encoding.strip().lower()
        if encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
            raise CallFault(
                "not_json", f"The endpoint compresses its answer as “{encoding[:20]}”, though plain text was asked for."
            )
        self._inflater = zlib.decompressobj(wbits=47) if encoding not in {"", "identity"} else None

    def unpack(self, chunk: bytes) -> Iterator[bytes]:
        if self._inflater is None:
            yield chunk
            return
        piece = b""
        # A full piece may have left more inside the inflater than its input shows.
        while not self._inflater.eof and (chunk or len(piece) == PIECE):
            try:
                piece = self._inflater.decompress(chunk, PIECE)
            except zlib.error:
                raise CallFault("not_json", "The endpoint's compressed answer is damaged.", is_transient=True) from None
            chunk = self._inflater.unconsumed_tail
            yield piece

    def check_end(self) -> None:
        if self._inflater is not None and not self._inflater.eof:
            raise CallFault("reset", "The connection broke off in mid-answer. It may work later.", is_transient=True)


def too_large() -> CallFault:
    megabytes = LARGEST_BODY // (1024 * 1024)
    return CallFault("too_large", f"The answer is larger than {megabytes} MB; the rest was not read. Set “max tokens”.")
