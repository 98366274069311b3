"""How the rows of a source are spelled as JSONL, CSV and for Parquet: in SQL, so that PostgreSQL does the work.

Each is a COPY in PostgreSQL's CSV format, of which the server sends one message a row. JSON has no raw control
characters, so with two of them as quotation mark and delimiter the pieces of a line come as they are: a line of JSONL
is what is left when the delimiters are taken out. Putting the pieces together in SQL would copy each several times.
"""

from __future__ import annotations

from collections.abc import Sequence

from evalhub.exports.sources import Column, Holds

QUOTE, DELIMITER = "\x01", "\x02"
SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
# They may stand before a sign: some programs take them away and then calculate.
BLANKS = (" ", "\v", "\f", "\u00a0", "\u3000", "\ufeff")
LOOKED_AT = 200
NUMERIC = {Holds.INTEGER, Holds.NUMBER}
MICROSECONDS = 1_000_000


def jsonl_copy(columns: Sequence[Column], select: str) -> str:
    """Pieces of lines, each line without its end, “}”; an object, whose keys Python sorts, is the last piece."""
    selected = []
    for place, column in enumerate(columns):
        if column.holds is Holds.OBJECT:
            selected.append(f"CASE WHEN c{place} <> '{{}}' THEN c{place} END")
            continue
        name, value = f"'{',' if place else '{'}\"{column.name}\":'", _json_of(place, column)
        absent = _is_absent(place, column) if place else ""
        selected += [f"CASE WHEN NOT ({absent}) THEN {piece} END" if absent else piece for piece in (name, value)]
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
    if column.holds in {Holds.JSON, Holds.INTEGER}:
        return f"c{place}"
    if column.holds is Holds.TEXTS:
        return f"array_to_json(c{place})"
    return f"to_json(coalesce(c{place}, ''))" if column.is_kept else f"to_json(c{place})"


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
    is_formula = f"left({text}, 1) IN ({_listed(SIGNS)})"
    # Looked at only where the first character is a blank, which is rare: these steps take longer than all the others.
    rest = f"left(ltrim(left({text}, {LOOKED_AT}), {_text(''.join(BLANKS))}), 1) IN ({_listed(SIGNS)})"
    is_hidden = f"left({text}, 1) IN ({_listed(BLANKS)}) AND {rest}"
    return f"CASE WHEN {is_formula} OR {is_hidden} THEN '''' || {text} ELSE {text} END"


def _listed(characters: Sequence[str]) -> str:
    return ", ".join(map(_text, characters))


def _text(value: str) -> str:
    """A constant of ours as SQL."""
    return f"'{value}'"


def _typed_of(place: int, column: Column) -> str:
    if column.holds is Holds.TIME:
        return f"(extract(epoch FROM c{place}) * {MICROSECONDS})::bigint"
    if column.holds is Holds.TEXTS:
        return f"array_to_json(c{place})::text"
    return f"c{place}::float8" if column.holds is Holds.NUMBER else f"c{place}"


def _time_of(place: int) -> str:
    return f"trim(BOTH '\"' FROM to_json(c{place})::text)"
