"""Which character separates the columns of a CSV file."""

from __future__ import annotations

import csv
import io
import re

from evalhub.evalsets.files.faults import UploadError

TAKEN = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
NOT_TAKEN = "^~:#!&\x01\x1e\x1f "
NAMES = {" ": "a space", "\x01": "the control character 01", "\x1e": "the control character 1E"} | {
    "\x1f": "the control character 1F",
    "\t": "a tab",
}
SAMPLE_ROWS = 21


def find_delimiter(head: str, *, is_whole: bool = True) -> str:
    """Return the delimiter of the CSV that begins with ``head``, or is it (``is_whole``), by its header and first rows.

    A file of one column has a comma. Raises UploadError, naming the character found, when it is one that is not taken,
    or when header and rows differ in it.
    """
    samples = {delimiter: _first_rows(head, delimiter, is_whole) for delimiter in TAKEN}
    candidates = [delimiter for delimiter, rows in samples.items() if rows and len(rows[0]) > 1]
    if not candidates:
        _refuse_other_delimiter(samples[","])
        return ","
    best = max(candidates, key=lambda delimiter: (_agreement(samples[delimiter]), len(samples[delimiter][0])))
    if _agreement(samples[best]) == 0:
        _refuse_mixed(best, samples)
    return best


def spell_delimiter(delimiter: str) -> str:
    return NAMES.get(delimiter) or f"“{delimiter}”"


def _first_rows(head: str, delimiter: str, is_whole: bool) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(head, newline=""), delimiter=delimiter):
            if row:
                rows.append(row)
            if len(rows) == SAMPLE_ROWS:
                return rows
    except csv.Error:  # what came before is enough to judge by; the reader itself reports the fault
        return rows
    return rows if is_whole else rows[:1] + rows[1:-1]  # the last one may be cut off


def _agreement(rows: list[list[str]]) -> float:
    """Return the share of rows with as many fields as the header; 1 if there are no rows."""
    return sum(len(row) == len(rows[0]) for row in rows[1:]) / len(rows[1:]) if rows[1:] else 1.0


def _refuse_mixed(best: str, samples: dict[str, list[list[str]]]) -> None:
    for delimiter, rows in samples.items():
        widths = {len(row) for row in rows[1:]}
        if delimiter != best and widths == {len(samples[best][0])}:
            raise UploadError(
                f"Line 1: the header separates its columns by {spell_delimiter(best)}, the rows theirs by "
                f"{spell_delimiter(delimiter)}. Use one of them throughout."
            )


def _refuse_other_delimiter(rows: list[list[str]]) -> None:
    lines = [",".join(row) for row in rows]
    if len(lines) < 2:
        return
    for sign in NOT_TAKEN:
        inside = lines[0].count(sign)
        counts = {line.count(sign) for line in lines[1:]}
        is_steady = counts == {inside} if sign == " " else min(counts) >= inside
        names = lines[0].split(sign)
        if inside and is_steady and all(re.fullmatch(r"\s*[\w.-]+\s*", name) for name in names):
            raise UploadError(
                f"Line 1: the columns seem to be separated by {spell_delimiter(sign)}, which is not read. "
                "Separate them by a comma, a semicolon, a tab or “|”."
            )
