"""JSON as models send it: alone, inside a code fence or in the middle of text; and what is wrong with it, in words."""

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from math import isinf
from typing import Any

from evalhub.checks.kinds.wording import excerpt

DEEPEST = 100  # levels of nesting; what reads JSON further on is recursive

FENCE = re.compile("`{3,}")
FENCE_LABEL = re.compile(r"[ \t]{0,8}([\w+.#-]{0,20})[ \t]{0,8}(?:\r?\n|(?=[\[{\"]))")
JSON_LABELS = {"json", "jsonc", "json5"}


class JsonFault(Exception):
    """The text is not JSON. ``position`` counts characters from 0, -1 where there is no one place."""

    def __init__(self, reason: str, position: int = -1, *, cut_off: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position
        self.cut_off = cut_off


class Where(StrEnum):
    """Where the JSON of an answer stands."""

    WHOLE = "whole"  # the answer is JSON and nothing else
    FENCE = "fence"  # inside a code fence, with or without text around that
    TEXT = "text"  # in the middle of text, without a fence
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class FoundJson:
    """The JSON of an answer; ``fault`` is a clause that says what is wrong and where, when it cannot be read.

    ``start`` and ``end``: where the JSON stands in the answer. ``position``: where the fault is, -1 without one place.
    Characters, from 0.
    """

    where: Where
    value: Any = None
    fault: str = ""
    cut_off: bool = False
    start: int = 0
    end: int = 0
    position: int = -1

    @property
    def is_clear(self) -> bool:
        """True when the JSON is the whole answer or the content of its code fence."""
        return self.where in (Where.WHOLE, Where.FENCE)

    def describe(self) -> str:
        """Return a clause that says what keeps the JSON from being read; for JSON that is not clear."""
        return self.fault or "text stands around it, without a code fence"


def find_json(text: str) -> FoundJson:
    """Find and read the JSON of an answer. Strict JSON: no NaN, no trailing commas, no raw line breaks in strings.

    Of several fenced blocks the last counts, those labelled as JSON before others. Without a fence, JSON with text
    around it is found (``Where.TEXT``) but is not clear: a program that reads the answer would stumble.
    """
    try:
        return FoundJson(Where.WHOLE, parse_json(text), end=len(text))
    except JsonFault as fault:
        whole_fault = fault
    start, end = _choose_block(text)
    if start < 0:
        return _find_in_text(text, whole_fault)
    try:
        return FoundJson(Where.FENCE, parse_json(text[start:end]), start=start, end=end)
    except JsonFault as fault:
        return _unreadable(text, fault, start)


def parse_json(text: str) -> Any:
    """Return the value of strict JSON. Raises JsonFault with the reason in plain words.

    Also refused, because nothing further on could handle them: nesting over DEEPEST levels, numbers beyond a double,
    whole numbers of more than 4,300 digits (Python's own limit), and lone surrogates, raw or as an escape.
    """
    try:
        value = DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _explain(text, error) from None
    except RecursionError:
        raise JsonFault(f"it is nested more than {DEEPEST} levels deep") from None
    except ValueError:  # from int(): the digits' number is limited
        raise JsonFault("it holds a whole number of more than 4,300 digits") from None
    if text.count("[") + text.count("{") > DEEPEST and _is_too_deep(value):
        raise JsonFault(f"it is nested more than {DEEPEST} levels deep")
    if _holds_half_a_character(text, value):
        raise JsonFault("it holds half a character (a lone surrogate such as “\\ud800”)")
    return value


def place_in(text: str, position: int) -> str:
    """Return "line 2, column 17" for a position in ``text``, both counted from 1."""
    line = text.count("\n", 0, position) + 1
    return f"line {line}, column {position - text.rfind(chr(10), 0, position)}"


def _refuse_constant(name: str) -> None:
    raise JsonFault(f"“{name}” is not a JSON value; write null instead")


def _read_float(digits: str) -> float:
    number = float(digits)
    if isinf(number):
        raise JsonFault(f"the number {excerpt(digits, 20)} is too large")
    return number


DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_read_float)


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        children = chain.from_iterable(item.values() if isinstance(item, dict) else item for item in level)
        level = [child for child in children if isinstance(child, dict | list)]
        if not level:
            return False
    return True


def _holds_half_a_character(text: str, value: Any) -> bool:
    is_escaped = "\\ud" in text or "\\uD" in text
    if text.isascii() and not is_escaped:
        return False
    try:
        (json.dumps(value, ensure_ascii=False) if is_escaped else text).encode()
    except UnicodeEncodeError:
        return True
    return False


