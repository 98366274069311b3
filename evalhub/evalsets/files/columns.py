"""Columns by name, those inside objects too, spelled so that each spelling means one place.

A field inside an object is its parent's name, a dot and its own: ``usage.prompt_tokens``. A name that itself holds a
dot or a quotation mark, or begins or ends with a space, is put in quotation marks, as in JSON:
``outputs."gpt-3.5-turbo"``. In CSV there are no objects, and a column is spelled as the header has it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import orjson

from evalhub.evalsets.files.canonical import CANONICAL_NAMES
from evalhub.evalsets.files.faults import LONGEST_NAME
from evalhub.evalsets.files.row_shape import Row

MOST_INSIDE = 200
"""Fields inside objects that are offered; more is a table turned on its side."""
NEEDS_QUOTES = re.compile(r'[."\\\x00-\x1f]|\A\s|\s\Z|\A\Z')
PART = re.compile(r'"(?:[^"\\]|\\.)*+"|[^."]++')


class _Missing:
    """Nothing stands at a place: neither a value nor null."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
Getter = Callable[[Row], Any]


def spell_column(*names: str) -> str:
    """Return the spelling of a column, or of a field inside one."""
    return ".".join(orjson.dumps(name).decode() if NEEDS_QUOTES.search(name) else name for name in names)


def parse_column(spelling: str) -> tuple[str, ...]:
    """Return the names that ``spell_column`` was given; a spelling that it never gives stands for itself."""
    parts = PART.findall(spelling)
    names = tuple(orjson.loads(part) if part.startswith('"') else part for part in parts)
    return names if ".".join(parts) == spelling else (spelling,)


class Column(NamedTuple):
    """What a field is mapped to: how its value is got out of a row, and its name for sentences."""

    get: Getter
    """Gives MISSING where nothing stands."""
    name: str
    is_mapped: bool = True


def open_column(spelling: str, *, is_flat: bool, field: str = "") -> Column:
    """Return the column of a spelling; for "" one that is always MISSING, named as the ``field`` that has none."""
    if not spelling:
        return Column(lambda row: MISSING, field, is_mapped=False)
    first, *rest = (spelling,) if is_flat else parse_column(spelling)
    if not rest:
        return Column(lambda row: row.get(first, MISSING), spelling)

    def get_inner(row: Row) -> Any:
        value: Any = row.get(first, MISSING)
        for name in rest:
            value = value.get(name, MISSING) if isinstance(value, dict) else MISSING
        return value

    return Column(get_inner, spelling)


def metadata_name(spelling: str, *, is_flat: bool) -> str:
    """Return the key that a chosen column has in the metadata: its plain name, or its spelling inside an object."""
    names = (spelling,) if is_flat else parse_column(spelling)
    return names[0] if len(names) == 1 else spelling


def list_columns(rows: Sequence[Row], header: Sequence[str], *, is_flat: bool) -> list[str]:
    """Return the columns that can be mapped: those of the header and of the rows, then the fields inside objects.

    Rows that look like EvalHub's own download offer all of its names, since a line leaves out what is empty.
    """
    if is_flat:
        return list(header)
    if not header and is_own_download(rows):
        return list(CANONICAL_NAMES)
    top: dict[str, None] = dict.fromkeys(header)
    inside: dict[tuple[str, str], None] = {}
    for row in rows:
        top.update(dict.fromkeys(row))
        for name, value in row.items():
            if isinstance(value, dict):
                inside.update(dict.fromkeys((name, inner) for inner in value))
    columns = [spell_column(name) for name in top]
    columns += [spell_column(*names) for names in list(inside)[:MOST_INSIDE]]
    return [column for column in columns if len(column) <= 2 * LONGEST_NAME]


def is_own_download(rows: Sequence[Row]) -> bool:
    """Whether the rows are lines that ``canonical`` wrote."""
    return bool(rows) and all(
        {"id", "input"} <= row.keys() <= set(CANONICAL_NAMES)
        and isinstance(row["input"], dict)
        and "messages" in row["input"]
        and ("expected" in row) == ("expected_kind" in row)
        for row in rows
    )
