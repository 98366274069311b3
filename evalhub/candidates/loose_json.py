"""JSON and text as endpoints send them: damaged characters are replaced where one can see it, never a crash."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

# PostgreSQL stores neither NUL nor halves of a surrogate pair.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """The text with NUL and lone surrogates as U+FFFD; two halves that met after all become their character."""
    if not UNSTORABLE.search(text):
        return text
    return text.replace("\x00", "\ufffd").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def decoded(data: bytes | bytearray) -> str:
    """Bytes as text; what is not UTF-8 becomes U+FFFD."""
    return storable(data.decode("utf-8", "replace"))


def read_json(data: bytes | bytearray) -> Any:
    """Parse JSON bytes. Invalid UTF-8 is replaced, lone surrogates pass (see ``storable``). Raises ValueError."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass  # orjson is strict about characters; the slow way tells whether more than those is wrong
    try:
        return json.loads(data.decode("utf-8-sig", "replace"), parse_int=whole_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def whole_number(digits: str) -> int | float:
    return int(digits) if len(digits) < 20 else float(digits)  # Python refuses to read 5,000 digits as an int


def to_json(value: Any) -> bytes:
    """JSON bytes of a request body."""
    try:
        return orjson.dumps(value)
    except TypeError:  # integers over 64 bits, nesting over 254: rare, and the standard library can
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
