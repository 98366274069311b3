"""Open an uploaded file, whatever its format, as a stream of rows."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from evalhub.evalsets.files.blocks import Source
from evalhub.evalsets.files.csv_rows import CsvRows
from evalhub.evalsets.files.delimiters import find_delimiter
from evalhub.evalsets.files.faults import RowError, UploadError
from evalhub.evalsets.files.formats import HEAD_BYTES, Format, detect_format
from evalhub.evalsets.files.json_rows import json_rows
from evalhub.evalsets.files.jsonl_rows import jsonl_rows
from evalhub.evalsets.files.limits import Limits
from evalhub.evalsets.files.lines import split_lines
from evalhub.evalsets.files.parquet_rows import ParquetRows
from evalhub.evalsets.files.row_shape import Row

Rows = Iterable[tuple[int, Row | RowError]]


@dataclass(frozen=True)
class Reading:
    """An opened file. ``rows`` may be gone through once."""

    format: Format
    is_gzip: bool
    rows: Rows
    share: Callable[[], float]
    header: tuple[str, ...] = ()
    """The columns, where the format states them; empty for JSON and JSONL."""
    delimiter: str = ""

    @property
    def unit(self) -> str:
        """What a place in the file is called."""
        return "Row" if self.format is Format.PARQUET else "Line"


def open_file(path: Path, name: str, limits: Limits) -> Reading:
    """Return the file's rows: ``(line, row)`` or ``(line, RowError)``, the line as a person counts it.

    ``name`` is what the person's machine called the file; it is only looked at where the content leaves the format
    open. Raises UploadError for faults of the file as a whole, here and while the rows are read.
    """
    source = Source(path, limits)
    head = source.head(HEAD_BYTES)
    format_ = detect_format(head, name)
    if format_ is Format.PARQUET:
        return _open_parquet(source, limits)
    if format_ is Format.CSV:
        return _open_csv(source, head, limits)
    blocks = source.blocks()
    rows = json_rows(blocks, limits) if format_ is Format.JSON else jsonl_rows(split_lines(blocks, limits), limits)
    return Reading(
        format_, source.is_gzip, _capped(rows, limits, "The list in the file has no rows."), lambda: source.share
    )


def _open_csv(source: Source, head: bytes, limits: Limits) -> Reading:
    whole_lines = head if len(head) < HEAD_BYTES else head[: head.rfind(b"\n") + 1] or head
    delimiter = find_delimiter(whole_lines.decode("utf-8-sig", "replace"), is_whole=len(head) < HEAD_BYTES)
    rows = CsvRows(split_lines(source.blocks(), limits), delimiter, limits)
    return Reading(
        Format.CSV,
        source.is_gzip,
        _capped(rows, limits, "The file has a header but no rows."),
        lambda: source.share,
        tuple(rows.header),
        delimiter,
    )


def _open_parquet(source: Source, limits: Limits) -> Reading:
    rows = ParquetRows(_unpack(source) if source.is_gzip else source.path, limits)
    return Reading(
        Format.PARQUET,
        source.is_gzip,
        _capped(rows, limits, "The file has a header but no rows."),
        lambda: rows.share,
        tuple(rows.header),
    )


def _unpack(source: Source) -> BinaryIO:
    """Return the unpacked file, written to a nameless temporary place: Parquet is read from its end."""
    unpacked = tempfile.TemporaryFile(dir=source.path.parent)  # noqa: SIM115 -- the reader of the rows keeps it open
    for block in source.blocks():
        unpacked.write(block)
    return cast(BinaryIO, unpacked)


def _capped(rows: Rows, limits: Limits, none: str) -> Iterator[tuple[int, Row | RowError]]:
    count = 0
    for count, item in enumerate(rows, 1):
        if count > limits.rows:
            raise UploadError(f"The file has more than {limits.rows:,} rows, which is the most that is read. Split it.")
        yield item
    if not count:
        raise UploadError(f"{none} Add at least one, or choose another file.")
