"""A body on its way in: never more of it than the cap, before and after decompression."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator, Iterator
from typing import TYPE_CHECKING

from evalhub.candidates.replies import CallError

if TYPE_CHECKING:
    import aiohttp

LARGEST_BODY = 16 * 1024 * 1024
LARGE = 1024 * 1024
SMALL = 64 * 1024
LONGEST_RAW = 20_000
PIECE = 64 * 1024


class Body:
    """The decoded chunks of a response. Keeps its head to be quoted when the whole cannot be read."""

    __slots__ = ("_gate", "_response", "head", "size")

    def __init__(self, response: aiohttp.ClientResponse, gate: asyncio.Semaphore) -> None:
        self._response = response
        self._gate = gate
        self.head = bytearray()
        self.size = 0

    @property
    def is_small(self) -> bool:
        """Whether the endpoint said how long it is, and that is not much: nothing has to be counted then."""
        length = self._response.content_length
        encoding = self._response.headers.get("Content-Encoding", "identity")
        return length is not None and length <= SMALL and encoding == "identity"

    async def whole(self) -> bytes:
        """All of a small body at once."""
        read = await self._response.read()
        self.size = len(read)
        self.head += read[:LONGEST_RAW]
        return read

    async def chunks(self, limit: int = LARGEST_BODY) -> AsyncGenerator[bytes]:
        """Chunks of at most 64 kB after decompression. Raises CallError beyond ``limit`` bytes, sent or decoded.

        Beyond LARGE bytes it goes on when one of the gate's places is free: a worker with many calls in flight would
        otherwise hold as many large bodies at once.
        """
        if (self._response.content_length or 0) > limit:
            raise too_large()
        unpacker = Unpacker(self._response.headers.get("Content-Encoding", ""))
        received, is_inside = 0, False
        try:
            async for chunk in self._response.content.iter_any():
                received += len(chunk)
                for piece in unpacker.unpack(chunk):
                    self._count(piece, limit)
                    yield piece
                if received > limit:
                    raise too_large()
                if self.size > LARGE and not is_inside:
                    is_inside = await self._gate.acquire()
        finally:
            if is_inside:
                self._gate.release()
        unpacker.check_end()

    def _count(self, piece: bytes, limit: int) -> None:
        self.size += len(piece)
        if self.size > limit:
            raise too_large()
        if len(self.head) < LONGEST_RAW:
            self.head += piece[: LONGEST_RAW - len(self.head)]

    async def start(self) -> bytes:
        """The head alone, for the body of an error; what follows stays unread."""
        try:
            async for _piece in self.chunks():
                if len(self.head) >= LONGEST_RAW:
                    break
        except CallError:
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
            raise CallError(
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
                raise CallError("not_json", "The endpoint's compressed answer is damaged.", is_transient=True) from None
            chunk = self._inflater.unconsumed_tail
            if piece:
                yield piece

    def check_end(self) -> None:
        if self._inflater is not None and not self._inflater.eof:
            raise CallError("reset", "The connection broke off in mid-answer. It may work later.", is_transient=True)


def too_large() -> CallError:
    megabytes = LARGEST_BODY // (1024 * 1024)
    return CallError("too_large", f"The answer is larger than {megabytes} MB; the rest was not read. Set “max tokens”.")
