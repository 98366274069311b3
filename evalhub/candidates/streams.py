"""Server-sent events, cut out of the bytes as they come. Pure.

Source: the HTML standard, "Server-sent events". Only ``data`` fields matter here; an event that the end of the stream
cuts off before its empty line is given out too, since some endpoints leave that line out.
"""

from __future__ import annotations

from collections.abc import Iterator

FIELD_NAMES = (b"data:", b"event:", b"id:", b"retry:", b":")


def looks_like_events(start: bytes) -> bool:
    return start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(FIELD_NAMES)


class EventCutter:
    """Feed chunks, get the data of the events that they complete."""

    __slots__ = ("_data", "_pending")

    def __init__(self) -> None:
        self._pending: list[bytes] = []  # pieces of a line whose end has not come; joined once, however many they are
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        if b"\n" not in chunk:
            self._pending.append(chunk)
            return
        self._pending.append(chunk)
        *lines, rest = b"".join(self._pending).split(b"\n")
        self._pending = [rest] if rest else []
        for line in lines:
            yield from self._take(line.rstrip(b"\r"))

    def end(self) -> Iterator[bytes]:
        """What the end of the stream completes."""
        rest, self._pending = b"".join(self._pending), []
        if rest:
            yield from self._take(rest.rstrip(b"\r"))
        yield from self._take(b"")

    def _take(self, line: bytes) -> Iterator[bytes]:
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
        elif not line and self._data:
            yield b"\n".join(self._data)
            self._data = []
