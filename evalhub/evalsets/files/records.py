"""What all kinds of rows have in common on their way into a record: cells by mapping, unique ids, the request."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, NamedTuple

from evalhub.evalsets.files import cells
from evalhub.evalsets.files.chat_requests import looks_like_messages, read_request
from evalhub.evalsets.files.columns import MISSING, Column, metadata_name, open_column, parse_column
from evalhub.evalsets.files.faults import CellFault, cell_fault, shown
from evalhub.evalsets.files.formats import Format
from evalhub.evalsets.files.limits import Limits
from evalhub.evalsets.files.mapping import Mapping, WithRequest
from evalhub.evalsets.files.row_shape import Row
from evalhub.evalsets.files.strict_json import Parser
from evalhub.evalsets.files.tool_calls import read_output_calls

NOTES_KEPT = 50
LOOKS_LIKE_CHAT = re.compile(r"""\s*(?:\[\s*\{\s*["']role|\[\s*\{\s*["']content|\{\s*["']messages)["']""")


class Shape(NamedTuple):
    """What the file's format says about its cells."""

    unit: str
    """“line” or “row”: what its numbers count."""
    is_flat: bool
    """Columns are the header's: no fields inside objects. CSV."""
    is_exact: bool
    """Cells have JSON values, so a text is a text. JSON and JSONL; in CSV and Parquet a text may be JSON to be read."""

    @classmethod
    def of(cls, format_: Format) -> Shape:
        unit = "row" if format_ is Format.PARQUET else "line"
        return cls(unit, format_ is Format.CSV, format_ in {Format.JSON, Format.JSONL})


class RecordReader:
    """Reads the cells of one file's rows by its mapping, and remembers the ids."""

    COLUMNS: tuple[str, ...] = ()

    def __init__(self, mapping: Mapping, shape: Shape, limits: Limits) -> None:
        self.shape = shape
        self.limits = limits
        self.notes: Counter[str] = Counter()
        spellings = mapping.columns()
        self.columns = {
            field.name: open_column(spellings.get(field.name, ""), is_flat=shape.is_flat, field=field.name)
            for field in mapping.FIELDS
        }
        self.lines_of_keys: dict[str, int] = {}
        self._id = self.columns["id"]
        self._parser = Parser(limits.nesting)

    def copy_line(self, line: int, number: int, position: int, row: Row) -> bytes:
        """Return the row as a line of COPY text. Raises CellFault.

        ``line`` is where it stands, ``number`` which row of the file it is, ``position`` which of the good ones.
        """
        raise NotImplementedError

    def parse(self, text: str, column: str) -> Any:
        """Return the JSON value that a text cell holds; raise CellFault that names the column."""
        try:
            return self._parser.parse(text.encode())
        except CellFault as fault:
            raise CellFault(f"{shown(column)}: {fault.reason}", kind=fault.kind, column=column) from fault

    def calls_in(self, value: Any) -> list[dict[str, str]]:
        """Return the tool calls that a model made, from a cell of the column mapped to them, or from its answer."""
        return [] if value is MISSING else read_output_calls(value, self.columns["tool_calls"].name, self.parse)

    def read_id(self, row: Row) -> str:
        """Return the id in a row; raise CellFault if there is none."""
        value = self._id.get(row)
        key = cells.read_name(value, self._id.name, self.limits.id_characters)
        if not key:
            what = "is missing" if value is MISSING else "is empty"
            raise cell_fault(self._id.name, f"{what}. Give the row an id, or map no column to the id", "Id is missing")
        return key


class RequestReader(RecordReader):
    """Reads what examples and production samples have in common."""

    def __init__(self, mapping: WithRequest, shape: Shape, limits: Limits) -> None:
        super().__init__(mapping, shape, limits)
        self._input, self._tools = self.columns["input"], self.columns["tools"]
        self._tags, self._cluster = self.columns["tags"], self.columns["cluster"]
        self._metadata = self.columns["metadata_object"]
        self._chosen: list[tuple[str, Column]] = [
            (metadata_name(column, is_flat=shape.is_flat), open_column(column, is_flat=shape.is_flat))
            for column in mapping.metadata
        ]
        self._takes_rest = mapping.metadata_rest
        self._used = {column if shape.is_flat else parse_column(column)[0] for column in mapping.all_columns()}

    def key_of(self, row: Row, number: int) -> str:
        """Return the row's id, one of our own where the file has none; raise CellFault if it was there before."""
        if not self._id.is_mapped:
            return f"row-{number:06d}"
        key = self.read_id(row)
        first = self.lines_of_keys.get(key)
        if first is not None:
            what = f"is {shown(key)}, as in {self.shape.unit} {first:,} already. Give each row an id of its own"
            raise cell_fault(self._id.name, what, "Duplicate id")
        return key

    def done(self, key: str, line: int) -> None:
        """Remember the id of a good row."""
        if self._id.is_mapped:
            self.lines_of_keys[key] = line

    def request_of(self, row: Row) -> dict[str, Any]:
        value, column = self._input.get(row), self._input.name
        if value is MISSING or value is None:
            what = "is missing. Add the input, or map another column to it"
            raise cell_fault(column, what, "Input is missing")
        if isinstance(value, str) and not self.shape.is_exact:
            value = self._chat_or_text(value, column)
        return read_request(value, self._tools.get(row), column, self._tools.name, self.parse, self._note)

    def tags_of(self, row: Row) -> list[str]:
        return cells.read_tags(self._tags.get(row), self._tags.name, self.limits, self.parse)

    def cluster_of(self, row: Row) -> str:
        return cells.read_name(self._cluster.get(row), self._cluster.name, self.limits.id_characters)

    def metadata_of(self, row: Row) -> dict[str, Any]:
        """Return the object of the metadata column, and the chosen columns, which win where both have a name."""
        found = cells.read_metadata(self._metadata.get(row), self._metadata.name, self.parse)
        if self._takes_rest:
            rest = {name: value for name, value in row.items() if name not in self._used and not cells.is_absent(value)}
            found = found | rest
        if self._chosen:
            chosen = {name: column.get(row) for name, column in self._chosen}
            found = found | {name: value for name, value in chosen.items() if not cells.is_absent(value)}
        return cells.settle_metadata(found)

    def _chat_or_text(self, text: str, column: str) -> Any:
        """Return the messages that a text cell holds as JSON, or the text."""
        if not text.lstrip().startswith(("[", "{")):
            return text
        try:
            value = self.parse(text, column)
        except CellFault:
            if LOOKS_LIKE_CHAT.match(text):
                raise
            return text
        return value if looks_like_messages(value) else text

    def _note(self, sentence: str) -> None:
        if sentence in self.notes or len(self.notes) < NOTES_KEPT:
            self.notes[sentence] += 1
