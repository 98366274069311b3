"""Benchmarks: modules below ``tests/benchmarks`` with ``run() -> list[Figure]`` and a docstring that says what."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from evalhub.errors import EvalHubError
from evalhub.serving.stack import ROOT

FOLDER = ROOT / "tests" / "benchmarks"


class BenchmarkError(EvalHubError):
    """There is no such benchmark, or it cannot be run here."""


@dataclass(frozen=True)
class Figure:
    """One measured figure; where there is a floor (measured in the same run), ``ratio`` is the value over it."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    ratio: float | None = None

    @classmethod
    def over(cls, name: str, value: float, unit: str, floor: float) -> Figure:
        return cls(name, value, unit, floor, value / floor if floor else None)


def descriptions() -> dict[str, str]:
    """Name -> first line of what it measures. The modules are read, not run."""
    trees = {path.stem: ast.parse(path.read_text()) for path in sorted(FOLDER.glob("*.py"))}
    return {
        name: (ast.get_docstring(tree) or "").partition("\n")[0]
        for name, tree in trees.items()
        if any(isinstance(statement, ast.FunctionDef) and statement.name == "run" for statement in tree.body)
    }


def measure(name: str) -> list[Figure]:
    known = descriptions()
    if name not in known:
        listed = ", ".join(known) or "none is here; they come with the source code, not with an installation"
        raise BenchmarkError(f"There is no benchmark “{name}”. Those that there are: {listed}.")
    return list(importlib.import_module(f"tests.benchmarks.{name}").run())


def as_report(name: str, figures: Sequence[Figure]) -> dict[str, object]:
    return {"bench": name, "figures": [asdict(figure) for figure in figures]}


def as_table(figures: Sequence[Figure]) -> list[str]:
    """Lines of aligned columns: name, value, unit, floor, ratio."""
    rows = [("figure", "value", "unit", "floor", "ratio")]
    rows += [(f.name, _number(f.value), f.unit, _number(f.floor), _number(f.ratio)) for f in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return ["  ".join(map(_aligned, row, widths, "<><>>")).rstrip() for row in rows]


def _aligned(text: str, width: int, side: str) -> str:
    return f"{text:{side}{width}}"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"
