"""What the child tells the parent: the preview of a file, and the report of its staging."""

from __future__ import annotations

from array import array
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evalhub.evalsets.files.mapping import Mapping, mapping_from_json

LINES_NAME = "staged-lines"
LINE_NUMBER = "I"
"""Four bytes each, so that a million take 4 MB."""


@dataclass(frozen=True)
class Preview:
    """The first rows of a file, and how it would be read. All of it is JSON by ``to_json``."""

    format: str
    """CSV, JSON, JSONL or Parquet."""
    is_gzip: bool
    delimiter: str
    """Of CSV, as a person says it; empty otherwise."""
    unit: str
    """“Line” or “Row”: what the numbers count."""
    size: int
    columns: list[str]
    """What can be mapped, fields inside objects too (see ``columns``)."""
    rows: list[dict[str, Any]]
    """``{"line": int, "cells": {column: text}}`` with texts cut short, or ``{"line": int, "reason": str}``."""
    mapping: dict[str, Any]
    """The guess, or the mapping that was given, as JSON."""
    problems: list[str]
    """Why the mapping cannot be used yet."""
    errors: list[dict[str, Any]]
    """What is wrong with the first rows under this mapping: ``{"line", "column", "reason"}``."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def parsed_mapping(self) -> Mapping:
        return mapping_from_json(self.mapping)


@dataclass(frozen=True)
class StagingReport:
    """What came of checking a whole file. All of it is JSON by ``to_json``."""

    format: str
    unit: str
    rows_good: int
    rows_bad: int
    errors: list[dict[str, Any]]
    """The first ones: ``{"line": int, "column": str, "reason": str}``."""
    error_counts: dict[str, int]
    """Over all rows, by kind of fault, most frequent first."""
    notes: dict[str, int]
    """Sentences on what was left out, with the number of times."""
    columns: list[str]
    """Of the staged file, in order."""
    staged_path: str
    lines_path: str
    """Where ``lines`` are kept, beside the staged file."""
    staged_bytes: int
    content_hash: str
    """For examples: the SHA-256 of the download that the good rows make; empty otherwise."""
    seconds: float
    peak_memory_bytes: int = 0
    """Of the child."""

    def lines(self) -> array[int]:
        """Return the line of each staged row, in order: for what only the database finds wrong with a row."""
        found = array(LINE_NUMBER)
        found.frombytes(Path(self.lines_path).read_bytes())
        return found

    @property
    def sentences(self) -> list[str]:
        """Return the errors as sentences that begin with the place: “Line 7: …”."""
        return [f"{self.unit} {error['line']:,}: {error['reason']}" for error in self.errors]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
