"""Rows of exports, read back: verdicts, scores and outputs, by run, example and repeat; and examples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from evalhub.client.outcomes import ClientFault, Exit

Place = tuple[str, int]
"""An example's id, and the repeat."""


class Verdict(NamedTuple):
    """What an output's verdict says: ``people`` and ``checks`` are codes of error types."""

    source: str
    outcome: str
    people: tuple[str, ...]
    checks: tuple[str, ...]
    probability: float | None


@dataclass
class RunRows:
    """The rows of one run. ``scores``: place -> check -> outcome. ``has_…``: whether such an export was there."""

    verdicts: dict[Place, Verdict] = field(default_factory=dict)
    scores: dict[Place, dict[int, str]] = field(default_factory=dict)
    outputs: set[Place] = field(default_factory=set)
    unanswered: set[Place] = field(default_factory=set)
    has_verdicts: bool = False
    has_scores: bool = False
    has_outputs: bool = False


@dataclass
class Exported:
    """``runs``: run -> its rows; ``clusters``: example -> its cluster, None without an export of examples."""

    runs: dict[int, RunRows] = field(default_factory=dict)
    clusters: dict[str, str] | None = None


def read_exports(paths: list[str]) -> Exported:
    """Raises ClientFault at a file that is no export, naming the line."""
    found = Exported()
    for path in paths:
        for line, row in lines_of(path):
            try:
                if "run" in row:
                    add(found.runs.setdefault(int(row["run"]), RunRows()), row)
                else:
                    found.clusters = found.clusters or {}
                    found.clusters[str(row["id"])] = str(row.get("cluster", ""))
            except (KeyError, TypeError, ValueError) as error:
                told = f"{path}, line {line}: no row of exported verdicts, scores, outputs or examples as JSONL."
                raise ClientFault(told, Exit.WRONG_USE) from error
    return found


def lines_of(path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with Path(path).open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise ValueError("no object")
                    yield number, row
    except OSError as error:
        raise ClientFault(f"{path} cannot be read: {error.strerror}.", Exit.WRONG_USE) from error
    except ValueError as error:
        told = f"{path} is no JSONL. Export with --format jsonl, which is also the default."
        raise ClientFault(told, Exit.WRONG_USE) from error


def add(run: RunRows, row: dict[str, Any]) -> None:
    place = (str(row["example_id"]), int(row["repeat"]))
    if "check_id" in row:
        run.has_scores = True
        run.scores.setdefault(place, {})[int(row["check_id"])] = str(row["outcome"])
    elif "verdict" in row:
        run.has_verdicts = True
        run.verdicts[place] = verdict_of(row)
    elif "attempts" in row:
        run.has_outputs = True
        run.outputs.add(place)
        if row.get("error_cause"):
            run.unanswered.add(place)
    else:
        raise KeyError("verdict")


def verdict_of(row: dict[str, Any]) -> Verdict:
    probability = row.get("inclusion_probability")
    return Verdict(
        str(row["source"]),
        str(row["verdict"]),
        tuple(row.get("error_types", ())),
        tuple(row.get("error_types_by_checks", ())),
        None if probability is None else float(probability),
    )
