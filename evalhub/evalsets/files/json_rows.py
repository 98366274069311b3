"""Rows of a JSON file: a list of objects, alone or under a name such as “data” in one object.

The text goes through a window of a few megabytes. Python's decoder finds where each row ends (its position is the one
thing that orjson does not tell), and the row itself is then read by ``strict_json``, as a line of JSONL is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from evalhub.evalsets.files.encodings import UTF8_BOM, refuse_line
from evalhub.evalsets.files.faults import CellFault, RowError, UploadError, shown
from evalhub.evalsets.files.formats import ROW_LISTS
from evalhub.evalsets.files.limits import Limits, spell_size
from evalhub.evalsets.files.row_shape import Row, check_row
from evalhub.evalsets.files.strict_json import Parser

SPACE = re.compile(r"[ \t\n\r]*+")
LISTS = "[{…}, {…}], or under “data”, “examples” or “rows”"
# Numbers stay text: the decoder is only asked where a value ends, and an integer of 5,000 digits would stop it.
DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


class Window:
    """The part of the text that is being looked at, and the number of its first line."""

    def __init__(self, blocks: Iterable[bytes], limits: Limits) -> None:
        self._blocks = iter(blocks)
        self._undecoded = b""
        self._lines_before = 0  # in the blocks that were decoded, for faults of encoding
        self._is_first = True
        self.limits = limits
        self.text = ""
        self.at = 0
        self.line = 1
        self.is_complete = False

    def peek(self) -> str:
        """Return the next character that is no space, "" at the end of the file, and stand on it."""
        while True:
            self._advance(SPACE.match(self.text, self.at).end())  # type: ignore[union-attr]  # it matches nothing, too
            if self.at < len(self.text):
                return self.text[self.at]
            if not self._read_more():
                return ""

    def take(self) -> None:
        self.at += 1

    def value(self) -> str:
        """Return the text of the JSON value that begins here, and go behind it."""
        self.peek()
        while True:
            try:
                _, end = DECODER.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                if not self._read_more():
                    raise self._not_json(error) from error
            except RecursionError as error:
                raise self._too_deep() from error
            else:
                if end < len(self.text) or not self._read_more():  # a number at the edge may go on
                    return self._advance(end)

    def refuse(self, reason: str) -> UploadError:
        return UploadError(f"Line {self.line}: {reason}")

    def _advance(self, end: int) -> str:
        taken = self.text[self.at : end]
        self.line += taken.count("\n")
        self.at = end
        return taken

    def _read_more(self) -> bool:
        """Double what is held, dropping what was read; False at the end of the file."""
        if self.is_complete:
            return False
        held = len(self.text) - self.at
        if held > self.limits.line_bytes:
            raise self.refuse(
                f"a value that begins here is longer than {spell_size(self.limits.line_bytes)}, or has no end. "
                f"Shorten it, and put the rows in a list: {LISTS}."
            )
        pieces = [self.text[self.at :]]
        more = 0
        while more <= held and not self.is_complete:
            pieces.append(self._next_text())
            more += len(pieces[-1])
        self.text, self.at = "".join(pieces), 0
        return more > 0

    def _next_text(self) -> str:
        block = next(self._blocks, None)
        self.is_complete = block is None
        raw = self._undecoded + (block or b"")
        if self._is_first:
            raw = raw.removeprefix(UTF8_BOM)
            self._is_first = False
        try:
            text, self._undecoded = raw.decode(), b""
        except UnicodeDecodeError as error:
            if self.is_complete or error.reason != "unexpected end of data":
                raise self._not_utf8(raw, error) from error
            text, self._undecoded = raw[: error.start].decode(), raw[error.start :]
        self._lines_before += text.count("\n")
        return text

    def _not_utf8(self, raw: bytes, error: UnicodeDecodeError) -> UploadError:
        start = raw.rfind(b"\n", 0, error.start) + 1
        end = raw.find(b"\n", error.start)
        line = raw[start:end] if end >= 0 else raw[start:]
        number = self._lines_before + raw.count(b"\n", 0, error.start) + 1
        return refuse_line(number, line, UnicodeDecodeError("utf-8", line, error.start - start, error.end - start, ""))

    def _not_json(self, error: json.JSONDecodeError) -> UploadError:
        if error.pos >= len(self.text.rstrip()) or error.msg.startswith("Unterminated string"):
            return self.refuse("the row that begins here has no end; the file was probably cut short. Upload it again.")
        self._advance(error.pos)
        near = shown(self.text[max(0, self.at - 20) : self.at + 20])
        return self.refuse(f"this is not valid JSON: {error.msg[0].lower()}{error.msg[1:]}, near {near}.")

    def _too_deep(self) -> UploadError:
        return self.refuse(
            f"the row that begins here is nested more than {self.limits.nesting} levels deep. "
            "Flatten it, or keep it as text."
        )


def json_rows(blocks: Iterable[bytes], limits: Limits) -> Iterator[tuple[int, Row | RowError]]:
    """Yield each object of the file's list with the line it begins on. Raises UploadError where it is not JSON."""
    window = Window(blocks, limits)
    if window.peek() == "[":
        yield from _list_rows(window, limits)
    else:
        yield from _rows_under_a_name(window, limits)
    if window.peek():
        raise window.refuse("there is more after the end of the list. Put all rows into one list.")


def _list_rows(window: Window, limits: Limits) -> Iterator[tuple[int, Row | RowError]]:
    parser = Parser(limits.nesting)
    window.take()
    if window.peek() == "]":
        window.take()
        return
    while True:
        window.peek()
        line = window.line
        text = window.value().encode()
        try:
            yield line, check_row(parser.parse(text), len(text), limits)
        except CellFault as fault:
            yield line, fault.at(line)
        sign = window.peek()
        if sign not in {",", "]"}:
            raise _refuse_sign(window, sign, "“,” or “]” after the row")
        window.take()
        if sign == "]":
            return


def _rows_under_a_name(window: Window, limits: Limits) -> Iterator[tuple[int, Row | RowError]]:
    window.take()
    found = False
    while window.peek() == '"':
        name = json.loads(window.value())
        if window.peek() != ":":
            raise _refuse_sign(window, window.peek(), "“:”")
        window.take()
        if window.peek() == "[" and name in ROW_LISTS and not found:
            found = True
            yield from _list_rows(window, limits)
        else:
            window.value()
        if window.peek() != ",":
            break
        window.take()
    if window.peek() != "}":
        raise _refuse_sign(window, window.peek(), "“}”")
    window.take()
    if not found:
        raise UploadError(f"The file is one JSON object without a list of rows. Put the rows in a list: {LISTS}.")


def _refuse_sign(window: Window, sign: str, wanted: str) -> UploadError:
    if not sign:
        return window.refuse("the file ends inside the list; it was probably cut short. Upload it again.")
    return window.refuse(f"this is not valid JSON: {wanted} was expected, {shown(sign)} found.")
