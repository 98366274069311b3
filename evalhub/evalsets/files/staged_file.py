"""A whole file, checked row by row and written as COPY text. Runs in the child."""

from __future__ import annotations

import time
from array import array
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from evalhub.evalsets.files.columns import parse_column, spell_column
from evalhub.evalsets.files.examples import ExampleReader
from evalhub.evalsets.files.faults import CellFault, RowError, UploadError
from evalhub.evalsets.files.formats import Format
from evalhub.evalsets.files.labels import LabelReader
from evalhub.evalsets.files.limits import Limits
from evalhub.evalsets.files.mapping import ExampleMapping, LabelMapping, Mapping, OutputMapping, SampleMapping
from evalhub.evalsets.files.outputs import OutputReader
from evalhub.evalsets.files.production_samples import SampleReader
from evalhub.evalsets.files.reading import Reading, open_file
from evalhub.evalsets.files.records import RecordReader, Shape
from evalhub.evalsets.files.report import LINE_NUMBER, LINES_NAME, StagingReport

PROGRESS_SECONDS = 0.5
ROWS_BETWEEN_LOOKS = 256  # at the clock
BUFFER_BYTES = 1 << 20
Progress = Callable[[int, float], None]
"""Takes the number of rows and the share of the file that were read."""


class Tally:
    """Counts good and bad rows, and keeps the first errors."""

    def __init__(self, errors_listed: int) -> None:
        self.good = 0
        self.bad = 0
        self.errors: list[RowError] = []
        self.kinds: Counter[str] = Counter()
        self._errors_listed = errors_listed

    def refuse(self, error: RowError) -> None:
        self.bad += 1
        self.kinds[error.kind] += 1
        if len(self.errors) < self._errors_listed:
            self.errors.append(error)


def make_reader(mapping: Mapping, shape: Shape, limits: Limits) -> RecordReader:
    """Return the reader of a mapping's kind of rows."""
    if isinstance(mapping, ExampleMapping):
        return ExampleReader(mapping, shape, limits)
    if isinstance(mapping, SampleMapping):
        return SampleReader(mapping, shape, limits)
    if isinstance(mapping, OutputMapping):
        return OutputReader(mapping, shape, limits)
    if isinstance(mapping, LabelMapping):
        return LabelReader(mapping, shape, limits)
    raise TypeError(f"no reader for {type(mapping).__name__}")


def staged_columns(purpose: str) -> tuple[str, ...]:
    """Return the columns of the staged file for a purpose, in order."""
    return {
        ExampleMapping.purpose: ExampleReader.COLUMNS,
        SampleMapping.purpose: SampleReader.COLUMNS,
        OutputMapping.purpose: OutputReader.COLUMNS,
        LabelMapping.purpose: LabelReader.COLUMNS,
    }[purpose]


def stage(
    path: Path, name: str, mapping: Mapping, staged_path: Path, limits: Limits, on_progress: Progress
) -> StagingReport:
    """Write the good rows of a file to ``staged_path`` and return what came of it. Raises UploadError."""
    started = time.monotonic()
    reading = open_file(path, name, limits)
    if reading.header:
        _refuse_missing(mapping, reading.header, is_flat=reading.format is Format.CSV)
    reader = make_reader(mapping, Shape.of(reading.format), limits)
    tally = Tally(limits.errors_listed)
    with staged_path.open("wb", buffering=BUFFER_BYTES) as staged:
        lines = _write_rows(reading, reader, tally, staged, on_progress)
        size = staged.tell()
    lines_path = staged_path.with_name(LINES_NAME)
    lines_path.write_bytes(lines)
    return StagingReport(
        format=str(reading.format),
        unit=reading.unit,
        rows_good=tally.good,
        rows_bad=tally.bad,
        errors=[error.to_json() for error in tally.errors],
        error_counts=dict(tally.kinds.most_common()),
        notes=dict(reader.notes.most_common()),
        columns=list(reader.COLUMNS),
        staged_path=str(staged_path),
        lines_path=str(lines_path),
        staged_bytes=size,
        content_hash=reader.content_hash if isinstance(reader, ExampleReader) else "",
        seconds=round(time.monotonic() - started, 3),
    )


def _refuse_missing(mapping: Mapping, header: tuple[str, ...], *, is_flat: bool) -> None:
    """Raise UploadError for columns that are not there: one fault of the file, not one of each row."""
    known = list(header) if is_flat else [spell_column(name) for name in header]
    if not is_flat:  # what is inside an object may be in some rows only
        known += [column for column in mapping.all_columns() if parse_column(column)[0] in header]
    missing = mapping.missing(known)
    if missing:
        raise UploadError(" ".join(missing))


def _write_rows(
    reading: Reading, reader: RecordReader, tally: Tally, staged: BinaryIO, on_progress: Progress
) -> array[int]:
    """Write the good rows; return the line of each."""
    lines = array(LINE_NUMBER)
    shown_at = time.monotonic()
    for number, (line, row) in enumerate(reading.rows, 1):
        if isinstance(row, RowError):
            tally.refuse(row)
        else:
            try:
                staged.write(reader.copy_line(line, number, tally.good + 1, row))
                tally.good += 1
                lines.append(line)
            except CellFault as fault:
                tally.refuse(fault.at(line))
        if number % ROWS_BETWEEN_LOOKS == 0 and time.monotonic() - shown_at >= PROGRESS_SECONDS:
            shown_at = time.monotonic()
            on_progress(number, reading.share())
    return lines
