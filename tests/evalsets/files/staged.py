"""Staging in the test's own process, and the staged file as PostgreSQL would read it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from evalhub.evalsets.files.limits import Limits
from evalhub.evalsets.files.mapping import ExampleMapping, Mapping
from evalhub.evalsets.files.report import StagingReport
from evalhub.evalsets.files.staged_file import stage

PLAIN = ExampleMapping(id="id", input="input", expected="expected", expected_kind="text")
ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}
JSON_COLUMNS = {"request", "expected", "metadata", "tool_calls"}


def stage_bytes(
    folder: Path, content: bytes | str, mapping: Mapping = PLAIN, name: str = "rows.jsonl", **limits: Any
) -> tuple[StagingReport, list[dict[str, Any]]]:
    """Return the report, and the staged rows with their JSON parsed."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    report = stage(path, name, mapping, folder / "staged", Limits(**limits), lambda rows, share: None)
    return report, read_staged(folder / "staged", report.columns)


def stage_rows(folder: Path, rows: list[Any], mapping: Mapping = PLAIN) -> tuple[StagingReport, list[dict[str, Any]]]:
    return stage_bytes(folder, "".join(json.dumps(row) + "\n" for row in rows), mapping)


def reason_of(folder: Path, row: Any, mapping: Mapping = PLAIN) -> str:
    """Return why the one row is refused."""
    report, _ = stage_rows(folder, [row], mapping)
    assert report.rows_bad == 1
    return report.errors[0]["reason"]


def read_staged(path: Path, columns: list[str]) -> list[dict[str, Any]]:
    rows = []
    for line in path.read_bytes().decode().split("\n")[:-1]:
        values = [unescape(value) for value in line.split("\t")]
        row: dict[str, Any] = dict(zip(columns, values, strict=True))
        rows.append({name: parse(value) if name in JSON_COLUMNS else value for name, value in row.items()})
    return rows


def unescape(value: str) -> str | None:
    """Undo COPY's escapes, by PostgreSQL's documentation of the text format."""
    if value == r"\N":
        return None
    return re.sub(r"\\(.)", lambda found: ESCAPES[found[1]] if found[1] in ESCAPES else found[1], value)


def parse(value: str | None) -> Any:
    return None if value is None else json.loads(value)
