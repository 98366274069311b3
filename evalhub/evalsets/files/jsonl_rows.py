"""Rows of a file with one JSON object a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from evalhub.evalsets.files.encodings import refuse_line
from evalhub.evalsets.files.faults import CellFault, RowError
from evalhub.evalsets.files.limits import Limits
from evalhub.evalsets.files.lines import Lines, long_line
from evalhub.evalsets.files.row_shape import Row, check_row
from evalhub.evalsets.files.strict_json import Parser


def jsonl_rows(chunks: Iterable[Lines], limits: Limits) -> Iterator[tuple[int, Row | RowError]]:
    """Yield each line's object with its number; empty lines are no rows. Raises UploadError at what is not UTF-8."""
    parser = Parser(limits.nesting)
    for chunk in chunks:
        for number, line in enumerate(chunk.lines, chunk.first):
            try:
                if line is None:
                    raise long_line(limits)
                yield number, check_row(parser.parse(line, risky=chunk.risky), len(line), limits)
            except CellFault as fault:
                if line is None or line.strip():
                    yield number, fault.at(number)
            except UnicodeDecodeError as error:
                raise refuse_line(number, line or b"", error) from error
