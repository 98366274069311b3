"""What every row must be, whatever format it came in: an object, of a size that is read."""

from __future__ import annotations

from typing import Any

from evalhub.evalsets.files.faults import CellFault, shown
from evalhub.evalsets.files.limits import Limits

KINDS = {str: "a text", bool: "true or false", int: "a number", float: "a number", list: "a list", type(None): "null"}
Row = dict[str, Any]


def check_row(value: Any, size: int, limits: Limits) -> Row:
    """Return ``value``, which took ``size`` bytes, if it is an object with cells that are read. Raises CellFault."""
    if not isinstance(value, dict):
        raise CellFault(
            f'The row is {KINDS[type(value)]}, not an object such as {{"input": "…"}}. Write one object a row.',
            kind="Not an object",
        )
    if len(value) > limits.columns:
        raise CellFault(
            f"The row has {len(value)} fields; at most {limits.columns} are read. Put the rest into one object.",
            kind="Too many fields",
        )
    if size > limits.cell_characters:
        _check_cells(value, limits.cell_characters)
    return value


def _check_cells(row: Row, longest: int) -> None:
    waiting: list[tuple[Any, str]] = [(value, column) for column, value in row.items()]
    while waiting:
        value, column = waiting.pop()
        if isinstance(value, str) and len(value) > longest:
            raise CellFault(
                f"{shown(column)} holds a text of {len(value):,} characters; at most {longest:,} are read. Shorten it.",
                kind="Field too long",
                column=column,
            )
        if isinstance(value, dict):
            waiting.extend((item, column) for item in value.values())
        elif isinstance(value, list):
            waiting.extend((item, column) for item in value)
