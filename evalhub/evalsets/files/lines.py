"""A stream of blocks as lines, with their numbers as an editor shows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import re2  # type: ignore[import-untyped]  # it has no stubs

from evalhub.evalsets.files.encodings import UTF8_BOM
from evalhub.evalsets.files.faults import CellFault
from evalhub.evalsets.files.limits import Limits, spell_size

# What the quick parser cannot be trusted with (see strict_json). One pass of re2 over a block costs 1.4 ms a megabyte;
# the same search line by line would cost more than parsing does.
RISKY = re2.compile(rb"[0-9]{19}|\\u0022|\\u0000|\x00")


class Lines(NamedTuple):
    """Consecutive lines without their line ends; None stands for one that is longer than the limit."""

    first: int
    lines: list[bytes | None]
    risky: bool
    """Whether any of them may hold a long integer, an escaped quote or a NUL."""


def split_lines(blocks: Iterable[bytes], limits: Limits) -> Iterator[Lines]:
    """Yield the lines of a file. LF and CR LF end a line, or CR where the first block has no LF at all."""
    first = 1
    end = b""
    parts: list[bytes] = []  # of a line that began in an earlier block
    held = 0
    for block in blocks:
        if not end:
            block = block.removeprefix(UTF8_BOM)
            end = b"\r" if b"\r" in block and b"\n" not in block else b"\n"
        lines: list[bytes | None] = list(block.split(end))
        rest = lines.pop() or b""
        if lines:
            lines[0] = first_line = _join(parts, lines[0] or b"", held, limits)
            is_risky = _is_risky(block) or (bool(parts) and _is_risky(first_line or b""))
            yield Lines(first, lines, is_risky)
            first += len(lines)
            parts, held = [], 0
        held += len(rest)
        if held <= limits.line_bytes:
            parts.append(rest)
        else:
            parts.clear()
    if held:
        yield Lines(first, [_join(parts, b"", held, limits)], True)


def long_line(limits: Limits) -> CellFault:
    return CellFault(
        f"The line is longer than {spell_size(limits.line_bytes)}. Shorten it, or put a line end after each row.",
        kind="A line is too long",
    )


def _join(parts: list[bytes], tail: bytes, held: int, limits: Limits) -> bytes | None:
    if held + len(tail) > limits.line_bytes:
        return None
    return b"".join((*parts, tail)) if parts else tail


def _is_risky(block: bytes) -> bool:
    return RISKY.search(block) is not None
