"""What changed between two texts, word by word, as pieces that a page shows side by side or in one line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from rapidfuzz.distance import Levenshtein

Kind = Literal["same", "old", "new"]
Piece = tuple[Kind, str]
ShownPiece = tuple[Literal["same", "old", "new", "gap"], str]

MOST_TOKENS = 6_000
"""A side. The time grows with the product: 6,000 against 6,000 takes about 15 ms, ten times as many over a second."""
TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


def word_difference(old: str, new: str) -> list[tuple[Literal["same", "old", "new"], str]]:
    """Return the pieces of both texts in order: kept, only in ``old``, only in ``new``.

    The pieces “same” and “old” joined give ``old`` again, “same” and “new” give ``new``. Texts of more than MOST_TOKENS
    words and signs are compared by line, and those of more lines than that only by their common beginning and end.
    """
    if old == new:
        return [("same", old)] if old else []
    for split in (TOKEN.findall, _lines):
        before, after = split(old), split(new)
        if max(len(before), len(after)) <= MOST_TOKENS:
            return list(_joined(_readable(_pieces(before, after))))
    return list(_joined(_ends(old, new)))


def with_gaps(pieces: list[Piece], context: int = 160) -> list[ShownPiece]:
    """Return the pieces with long kept parts cut to ``context`` characters beside each change.

    A cut stands as a piece “gap”, whose text says how many characters are left out. Without any change all is one gap.
    """
    shown: list[ShownPiece] = []
    for index, (kind, text) in enumerate(pieces):
        head = context if index > 0 else 0
        tail = context if index < len(pieces) - 1 else 0
        left_out = len(text) - head - tail
        if kind != "same" or left_out <= context:
            shown.append((kind, text))
            continue
        if head:
            shown.append(("same", text[:head]))
        shown.append(("gap", f"{left_out:,} characters the same"))
        if tail:
            shown.append(("same", text[-tail:]))
    return shown


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _pieces(old: Sequence[str], new: Sequence[str]) -> Iterator[Piece]:
    for step in Levenshtein.opcodes(old, new):
        before = "".join(old[step.src_start : step.src_end])
        if step.tag == "equal":
            yield "same", before
        else:
            yield "old", before
            yield "new", "".join(new[step.dest_start : step.dest_end])


def _readable(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Give spaces that stand alone between two changes to both: “old words” struck out as one, not word by word."""
    found = list(pieces)
    for index, (kind, text) in enumerate(found):
        between = 0 < index < len(found) - 1
        if kind == "same" and between and text.isspace():
            yield "old", text
            yield "new", text
        else:
            yield kind, text


def _joined(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Join neighbours: between two pieces that are the same, all of the old comes first, then all of the new."""
    old = new = same = ""
    for kind, text in pieces:
        if kind == "same":
            yield from _filled(("old", old), ("new", new))
            old = new = ""
            same += text
            continue
        if text:
            yield from _filled(("same", same))
            same = ""
        old, new = (old + text, new) if kind == "old" else (old, new + text)
    yield from _filled(("same", same), ("old", old), ("new", new))


def _filled(*pieces: Piece) -> Iterator[Piece]:
    return (piece for piece in pieces if piece[1])


def _ends(old: str, new: str) -> Iterator[Piece]:
    shortest = min(len(old), len(new))
    head = next((index for index in range(shortest) if old[index] != new[index]), shortest)
    tail = next((index for index in range(shortest - head) if old[-1 - index] != new[-1 - index]), shortest - head)
    yield "same", old[:head]
    yield "old", old[head : len(old) - tail]
    yield "new", new[head : len(new) - tail]
    yield "same", old[len(old) - tail :]
