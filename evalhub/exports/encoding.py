"""How the rows of a source are spelled as JSONL, CSV and for Parquet: in SQL, so that PostgreSQL does the work.

Each is a COPY in PostgreSQL's CSV format, of which the server sends one message a row. JSON has no raw control
characters, so with two of them as quotation mark and delimiter nothing in a line of JSONL is ever quoted: the bytes
that come are the bytes of the file.
"""

from __future__ import annotations

from collections.abc import Sequence

from evalhub.exports.sources import Column, Holds

QUOTE, DELIMITER = "\x01", "\x02"
# White space may stand before the sign: some programs take it away and then calculate.
BLANKS = r" \t\r\n\v\f" + "\u00a0\u3000"
SIGNS = "'=', '+', '-', '@', '＝', '＋', '－', '＠'"
NUMERIC = {Holds.INTEGER, Holds.NUMBER}
MICROSECONDS = 1_000_000


def jsonl_copy(columns: Sequence[Column], select: str) -> str:
    """Lines without their end, “}”; an object, whose keys Python sorts, stands apart behind the delimiter."""
    pieces = []
    for place, column in enumerate(columns):
        if column.holds is Holds.OBJECT:
            continue
        text = f"'{',' if place else '{'}\"{column.name}\":' || {_json_of(place, column)}"
        absent = _is_absent(place, column) if place else ""
        pieces.append(f"CASE WHEN {absent} THEN '' ELSE {text} END" if absent else text)
    line = " || ".join(pieces)
    selected = [line, *(f"c{place}::text" for place, column in enumerate(columns) if column.holds is Holds.OBJECT)]
    options = f"FORMAT csv, QUOTE '{QUOTE}', ESCAPE '{QUOTE}', DELIMITER '{DELIMITER}'"
    return _copy(selected, columns, select, options)


def csv_copy(columns: Sequence[Column], select: str) -> str:
    """Cells that a spreadsheet does not calculate: numbers as they are, texts that look like a formula behind an ’."""
    return _copy([_cell_of(place, column) for place, column in enumerate(columns)], columns, select, "FORMAT csv")


def typed_copy(columns: Sequence[Column], select: str) -> str:
    """Cells for a typed reader: null is an empty cell, an empty text a quoted one, times are microseconds of 1970."""
    selected = [_typed_of(place, column) for place, column in enumerate(columns)]
    return _copy(selected, columns, select, "FORMAT csv")


def header_of(columns: Sequence[Column]) -> bytes:
    return ",".join(column.name for column in columns).encode() + b"\n"


def _copy(selected: Sequence[str], columns: Sequence[Column], select: str, options: str) -> str:
    names = ", ".join(f"c{place}" for place in range(len(columns)))
    rows = f"({select}) AS rows ({names})"
    # Everything in it is ours or made by Django; values from outside are parameters of ``select``.
    return f"COPY (SELECT {', '.join(selected)} FROM {rows}) TO STDOUT WITH ({options})"  # noqa: S608 -- see above


def _json_of(place: int, column: Column) -> str:
    if column.holds is Holds.JSON:
        # A raw line end can only stand between two parts there, where a space means the same.
        return f"translate(c{place}::text, E'\\n\\r\\t', '   ')"
    if column.holds is Holds.TEXTS:
        return f"array_to_json(c{place})::text"
    return f"to_json(coalesce(c{place}, ''))::text" if column.is_kept else f"to_json(c{place})::text"


def _is_absent(place: int, column: Column) -> str:
    if column.holds is Holds.TEXTS:
        return f"coalesce(cardinality(c{place}), 0) = 0"
    if column.holds is Holds.TEXT:
        return "" if column.is_kept else f"coalesce(c{place}, '') = ''"
    return f"c{place} IS NULL"


def _cell_of(place: int, column: Column) -> str:
    if column.holds in NUMERIC:
        return f"c{place}"
    if column.holds is Holds.BOOLEAN:
        return f"c{place}::text"
    if column.holds is Holds.TIME:
        return _time_of(place)
    text = f"array_to_json(c{place})::text" if column.holds is Holds.TEXTS else f"c{place}::text"
    guarded = (
        f"left({text}, 1) IN (E'\\t', E'\\r', E'\\n') OR left(ltrim(left({text}, 200), E'{BLANKS}'), 1) IN ({SIGNS})"
    )
    return f"CASE WHEN {guarded} THEN '''' || {text} ELSE {text} END"


def _typed_of(place: int, column: Column) -> str:
    if column.holds is Holds.TIME:
        return f"(extract(epoch FROM c{place}) * {MICROSECONDS})::bigint"
    if column.holds is Holds.TEXTS:
        return f"array_to_json(c{place})::text"
    return f"c{place}::float8" if column.holds is Holds.NUMBER else f"c{place}"


def _time_of(place: int) -> str:
    return f"trim(BOTH '\"' FROM to_json(c{place})::text)"
