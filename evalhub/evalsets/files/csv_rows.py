"""Rows of a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from evalhub.evalsets.files.delimiters import spell_delimiter
from evalhub.evalsets.files.encodings import refuse_line
from evalhub.evalsets.files.faults import LONGEST_NAME, CellFault, RowError, UploadError, shown
from evalhub.evalsets.files.limits import Limits
from evalhub.evalsets.files.lines import Lines, long_line
from evalhub.evalsets.files.row_shape import Row


class TextLines:
    """The lines of the file as text, for ``csv.reader``. ``number`` is the last one given out."""

    def __init__(self, chunks: Iterable[Lines], limits: Limits) -> None:
        self.limits = limits
        self.number = 0
        self.last = ""
        self.holds_nul = False
        self._lines = (line for chunk in chunks for line in chunk.lines)

    def __iter__(self) -> TextLines:
        return self

    def __next__(self) -> str:
        raw = next(self._lines)
        self.number += 1
        if raw is None:
            raise long_line(self.limits)
        try:
            self.last = raw.decode() + "\n"
        except UnicodeDecodeError as error:
            raise refuse_line(self.number, raw, error) from error
        self.holds_nul = self.holds_nul or "\0" in self.last
        return self.last


class CsvRows:
    """The rows as dicts from column to text, each with the line it begins on; an empty line is no row."""

    def __init__(self, chunks: Iterable[Lines], delimiter: str, limits: Limits) -> None:
        # The limit is the csv module's own and global; this runs in a process that reads one file.
        csv.field_size_limit(limits.csv_cell_characters)
        self.limits = limits
        self.delimiter = delimiter
        self.lines = TextLines(chunks, limits)
        self.reader = csv.reader(self.lines, delimiter=delimiter, strict=True)
        self.header = self._read_header()

    def __iter__(self) -> Iterator[tuple[int, Row | RowError]]:
        for line, cells in self._records():
            if isinstance(cells, RowError):
                yield line, cells
            elif self.lines.holds_nul:
                yield line, self._nul(line, cells)
            elif len(cells) != len(self.header):
                yield line, self._ragged(line, cells)
            else:
                yield line, dict(zip(self.header, cells, strict=True))

    def _records(self) -> Iterator[tuple[int, list[str] | RowError]]:
        while True:
            line = self.lines.number + 1
            try:
                cells = next(self.reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield line, self._refuse(line, str(error))
            except CellFault as fault:
                yield line, fault.at(line)
            else:
                if cells:
                    yield line, cells

    def _read_header(self) -> list[str]:
        for line, cells in self._records():
            if isinstance(cells, RowError):
                raise UploadError(f"Line {line}: {cells.reason}")
            return self._check_header(line, cells)
        raise UploadError("The file is empty: it holds nothing but line ends. Choose one with rows.")

    def _check_header(self, line: int, cells: list[str]) -> list[str]:
        if self.lines.holds_nul:
            raise UploadError(f"Line {line}: the header holds a NUL byte. Export the file again.")
        if len(cells) > self.limits.columns:
            raise UploadError(
                f"Line {line}: the header has {len(cells)} columns; at most {self.limits.columns} are read."
            )
        names = [cell.strip() or f"column {index}" for index, cell in enumerate(cells, 1)]
        for index, name in enumerate(names, 1):
            if len(name) > LONGEST_NAME:
                raise UploadError(
                    f"Line {line}: the name of column {index} has {len(name):,} characters: {shown(name)}. "
                    "Begin the file with a row of short names."
                )
        for index, name in enumerate(names, 1):
            first = names.index(name) + 1
            if first < index:
                raise UploadError(
                    f"Line {line}: the header names {shown(name)} twice, in columns {first} and {index}. "
                    "Rename one of them."
                )
        return names

    def _refuse(self, line: int, message: str) -> RowError:
        """Turn the csv module's message into a row's fault; raise UploadError if the rest of the file is lost."""
        is_one_line = self.lines.number <= line
        if "field larger than field limit" in message and is_one_line:
            return self._long_cell(line)
        if "field larger" in message or "unexpected end of data" in message:
            raise UploadError(
                f"Line {line}: a quotation mark opens a field in this row and is not closed"
                f'{"" if is_one_line else " on the lines that follow"}. Close it; inside a field write it twice ("").'
            )
        if "new-line character" in message:
            reason = "A field holds a carriage return without quotation marks around the field. Quote it or remove it."
            return RowError(line, "", reason, "Carriage return in a field")
        reason = 'A field goes on after its closing quotation mark. Inside a field write quotation marks twice ("").'
        return RowError(line, "", reason, "Text after a closing quotation mark")

    def _long_cell(self, line: int) -> RowError:
        limit = self.limits.csv_cell_characters
        csv.field_size_limit(self.limits.line_bytes)
        try:
            lengths = [len(cell) for cell in next(csv.reader([self.lines.last], delimiter=self.delimiter))]
        finally:
            csv.field_size_limit(limit)
        index = next(index for index, length in enumerate(lengths) if length > limit)
        known = getattr(self, "header", [])
        column = known[index] if index < len(known) else f"column {index + 1}"
        reason = (
            f"{shown(column)} is {lengths[index]:,} characters long; a CSV field may have {limit:,}. "
            "Shorten it, or upload the rows as JSONL."
        )
        return RowError(line, column, reason, "Field too long")

    def _ragged(self, line: int, cells: list[str]) -> RowError:
        delimiter = spell_delimiter(self.delimiter)
        more = len(cells) > len(self.header)
        cure = (
            f"Put quotation marks around a field that holds {delimiter}." if more else "Write every column in each row."
        )
        reason = f"The row has {len(cells)} fields, the header has {len(self.header)}. {cure}"
        return RowError(line, "", reason, "Not as many fields as the header")

    def _nul(self, line: int, cells: list[str]) -> RowError:
        self.lines.holds_nul = False
        index = next((index for index, cell in enumerate(cells) if "\0" in cell), 0)
        column = self.header[index] if index < len(self.header) else ""
        reason = f"{shown(column)} holds a NUL character. PostgreSQL cannot store it; remove it."
        return RowError(line, column, reason, "NUL character")