def _choose_block(text: str) -> tuple[int, int]:
    """Return where the content of the deciding fenced block begins and ends, (-1, -1) without a closed fence."""
    best, best_rank = (-1, -1), -1
    start, rank = -1, 0
    for fence in FENCE.finditer(text):
        if start < 0:
            if label := FENCE_LABEL.match(text, fence.end()):
                start, name = label.end(), label[1].lower()
                rank = 2 if name in JSON_LABELS else 0 if name else 1
        elif _stands_at_an_edge_of_its_line(text, fence.start(), fence.end()):
            if rank >= best_rank:
                best, best_rank = (start, fence.start()), rank
            start = -1
    return best


def _stands_at_an_edge_of_its_line(text: str, start: int, end: int) -> bool:
    """Tell a closing fence from backticks inside a JSON string, which can never end a line of valid JSON."""
    before = text[max(0, start - 8) : start].rstrip(" \t")
    after = text[end : end + 8].lstrip(" \t\r")
    return not after or after[0] == "\n" or before.endswith("\n")


def _find_in_text(text: str, fault: JsonFault) -> FoundJson:
    """Try from the first opening to the last closing bracket; twice at most, so that hostile text costs no more."""
    starts = sorted((text.find(pair[0]), pair[1]) for pair in ("{}", "[]") if pair[0] in text)
    if not starts and fault.position == len(text) - len(text.lstrip()) < len(text) and not fault.cut_off:
        return _unreadable(text, JsonFault("it is text without any JSON"), 0)
    if text.lstrip().startswith("{"):
        del starts[1:]  # a list inside an object is a part of it and says nothing by itself
    offset = 0
    for start, closing in starts:
        end = text.rfind(closing) + 1 or len(text)
        try:
            return FoundJson(Where.TEXT, parse_json(text[start:end]), start=start, end=end)
        except JsonFault as inner:
            if offset == 0 and text[:start].strip():  # the fault of the JSON tells more than that of the text before it
                fault, offset = inner, start
    return _unreadable(text, fault, offset)


def _unreadable(text: str, fault: JsonFault, offset: int) -> FoundJson:
    position = fault.position + offset if fault.position >= 0 else -1
    place = f" at {place_in(text, position)}" if position >= 0 else ""
    return FoundJson(Where.NOWHERE, fault=fault.reason + place, cut_off=fault.cut_off, position=position)


def _explain(text: str, error: json.JSONDecodeError) -> JsonFault:
    """Return json's error in plain words."""
    position, found = error.pos, text[error.pos : error.pos + 1]
    if not text.strip():
        return JsonFault("nothing is there")
    if error.msg.startswith("Unterminated string"):
        return JsonFault("it breaks off inside the string that begins", position, cut_off=True)
    if not text[position:].strip() and not error.msg.startswith(("Invalid", "Illegal")):
        return JsonFault("it breaks off", position, cut_off=True)
    if error.msg.startswith("Invalid control character"):
        names = {"\n": "line break", "\r": "line break", "\t": "tab"}
        return JsonFault(f"a raw {names.get(found, 'control character')} inside a string", position)
    if error.msg.startswith("Invalid"):
        position = text.rfind("\\", 0, position + 1)
        wrong = excerpt(text[position : position + 2])
        return JsonFault(f"a backslash that begins no valid escape (“{wrong}”) inside a string", position)
    if error.msg.startswith("Extra data"):
        return JsonFault(f"more text after the end of the JSON (“{excerpt(text[position:], 20)}”)", position)
    return JsonFault(_what_is_missing(text, position, error.msg), position)


def _what_is_missing(text: str, position: int, message: str) -> str:
    """Say what JSON wants at ``position`` and what stands there instead."""
    shown = f"“{excerpt(text[position : position + 20].split(chr(10))[0], 12)}”"
    before = text[max(0, position - 50) : position].rstrip()[-1:]
    if before == "," and text[position] in "]}":
        return "a comma with nothing after it"
    if text[position] == "'":
        return f"single quotation marks where JSON wants double ones ({shown})"
    if message.startswith("Expecting property name"):
        return f"a field name in double quotation marks is missing before {shown}"
    if message.startswith("Expecting ':'"):
        return f"a colon is missing before {shown}"
    if message.startswith("Expecting ','"):
        quoted = " (or a quotation mark inside a string needs a backslash)" if before == '"' else ""
        return f"a comma or a closing bracket is missing before {shown}{quoted}"
    if text[position:].startswith(("True", "False", "None")):
        return f"{shown} is not a JSON value; JSON writes true, false and null"
    return f"a value is expected, but {shown} stands there"
