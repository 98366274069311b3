"""Single cells as the values that are stored: texts, numbers, times, tags, metadata."""

from __future__ import annotations

import datetime
import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from evalhub.evalsets.files.canonical import compact_json
from evalhub.evalsets.files.columns import MISSING
from evalhub.evalsets.files.faults import cell_fault, shown
from evalhub.evalsets.files.limits import Limits
from evalhub.evalsets.files.strict_json import LARGEST
from evalhub.evalsets.files.tool_calls import Parse

LARGEST_INTEGER = 2**31 - 1
LARGEST_COST = Decimal(1_000_000)
COST_STEP = Decimal("1e-9")
LARGE_FLOAT = 1e16
SETTLED_TYPES = {str, int, bool, type(None)}
EPOCH_DIGITS = re.compile(r"-?\d{9,19}(?:\.\d+)?")
EARLIEST_EPOCH = 1e8
UNITS = ((1e11, 1), (1e14, 1_000), (1e17, 1_000_000), (1e20, 1_000_000_000))  # seconds, ms, µs, ns


def is_absent(value: Any) -> bool:
    """Whether a cell gives nothing: no such column, null, or empty text, which is all that CSV has."""
    return value is MISSING or value is None or value == ""


def read_text(value: Any) -> str:
    """Return a cell as text: numbers as they are spelled in JSON, objects and lists as compact JSON, nothing as ""."""
    if isinstance(value, str):
        return value
    return "" if is_absent(value) else compact_json(value).decode()


def read_name(value: Any, column: str, longest: int) -> str:
    """Return a short text, such as an id, a cluster or a model, without spaces around it. Raises CellFault."""
    if isinstance(value, str):
        name = value.strip()
    elif isinstance(value, dict | list):
        raise cell_fault(column, "is a list or an object, not a short text", "Not a short text")
    else:
        name = read_text(value)
    if len(name) > longest:
        raise cell_fault(
            column, f"is {len(name):,} characters long; at most {longest} are kept. Shorten it", "Too long"
        )
    return name


def read_tags(value: Any, column: str, limits: Limits, parse: Parse) -> list[str]:
    """Return tags without spaces around them and without repetition, in their order. Raises CellFault."""
    if is_absent(value):
        return []
    if isinstance(value, str):
        value = parse(value, column) if value.lstrip().startswith("[") else re.split("[,;]", value)
    if not isinstance(value, list):
        value = [value]
    found = dict.fromkeys(read_name(tag, column, limits.id_characters) for tag in value)
    found.pop("", None)
    if len(found) > limits.tags:
        raise cell_fault(
            column, f"has {len(found)} tags; at most {limits.tags} are kept. Leave some out", "Too many tags"
        )
    return list(found)


def read_decimal(value: Any, column: str) -> Decimal | None:
    """Return a number that is not negative, exactly as spelled; None where there is none. Raises CellFault."""
    if is_absent(value):
        return None
    try:
        number = Decimal(str(value).strip()) if not isinstance(value, bool | dict | list) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise cell_fault(
            column, f"is {shown(value)}, which is not a number. Correct it, or leave it empty", "Not a number"
        )
    if number < 0:
        raise cell_fault(column, f"is {shown(value)}, which is below zero. Correct it, or leave it empty", "Below zero")
    return number


def read_float(value: Any, column: str) -> float | None:
    """Return a number of milliseconds or the like, not negative; None where there is none."""
    number = read_decimal(value, column)
    if number is None:
        return None
    result = float(number)
    if math.isinf(result):
        raise cell_fault(
            column, f"is {shown(value)}, which is too large. Correct it, or leave it empty", "Number too large"
        )
    return result


def read_count(value: Any, column: str, least: int = 0) -> int | None:
    """Return a whole number, such as of tokens; None where there is none."""
    number = read_decimal(value, column)
    if number is None:
        return None
    if number != number.to_integral_value() or not least <= number <= LARGEST_INTEGER:
        what = f"is {shown(value)}, which is not a whole number from {least} to {LARGEST_INTEGER:,}. Correct it"
        raise cell_fault(column, what, "Not a whole number")
    return int(number)


def read_cost(value: Any, column: str) -> str | None:
    """Return US dollars, spelled with nine places; None where there are none."""
    number = read_decimal(value, column)
    if number is None:
        return None
    if number >= LARGEST_COST:
        raise cell_fault(
            column, f"is {shown(value)}, which no output costs in US dollars. Correct it", "Number too large"
        )
    return f"{number.quantize(COST_STEP):f}"


def read_time(value: Any, column: str) -> str | None:
    """Return a time as ISO 8601 with its zone, UTC where none is given; None where there is no time. Raises CellFault.

    Numbers are seconds since 1970, or milliseconds, microseconds or nanoseconds where they are too large for seconds.
    """
    if is_absent(value):
        return None
    text = str(value).strip() if not isinstance(value, bool | dict | list) else ""
    try:
        moment = _from_epoch(text) if EPOCH_DIGITS.fullmatch(text) else datetime.datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        return moment.astimezone(datetime.UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        what = f"is {shown(value)}, which is no time. Write 2026-11-22T10:00:00Z, or seconds since 1970"
        raise cell_fault(column, what, "Not a time") from None


def read_metadata(value: Any, column: str, parse: Parse) -> dict[str, Any]:
    """Return the object in a cell; an empty one where there is none. Raises CellFault."""
    if is_absent(value):
        return {}
    if isinstance(value, str):
        value = parse(value, column)
    if not isinstance(value, dict):
        raise cell_fault(
            column, "is no object. Write {…}, or choose it as one of the metadata columns", "Metadata is no object"
        )
    return value


def settle_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return metadata with numbers that PostgreSQL's ``jsonb`` gives back as it got them. Raises CellFault.

    ``jsonb`` has no -0.0 and spells 1e16 as 10000000000000000, an integer: the download of a version would differ from
    its upload, so those are settled here.
    """
    if all(type(value) in SETTLED_TYPES for value in metadata.values()):
        return metadata
    return {key: _settled(value, key) for key, value in metadata.items()}


def _settled(value: Any, column: str) -> Any:
    if isinstance(value, str | bool | int) or value is None:
        return value
    if isinstance(value, float):
        if value == 0:
            return 0.0
        if abs(value) < LARGE_FLOAT:
            return value
        if abs(value) > LARGEST // 2:
            raise cell_fault(
                column, f"holds the number {value!r}, too large for metadata. Write it as text", "Number too large"
            )
        return int(value)
    if isinstance(value, dict):
        return {key: _settled(item, column) for key, item in value.items()}
    return [_settled(item, column) for item in value]


def _from_epoch(text: str) -> datetime.datetime:
    number = float(text)
    if abs(number) < EARLIEST_EPOCH:
        raise ValueError(text)
    divisor = next(unit for bound, unit in UNITS if abs(number) < bound)
    return datetime.datetime.fromtimestamp(number / divisor, datetime.UTC)
