"""Rows from PostgreSQL to a file, one after the other: memory stays flat whatever their number."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import orjson
from django.db import connection, transaction

from evalhub.exports.encoding import DELIMITER, QUOTE, csv_copy, header_of, jsonl_copy, typed_copy
from evalhub.exports.models import Export
from evalhub.exports.sources import Column, Holds, Source

if TYPE_CHECKING:
    import psycopg
    import pyarrow  # type: ignore[import-untyped]  # it has no stubs

BUFFER = 1 << 20
BATCH_ROWS, BATCH_BYTES = 500, 1 << 20
"""Rows that are handled together, whichever is reached first; after each batch a writer asks if it is still wanted."""
GROUP_ROWS, GROUP_BYTES = 20_000, 8 << 20
"""Of a row group in Parquet, whichever is reached first: what is held in memory at once."""
SPLIT, QUOTED = DELIMITER.encode(), QUOTE.encode()
Batches = Generator[list[bytes], None, None]


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
    write = writers.get(Export.Format(format)) or partial(_write_records, format=Export.Format(format))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("wb", buffering=BUFFER) as file:
        write(file, source, progress)
    progress.bytes = path.stat().st_size


def _batches_of(statement: str, parameters: Sequence[Any], progress: Progress) -> Batches:
    """Yield what COPY sends, one message a row, in a transaction of its own."""
    with transaction.atomic(), connection.cursor() as cursor, cursor.copy(statement, parameters) as copy:
        batch: list[bytes] = []
        size = 0
        for row in copy:
            batch.append(row)
            size += len(row)
            if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
                yield batch
                progress.rows += len(batch)
                progress.look()
                batch, size = [], 0
        yield batch
        progress.rows += len(batch)


def _write_jsonl(file: IO[bytes], source: Source, progress: Progress) -> None:
    select, parameters = source.sql()
    last = source.columns[-1]
    name = f',"{last.name}":'.encode() if last.holds is Holds.OBJECT else b""
    with closing(_batches_of(jsonl_copy(source.columns, select), parameters, progress)) as batches:
        for batch in batches:
            lines = _with_objects(batch, name) if name else (bytes(row)[:-1] + b"}\n" for row in batch)
            progress.bytes += file.write(_whole(b"".join(lines)))


def _with_objects(rows: Sequence[bytes], name: bytes) -> Iterator[bytes]:
    """Put the object that is each line's last piece into it, with its keys sorted as in a version's download."""
    for row in rows:
        line, _, value = bytes(row).rpartition(SPLIT)
        if len(value) > 1:
            yield b"".join((line, name, orjson.dumps(orjson.loads(value), option=orjson.OPT_SORT_KEYS), b"}\n"))
        else:
            yield line + b"}\n"


def _whole(lines: bytes) -> bytes:
    """Take out what stands between the pieces of lines."""
    if QUOTED in lines:
        lines = _on_one_line(lines)
    return lines.replace(SPLIT, b"")


def _on_one_line(lines: bytes) -> bytes:
    """Take raw line ends out of pieces that PostgreSQL therefore quoted: in JSON they stand where a space may stand."""
    parts = lines.split(QUOTED)
    parts[1::2] = [part.replace(b"\n", b" ").replace(b"\r", b" ") for part in parts[1::2]]
    return b"".join(parts)


def _write_csv(file: IO[bytes], source: Source, progress: Progress) -> None:
    select, parameters = source.sql()
    file.write(header_of(source.columns))
    with closing(_batches_of(csv_copy(source.columns, select), parameters, progress)) as batches:
        for batch in batches:
            progress.bytes += file.write(b"".join(batch))


def _write_records(file: IO[bytes], source: Source, progress: Progress, format: Export.Format) -> None:
    """Lines of JSON; of a format whose files are one JSON value, the items of a list."""
    is_list = Export.ENDINGS.get(format) == "json"
    head, between, foot = (b"[\n", b",\n", b"\n]\n") if is_list else (b"", b"\n", b"\n")
    with transaction.atomic():  # what the records are read from may be read in several steps
        records = source.records(format)
        while batch := [_as_json(record) for record in islice(records, BATCH_ROWS)]:
            file.write(between if progress.rows else head)
            progress.bytes += file.write(between.join(batch))
            progress.rows += len(batch)
            progress.look()
        file.write(foot if progress.rows else head + foot.lstrip() if is_list else b"")


def _as_json(record: Mapping[str, Any]) -> bytes:
    return orjson.dumps(record, option=orjson.OPT_UTC_Z)


def _write_parquet(file: IO[bytes], source: Source, progress: Progress) -> None:
    # 0.3 s and 60 MB, which a web process never needs: it leaves Parquet to the workers.
    from pyarrow.parquet import ParquetWriter  # type: ignore[import-untyped]  # it has no stubs

    select, parameters = source.sql()
    schema = _schema_of(source.columns)
    with (
        closing(_batches_of(typed_copy(source.columns, select), parameters, progress)) as batches,
        ParquetWriter(file, schema, compression="zstd") as writer,
    ):
        for group in _groups(batches):
            writer.write_table(_table_of(group, source.columns, schema))
            progress.bytes = file.tell()


def _groups(batches: Batches) -> Iterator[bytes]:
    """Yield some thousand rows at a time, each whole."""
    parts: list[bytes] = []
    rows = size = 0
    for batch in batches:
        parts.append(b"".join(batch))
        rows, size = rows + len(batch), size + len(parts[-1])
        if rows >= GROUP_ROWS or size >= GROUP_BYTES:
            yield b"".join(parts)
            parts, rows, size = [], 0, 0
    if rows:
        yield b"".join(parts)


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
            values = _lists_of(values.to_pylist())
        arrays.append(values.cast(schema.field(column.name).type))
    return pyarrow.Table.from_arrays(arrays, schema=schema)


def _lists_of(texts: Sequence[str | None]) -> pyarrow.Array:
    """Return JSON lists of texts as lists, an absent one as empty."""
    import pyarrow
    from pyarrow import json

    # pyarrow.array would do it too, but imports pandas to see whether it was given any of its: 0.5 s and 60 MB.
    lines = b"".join(b'{"list":%b}\n' % (text or "[]").encode() for text in texts)
    options = json.ReadOptions(use_threads=False, block_size=len(lines) + 1)
    schema = pyarrow.schema([("list", pyarrow.list_(pyarrow.string()))])
    return json.read_json(BytesIO(lines), options, json.ParseOptions(explicit_schema=schema)).column("list")


def stop_query() -> Callable[[], None]:
    """Return a function that ends what this thread's connection is at, for another thread to call."""
    connection.ensure_connection()
    raw = cast("psycopg.Connection[Any]", connection.connection)
    return raw.cancel_safe
