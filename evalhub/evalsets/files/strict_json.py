"""JSON that PostgreSQL and every other reader understand alike: no duplicate keys, no NaN, no NUL, no half characters,
no integers beyond 64 bits, no bottomless nesting.

orjson reads a line of 1 KB in 1.2 µs but keeps the last of two equal keys, turns a long integer into a float and lets
NUL pass. So a line goes through orjson when cheap tests prove that none of this can have happened, and through Python's
parser with hooks, five times slower, when they cannot:

* a lost key loses two quotation marks: text and ``orjson.dumps`` of the value hold equally many exactly when nothing
  was lost, as long as no quotation mark is spelled ``\\u0022``;
* a long integer has 19 digits in a row, and NUL is spelled ``\\u0000``: ``lines.RISKY`` finds all three;
* depth: the value is written inside so many lists that orjson's own limit is met exactly when ours is passed.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import orjson

from evalhub.evalsets.files.faults import CellFault, shown
from evalhub.evalsets.files.lines import RISKY

SMALLEST, LARGEST = -(2**63), 2**64 - 1
PROBED_DEPTH = 2000
ONLY_BRACKETS = bytes(sign for sign in range(256) if sign not in b"[]{}")


class Parser:
    """Reads JSON text of one nesting limit."""

    def __init__(self, nesting: int) -> None:
        self.nesting = nesting
        self.outer, self.innermost = _nest(_orjson_depth() - nesting)

    def parse(self, text: bytes, *, risky: bool = True) -> Any:
        """Return the value. ``risky`` False promises that ``lines.RISKY`` is nowhere in ``text``. Raises CellFault."""
        if risky and RISKY.search(text):
            return self.parse_strictly(text)
        try:
            value = orjson.loads(text)
            self.innermost[0] = value
            written = orjson.dumps(self.outer)
        except (orjson.JSONDecodeError, TypeError):
            return self.parse_strictly(text)
        if written.count(b'"') != text.count(b'"'):
            return self.parse_strictly(text)
        return value

    def parse_strictly(self, text: bytes) -> Any:
        """Return the value by Python's own parser, and raise CellFault with the reason where there is one to give."""
        self._check_nesting(text)
        if b"\0" in text:
            raise CellFault("The line holds a NUL byte. Remove it, or export the file again.", kind="NUL character")
        try:
            value = json.loads(
                text.decode(),
                object_pairs_hook=_object,
                parse_int=_integer,
                parse_float=_float,
                parse_constant=_constant,
            )
        except json.JSONDecodeError as error:
            raise _not_json(text.decode(), error) from error
        check_values(value)
        return value

    def check_value(self, value: Any) -> None:
        """Raise CellFault if a value that did not come from JSON text is nested too deeply, or holds a NUL."""
        self.innermost[0] = value
        try:
            written = orjson.dumps(self.outer)
        except TypeError as error:
            raise self._too_deep() from error
        if rb"\u0000" in written:
            check_values(value)

    def _check_nesting(self, text: bytes) -> None:
        # Pairs of backslashes first, so that what is left before a quotation mark does escape it.
        unescaped = text.replace(rb"\\", b"").replace(rb"\"", b"")
        brackets = b"".join(unescaped.split(b'"')[::2]).translate(None, ONLY_BRACKETS)
        depth = 0
        for bracket in brackets:
            depth += 1 if bracket in b"[{" else -1
            if depth > self.nesting:
                raise self._too_deep()

    def _too_deep(self) -> CellFault:
        return CellFault(
            f"The value is nested more than {self.nesting} levels deep. Flatten it, or keep it as text.",
            kind="Nested too deeply",
        )


def check_values(value: Any) -> None:
    """Raise CellFault, naming the column, for the first thing anywhere in ``value`` that cannot be kept."""
    waiting = [(value, "")]
    while waiting:
        inner, column = waiting.pop()
        if isinstance(inner, str):
            _check_text(inner, column)
        elif isinstance(inner, dict):
            for key, item in reversed(inner.items()):  # the stack turns it round again: the first fault is reported
                _check_text(key, column)
                waiting.append((item, column or key))
        elif isinstance(inner, list):
            waiting.extend((item, column) for item in reversed(inner))
        elif isinstance(inner, _Refused):
            raise CellFault(f"{_place(column)} {inner.reason}", kind=inner.kind, column=column or inner.key)


@dataclass(frozen=True)
class _Refused:
    """Stands in the parsed value where something was that cannot be kept, until its column is known."""

    reason: str
    kind: str
    key: str = ""


def _check_text(text: str, column: str) -> None:
    at = text.find("\0")
    if at >= 0:
        raise CellFault(
            f"{_place(column)} holds a NUL character after {_before(text, at)}. PostgreSQL cannot store it; remove it.",
            kind="NUL character",
            column=column,
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise CellFault(
            f"{_place(column)} holds half a character (the lone surrogate \\u{ord(text[error.start]):04x}) after "
            f"{_before(text, error.start)}. Remove it, or write both halves.",
            kind="Lone surrogate",
            column=column,
        ) from error


def _place(column: str) -> str:
    return shown(column) if column else "The value"


def _before(text: str, at: int) -> str:
    return shown(text[max(0, at - 20) : at]) if at else "its beginning"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Refused:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
    return _Refused(
        f"holds the key {shown(twice)} twice in one object. Remove or rename one of them.", "Duplicate key", twice
    )


def _integer(digits: str) -> int | _Refused:
    if len(digits) <= 20:
        value = int(digits)
        if SMALLEST <= value <= LARGEST:
            return value
    return _Refused(
        f"holds an integer of {len(digits.lstrip('-')):,} digits, {shown(digits)}, which is larger than 64 bits. "
        "Write it in quotes, as text.",
        "Integer too large",
    )


def _float(digits: str) -> float | _Refused:
    value = float(digits)
    if math.isinf(value):
        return _Refused(
            f"holds the number {shown(digits)}, which is too large. Write it in quotes, as text.", "Number too large"
        )
    return value


def _constant(name: str) -> _Refused:
    return _Refused(f"holds {name}, which is not a number in JSON. Write null, or leave it out.", "NaN or Infinity")


def _not_json(text: str, error: json.JSONDecodeError) -> CellFault:
    what = (error.msg[0].lower() + error.msg[1:]).removesuffix(" at")
    near = shown(text[max(0, error.pos - 20) : error.pos + 20])
    return CellFault(
        f"This is not valid JSON: {what} at character {error.pos + 1}, near {near}.", kind="Not valid JSON"
    )


def _nest(levels: int) -> tuple[list[Any], list[Any]]:
    innermost: list[Any] = [None]
    outer = innermost
    for _ in range(levels - 1):
        outer = [outer]
    return outer, innermost


def _orjson_depth() -> int:
    """Return how many levels orjson writes before it gives up: 254 at the time of writing, but documented nowhere."""
    value: list[Any] = []
    for depth in range(1, PROBED_DEPTH):
        try:
            orjson.dumps(value)
        except TypeError:
            return depth - 1
        value = [value]
    raise RuntimeError("orjson has no limit of depth any more; Parser needs another way to find it.")
