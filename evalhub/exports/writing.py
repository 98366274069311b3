"""Rows from PostgreSQL to a file, one after the other: memory stays flat whatever their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import orjson
from django.db import connection, transaction

from evalhub.exports.encoding import DELIMITER, csv_copy, header_of, jsonl_copy, typed_copy
from evalhub.exports.models import Export
from evalhub.exports.sources import Column, Holds, Source

if TYPE_CHECKING:
    import psycopg
    import pyarrow

BUFFER = 1 << 20
LOOKS_EVERY = 500
"""Rows after which a writer asks whether it is still wanted."""
GROUP_ROWS, GROUP_BYTES = 20_000, 16 << 20
"""Of a row group in Parquet, whichever is reached first: what is held in memory at once."""
SPLIT = DELIMITER.encode()
Rows = Iterator[bytes]


class Stopped(Exception):
    """The file is not wanted any more, or not from this process."""


@dataclass
class Progress:
    """How far a file is; ``look`` is called now and then, and may raise Stopped."""

    rows: int = 0
    bytes: int = 0
    look: Callable[[], None] = field(default=lambda: None, repr=False)


def write_file(path: Path, source: Source, format: str, progress: Progress) -> None:
    """Write the rows of the source. Raises OSError, Stopped, or what the database raises."""
    writers = {Export.Format.JSONL: _write_jsonl, Export.Format.CSV: _write_csv, Export.Format.PARQUET: _write_parquet}
    with path.open("wb", buffering=BUFFER) as file:
        writers[Export.Format(format)](file, source, progress)
    progress.bytes = path.stat().st_size


def _rows_of(statement: str, parameters: Sequence[Any], progress: Progress) -> Rows:
    """Yield what COPY sends, one message a row, in a transaction of its own."""
    with transaction.atomic(), connection.cursor() as cursor, cursor.copy(statement, parameters) as copy:
        for row in copy:
            progress.rows += 1
            if progress.rows % LOOKS_EVERY == 0:
                progress.look()
            yield row


def _write_jsonl(file: IO[bytes], source: Source, progress: Progress) -> None:
    select, parameters = source.sql()
    last = source.columns[-1]
    with closing(_rows_of(jsonl_copy(source.columns, select), parameters, progress)) as rows:
        for line in _with_objects(rows, last.name) if last.holds is Holds.OBJECT else _closed(rows):
            file.write(line)
            progress.bytes += len(line)


def _closed(rows: Rows) -> Rows:
    return (bytes(row)[:-1] + b"}\n" for row in rows)


def _with_objects(rows: Rows, name: str) -> Rows:
    """Put the object that stands behind each line into it, with its keys sorted as in a version's download."""
    before = f',"{name}":'.encode()
    for row in rows:
        line, _, value = bytes(row).rpartition(SPLIT)
        if value in (b"{}\n", b"\n"):
            yield line + b"}\n"
        else:
            yield b"".join((line, before, orjson.dumps(orjson.loads(value), option=orjson.OPT_SORT_KEYS), b"}\n"))


def _write_csv(file: IO[bytes], source: Source, progress: Progress) -> None:
    select, parameters = source.sql()
    file.write(header_of(source.columns))
    with closing(_rows_of(csv_copy(source.columns, select), parameters, progress)) as rows:
        for row in rows:
            file.write(row)
            progress.bytes += len(row)


def _write_parquet(file: IO[bytes], source: Source, progress: Progress) -> None:
    # 0.3 s and 60 MB, which a web process never needs: it leaves Parquet to the workers.
    from pyarrow.parquet import ParquetWriter

    select, parameters = source.sql()
    schema = _schema_of(source.columns)
    with (
        closing(_rows_of(typed_copy(source.columns, select), parameters, progress)) as rows,
        ParquetWriter(file, schema, compression="zstd") as writer,
    ):
        for group in _groups(rows, progress):
            writer.write_table(_table_of(group, source.columns, schema))


def _groups(rows: Rows, progress: Progress) -> Iterator[bytes]:
    """Yield some thousand rows at a time, each whole."""
    group: list[bytes] = []
    size = 0
    for row in rows:
        group.append(row)
        size += len(row)
        progress.bytes += len(row)
        if len(group) >= GROUP_ROWS or size >= GROUP_BYTES:
            yield b"".join(group)
            group, size = [], 0
    if group:
        yield b"".join(group)


def _schema_of(columns: Sequence[Column]) -> pyarrow.Schema:
    import pyarrow

    types = {
        Holds.INTEGER: pyarrow.int64(),
        Holds.NUMBER: pyarrow.float64(),
        Holds.BOOLEAN: pyarrow.bool_(),
        Holds.TIME: pyarrow.timestamp("us", tz="UTC"),
        Holds.TEXTS: pyarrow.list_(pyarrow.string()),
    }
    return pyarrow.schema([(column.name, types.get(column.holds, pyarrow.string())) for column in columns])


def _table_of(rows: bytes, columns: Sequence[Column], schema: pyarrow.Schema) -> pyarrow.Table:
    """Return rows of ``encoding.typed_copy`` as a table of these types."""
    import pyarrow
    from pyarrow import csv

    read = {Holds.TIME: pyarrow.int64(), Holds.TEXTS: pyarrow.string()}
    table = csv.read_csv(
        BytesIO(rows),
        csv.ReadOptions(use_threads=False, block_size=len(rows) + 1, column_names=schema.names),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            check_utf8=False,
            column_types={column.name: read.get(column.holds, schema.field(column.name).type) for column in columns},
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    arrays = []
    for column in columns:
        values = table.column(column.name)
        if column.holds is Holds.TEXTS:
            lists = [orjson.loads(text) if text else [] for text in values.to_pylist()]
            values = pyarrow.array(lists, schema.field(column.name).type)
        arrays.append(values.cast(schema.field(column.name).type))
    return pyarrow.Table.from_arrays(arrays, schema=schema)


def stop_query() -> Callable[[], None]:
    """Return a function that ends what this thread's connection is at, for another thread to call."""
    connection.ensure_connection()
    raw = cast("psycopg.Connection[Any]", connection.connection)
    return raw.cancel_safe
