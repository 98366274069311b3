"""JSON over several lines in parts that open and close, spelled exactly as it was sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

WIDEST = 76
"""Characters: an object or a list that fits on one line of that many stands on one line."""
FEW_LINES = 48
"""JSON of no more lines is open throughout."""
LONGEST_BEGINNING = 40
DEEPEST_OPEN = 2
"""In longer JSON what lies deeper than that many levels is closed until the reader opens it."""

Kind = Literal["lines", "open", "closed", "size", "end"]
JsonPiece = tuple[Kind, str]


class Spelled(str):
    """A number as it was written: 1.50 stays 1.50."""

    __slots__ = ()


class Fields(list[tuple[str, Any]]):
    """An object's fields in their order, those that stand there twice too."""


@dataclass(frozen=True, slots=True)
class Fold:
    """An object or a list that needs several lines: ``head`` “"items": [”, what is inside, ``tail`` “],”."""

    head: str
    inside: Sequence[str | Fold]
    tail: str
    size: str
    lines: int


DECODER = json.JSONDecoder(object_pairs_hook=Fields, parse_int=Spelled, parse_float=Spelled)


def json_pieces(text: str) -> list[JsonPiece]:
    """The pieces of a page that shows ``text``, which must be JSON of no more than about 100 levels.

    “lines” are lines of their own; “open” and “closed” begin a part with its first line, followed by its “size” in
    words; “end” is its last line.
    """
    laid = laid_out(DECODER.decode(text.strip()), "", "")
    if isinstance(laid, str):
        return [("lines", laid)]
    return list(joined(pieces_of(laid, 0, laid.lines <= FEW_LINES)))


def laid_out(value: Any, lead: str, tail: str) -> str | Fold:
    """A value on one line where it fits, else as a fold. ``lead`` is its name, ``tail`` the comma after it."""
    if isinstance(value, Fields):
        entries = [(f"{literal(name)}: ", inner) for name, inner in value]
        marks, noun = "{}", "field"
    elif isinstance(value, list):
        entries = [("", inner) for inner in value]
        marks, noun = "[]", "entry"
    else:
        return f"{lead}{literal(value)}{tail}"
    last = len(entries) - 1
    inside = [laid_out(inner, name, "," if place < last else "") for place, (name, inner) in enumerate(entries)]
    on_one_line = one_line(inside, marks, lead, tail)
    if on_one_line:
        return on_one_line
    lines = 2 + sum(1 if isinstance(part, str) else part.lines for part in inside)
    size = f"{beginning_of(inside)}{counted(len(entries), noun)} {marks[1]}"
    return Fold(lead + marks[0], inside, marks[1] + tail, size, lines)


def beginning_of(inside: Sequence[str | Fold]) -> str:
    """The first entry where it is short, often a name or a key: closed parts must be told apart."""
    first = inside[0]
    return f"{first} … " if isinstance(first, str) and len(first) <= LONGEST_BEGINNING else ""


def one_line(inside: Sequence[str | Fold], marks: str, lead: str, tail: str) -> str:
    """All of it on one line; "" where it is too wide for that."""
    if not inside:
        return f"{lead}{marks}{tail}"
    length = len(lead) + len(tail) + 2
    for part in inside:
        length += len(part) + 1 if isinstance(part, str) else WIDEST
        if length > WIDEST:
            return ""
    return f"{lead}{marks[0]}{' '.join(str(part) for part in inside)}{marks[1]}{tail}"


def literal(value: Any) -> str:
    return str(value) if isinstance(value, Spelled) else json.dumps(value, ensure_ascii=False)


def counted(count: int, noun: str) -> str:
    plural = "entries" if noun == "entry" else "fields"
    return f"1 {noun}" if count == 1 else f"{count:,} {plural}"


def pieces_of(fold: Fold, depth: int, is_short: bool) -> Iterator[JsonPiece]:
    yield ("open" if is_short or depth < DEEPEST_OPEN else "closed"), fold.head
    yield "size", fold.size
    for part in fold.inside:
        if isinstance(part, str):
            yield "lines", part
        else:
            yield from pieces_of(part, depth + 1, is_short)
    yield "end", fold.tail


def joined(pieces: Iterator[JsonPiece]) -> Iterator[JsonPiece]:
    """Neighbouring lines as one piece: fewer elements on the page."""
    lines: list[str] = []
    for kind, text in pieces:
        if kind == "lines":
            lines.append(text)
            continue
        if lines:
            yield "lines", "\n".join(lines)
            lines = []
        yield kind, text
