"""The first rows of a file, a guess at the mapping, and what would be wrong with them. Runs in the child."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

from evalhub.evalsets.files.cells import read_text
from evalhub.evalsets.files.columns import list_columns, open_column
from evalhub.evalsets.files.delimiters import spell_delimiter
from evalhub.evalsets.files.faults import CellFault, RowError
from evalhub.evalsets.files.guessing import guess_mapping
from evalhub.evalsets.files.limits import Limits
from evalhub.evalsets.files.mapping import Mapping
from evalhub.evalsets.files.reading import open_file
from evalhub.evalsets.files.records import Shape
from evalhub.evalsets.files.report import Preview
from evalhub.evalsets.files.row_shape import Row
from evalhub.evalsets.files.staged_file import make_reader


def preview(path: Path, name: str, purpose: str, mapping: Mapping | None, limits: Limits) -> Preview:
    """Return the preview of a file; ``mapping`` None lets it be guessed. Raises UploadError."""
    reading = open_file(path, name, limits)
    shape = Shape.of(reading.format)
    items = list(islice(reading.rows, limits.preview_rows))
    rows = [row for _, row in items if not isinstance(row, RowError)]
    columns = list_columns(rows, reading.header, is_flat=shape.is_flat)
    chosen = mapping or guess_mapping(purpose, columns, rows, is_flat=shape.is_flat)
    problems = chosen.problems(columns)
    return Preview(
        format=str(reading.format),
        is_gzip=reading.is_gzip,
        delimiter=spell_delimiter(reading.delimiter) if reading.delimiter else "",
        unit=reading.unit,
        size=path.stat().st_size,
        columns=columns,
        rows=[_show(line, row, columns, shape, limits) for line, row in items],
        mapping=chosen.to_json(),
        problems=problems,
        errors=[] if problems else _errors(items, chosen, shape, limits),
    )


def _show(line: int, row: Row | RowError, columns: list[str], shape: Shape, limits: Limits) -> dict[str, Any]:
    if isinstance(row, RowError):
        return {"line": line, "reason": row.reason}
    cells = {}
    for column in columns:
        text = read_text(open_column(column, is_flat=shape.is_flat).get(row))
        cut = limits.preview_characters
        cells[column] = text[:cut] + "…" if len(text) > cut else text
    return {"line": line, "cells": cells}


def _errors(
    items: list[tuple[int, Row | RowError]], mapping: Mapping, shape: Shape, limits: Limits
) -> list[dict[str, Any]]:
    reader = make_reader(mapping, shape, limits)
    found = []
    for number, (line, row) in enumerate(items, 1):
        try:
            if isinstance(row, RowError):
                error = row
            else:
                reader.copy_line(line, number, number, row)
                continue
        except CellFault as fault:
            error = fault.at(line)
        found.append(error.to_json())
    return found
