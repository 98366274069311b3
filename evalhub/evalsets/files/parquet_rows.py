"""Rows of a Parquet file, a few at a time: what it says of its own size is not to be believed."""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from evalhub.evalsets.files.faults import LONGEST_NAME, CellFault, RowError, UploadError, shown
from evalhub.evalsets.files.limits import MB, Limits, spell_size
from evalhub.evalsets.files.row_shape import Row, check_row
from evalhub.evalsets.files.strict_json import LARGEST, SMALLEST, Parser

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # it has no stubs
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # it has no stubs

# A dictionary page of one value of 1 MB, named 200,000 times, takes 700 bytes and decodes to 200 GB. 64 rows of it are
# 64 MB, so the sum of what was decoded reaches its cap long before the memory does.
BATCH_ROWS = 64
READ_BYTES = MB
FOOTER_BYTES = 64 * MB
FOOTER_ITEMS = 1_000_000


class ParquetRows:
    """The rows as dicts of JSON values, each with its number from 1."""

    def __init__(self, path: Path | BinaryIO, limits: Limits) -> None:
        self.limits = limits
        self.file = _open(path)
        metadata = self.file.metadata
        if metadata.num_rows > limits.rows:
            raise UploadError(f"The file has {metadata.num_rows:,} rows; at most {limits.rows:,} are read. Split it.")
        self.header: list[str] = list(self.file.schema_arrow.names)
        self._check_header()
        self.decoded = 0
        self.seen = 0
        self.rows_stated: int = max(1, metadata.num_rows)

    @property
    def share(self) -> float:
        """How much of the file has been read, 0 to 1."""
        return min(1.0, self.seen / self.rows_stated)

    def __iter__(self) -> Iterator[tuple[int, Row | RowError]]:
        parser = Parser(self.limits.nesting)
        for rows, size in self._batches():
            for row in rows:
                self.seen += 1
                try:
                    value = {column: json_value(cell, column) for column, cell in row.items()}
                    parser.check_value(value)
                    yield self.seen, check_row(value, size, self.limits)
                except CellFault as fault:
                    yield self.seen, fault.at(self.seen)

    def _batches(self) -> Iterator[tuple[list[Row], int]]:
        """Yield some rows and the bytes that they take together."""
        import pyarrow as pa  # slow, 0.4 s, and only this format needs it

        batches = self.file.iter_batches(batch_size=BATCH_ROWS, use_threads=False)
        while True:
            try:
                batch = next(batches, None)
                if batch is None:
                    return
                self.decoded += batch.nbytes
                self._check_decoded()
                rows = _to_microseconds(batch).to_pylist()
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, UnicodeDecodeError, OverflowError) as error:
                raise UploadError(
                    f"Row {self.seen + 1}: the Parquet file is damaged, or of a kind that is not read "
                    f"({_short(error)}). Export it again."
                ) from error
            yield rows, batch.nbytes

    def _check_decoded(self) -> None:
        if self.decoded > self.limits.decoded_bytes:
            raise UploadError(
                f"Row {self.seen + 1} of {self.rows_stated:,}: the file unpacks to more than "
                f"{spell_size(self.limits.decoded_bytes)}, which is the most that is read. Split it."
            )

    def _check_header(self) -> None:
        if len(self.header) > self.limits.columns:
            raise UploadError(f"The file has {len(self.header)} columns; at most {self.limits.columns} are read.")
        for name in self.header:
            if self.header.count(name) > 1:
                raise UploadError(f"The file names the column {shown(name)} twice. Rename one of them.")
            if len(name) > LONGEST_NAME:
                raise UploadError(f"The name of a column has {len(name):,} characters: {shown(name)}. Shorten it.")


def json_value(value: Any, column: str) -> Any:
    """Return an Arrow cell as JSON has it: times in ISO 8601, decimals as numbers. Raises CellFault."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _not_kept(column, f"{value}, which is not a number in JSON. Write null", "NaN or Infinity")
        return value
    if isinstance(value, dict):
        return {str(key): json_value(item, column) for key, item in value.items()}
    if isinstance(value, list):
        return [json_value(item, column) for item in value]
    if isinstance(value, tuple):  # an entry of a map
        return [json_value(item, column) for item in value]
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return _number(value, column)
    if isinstance(value, bytes):
        return _text(value, column)
    raise _not_kept(column, f"a value of the kind {type(value).__name__}. Convert it to text", "Kind of value not read")


def _number(value: decimal.Decimal, column: str) -> int | float:
    if not value.is_finite():
        raise _not_kept(column, f"{value}, which is not a number in JSON. Write null", "NaN or Infinity")
    if value == value.to_integral_value() and SMALLEST <= value <= LARGEST:
        return int(value)
    if value == value.to_integral_value():
        raise _not_kept(column, "an integer larger than 64 bits. Convert it to text", "Integer too large")
    return float(value)


def _text(value: bytes, column: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise _not_kept(column, "bytes that are not UTF-8 text. Leave the column out", "Not text") from None


def _not_kept(column: str, what: str, kind: str) -> CellFault:
    return CellFault(f"{shown(column)} holds {what}.", kind=kind, column=column)


def _open(path: Path | BinaryIO) -> pq.ParquetFile:
    import pyarrow as pa  # slow, 0.4 s, and only this format needs it
    import pyarrow.parquet as pq

    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    try:
        return pq.ParquetFile(
            path,
            buffer_size=READ_BYTES,
            thrift_string_size_limit=FOOTER_BYTES,
            thrift_container_size_limit=FOOTER_ITEMS,
        )
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise UploadError(
            f"The Parquet file is damaged or cut short ({_short(error)}). Export and upload it again."
        ) from error


def _to_microseconds(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the batch without nanoseconds, which Python's datetime does not have."""
    import pyarrow as pa  # already loaded by _open

    for index, field in enumerate(batch.schema):
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
            exact = batch.column(index).cast(pa.timestamp("us", field.type.tz), safe=False)
            batch = batch.set_column(index, field.name, exact)
    return batch


def _short(error: Exception) -> str:
    return shown(str(error).splitlines()[0] if str(error) else type(error).__name__).strip("“”")
