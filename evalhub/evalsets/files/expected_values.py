"""The known correct output in a row, as one of four kinds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from evalhub.evalsets.files.canonical import compact_json
from evalhub.evalsets.files.columns import MISSING
from evalhub.evalsets.files.faults import CellFault, cell_fault, shown
from evalhub.evalsets.files.mapping import EXPECTED_KINDS, GUESS_KIND
from evalhub.evalsets.files.strict_json import LARGEST, SMALLEST
from evalhub.evalsets.files.tool_calls import Parse, looks_like_calls, read_expected_calls
from evalhub.evalsets.numbers import NotOneNumber, read_number

Expected = tuple[str, bytes | None]
"""Kind, and the value as compact JSON; ``("", None)`` where none is given."""
NONE_GIVEN: Expected = ("", None)


def read_expected(value: Any, kind: str, column: str, parse: Parse, *, is_exact: bool = False) -> Expected:
    """Return what is expected. ``kind`` is one of EXPECTED_KINDS or “guess”. Raises CellFault.

    ``is_exact``: a JSON text is a text, not JSON to be read: so in JSON files that name the kind of each value.
    """
    if kind == GUESS_KIND:
        kind, value = _guess(value, column, parse)
        return NONE_GIVEN if not kind else read_expected(value, kind, column, parse, is_exact=True)
    if value is MISSING:
        raise cell_fault(column, "is missing. Add the column, or map another one to it", "Expected is missing")
    if value == "" and not is_exact:
        return NONE_GIVEN
    if kind == "tool_calls":
        return kind, compact_json(read_expected_calls(value, column, parse))
    if kind == "json":
        return kind, compact_json(parse(value, column) if isinstance(value, str) and not is_exact else value)
    if value is None:
        return NONE_GIVEN
    return kind, compact_json(_read_text(value, column) if kind == "text" else _read_number(value, column))


def read_kind(value: Any, column: str) -> str:
    """Return the kind that a cell of the kind column names, "" for none. Raises CellFault."""
    if value is MISSING or value is None or value == "":
        return ""
    kind = value.strip().lower().replace(" ", "_") if isinstance(value, str) else ""
    if kind not in EXPECTED_KINDS:
        what = f"is {shown(value)}. Write text, number, json or tool_calls, or leave it empty"
        raise cell_fault(column, what, "Unknown kind of expected")
    return kind


def _guess(value: Any, column: str, parse: Parse) -> tuple[str, Any]:
    """Return the kind that a value has by itself, and the value as that kind; "" for none."""
    if value is MISSING or value is None or value == "":
        return "", None
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        try:
            value = parse(value, column)
        except CellFault:
            return "text", value
    if isinstance(value, str):
        return "text", value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number", value
    return ("tool_calls" if looks_like_calls(value) else "json"), value


def _read_text(value: Any, column: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        what = (
            f"is {'an object' if isinstance(value, dict) else 'a list'}, not text. Choose JSON as the kind of expected"
        )
        raise cell_fault(column, what, "Expected is not text")
    return compact_json(value).decode()


def _read_number(value: Any, column: str) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        what = f"is {shown(compact_json(value).decode())}, not a number. Correct it, or choose another kind of expected"
        raise cell_fault(column, what, "Expected is not a number")
    try:
        number = read_number(value)
    except NotOneNumber as error:
        raise CellFault(f"{shown(column)}: {error}", kind="Expected is not a number", column=column) from error
    return _plain_number(number, column)


def _plain_number(number: Decimal, column: str) -> int | float:
    if SMALLEST <= number <= LARGEST:
        is_whole = number == number.to_integral_value()
        return int(number) if is_whole else float(number)
    raise cell_fault(
        column, "holds a number larger than 64 bits. Choose text as the kind of expected", "Number too large"
    )
