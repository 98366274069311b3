"""What can be wrong with an uploaded file as a whole, with one of its rows, and with one cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evalhub.errors import EvalHubError

SHOWN_CHARACTERS = 60
LONGEST_NAME = 200
"""Characters of a column's name. A longer one is a text in the wrong place."""


class UploadError(EvalHubError):
    """The file could not be read."""


class UploadStopped(UploadError):
    """Reading was stopped."""


class CellFault(EvalHubError):
    """Something in the row being read; becomes a RowError once the line is known.

    ``reason`` is a sentence or two without the line; ``kind`` is the short phrase under which such faults are counted.
    """

    def __init__(self, reason: str, *, kind: str, column: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind = kind
        self.column = column

    def at(self, line: int) -> RowError:
        return RowError(line, self.column, self.reason, self.kind)


def cell_fault(column: str, what: str, kind: str) -> CellFault:
    """Return the fault of a column: ``what`` is the sentence without its subject and without its full stop."""
    return CellFault(f"{shown(column)} {what}.", kind=kind, column=column)


@dataclass(frozen=True)
class RowError:
    """Why one row is refused. ``line`` is counted from 1 as an editor does; in Parquet it is the row."""

    line: int
    column: str
    reason: str
    kind: str

    def to_json(self) -> dict[str, Any]:
        return {"line": self.line, "column": self.column[:LONGEST_NAME], "reason": self.reason}


def shown(text: object) -> str:
    """Return ``text`` in curly quotes, on one line and short enough for a sentence."""
    line = " ".join(str(text)[: SHOWN_CHARACTERS * 4].split())
    printable = "".join(sign if sign.isprintable() else "�" for sign in line)
    cut = printable[:SHOWN_CHARACTERS] + "…" if len(printable) > SHOWN_CHARACTERS else printable
    return f"“{cut}”"
