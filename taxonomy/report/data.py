"""The report for a decision between two runs: everything it says, as one JSON-able object."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from evalhub.errors import EvalHubError
from evalhub.projects.models import Project
from evalhub.runs.models import Run
from taxonomy.breakdown.data import breakdown_of
from taxonomy.breakdown.filters import Estimated, Filters
from taxonomy.comparison.data import comparison_of
from taxonomy.report.basis import basis_of, canonical_json
from taxonomy.report.caveats import caveats_of
from taxonomy.versions import tree_of

SCHEMA = 1
"""Of the report as JSON; raised when a field changes its meaning or goes. docs/report.md describes it."""


class ReportError(EvalHubError):
    """There can be no report on these two runs."""


@dataclass(frozen=True)
class Report:
    """``first`` is what runs today, ``second`` what could take its place; ``content`` is documented in docs/report.md.

    It says nothing of when it was made or by whom: the same data, the same bytes.
    """

    first: Run
    second: Run
    content: dict[str, Any]

    @property
    def as_of(self) -> int:
        """The number of the taxonomy's version by which everything is counted."""
        return int(self.content["basis"]["taxonomy"]["version"])

    @cached_property
    def canonical(self) -> bytes:
        """As JSON: keys sorted, no spaces, UTF-8, a line break at the end."""
        return canonical_json(self.content) + b"\n"

    @property
    def asked(self) -> dict[str, int]:
        """What its address asks for: with the version of the taxonomy, so that it stays the same."""
        return {"first": self.first.pk, "second": self.second.pk, "as_of": self.as_of}

    @property
    def file_name(self) -> str:
        """Words of ours and numbers only, without an ending."""
        return f"report-runs-{self.first.pk}-{self.second.pk}-taxonomy-{self.as_of}"

    @property
    def dated(self) -> datetime:
        """A time that does not change when the report is made again: that of the newer of what it compares."""
        return max(run.finished_at or run.created_at for run in (self.first, self.second))


def report_of(project: Project, first: Run, second: Run, as_of: int | None = None) -> Report:
    """The report by version ``as_of`` of the taxonomy, or by the newest one.

    The runs come with their candidate, version and eval set. Raises ReportError, VersionError or another EvalHubError
    with what to choose instead.
    """
    refuse_pair(first, second)
    tree = tree_of(project, as_of)
    comparison = comparison_of(first, second, tree)
    filters = Filters(
        version=first.version_id,
        runs=tuple(sorted({first.pk, second.pk})),
        candidates=tuple(sorted({first.candidate_id, second.candidate_id})),
        as_of=tree.number or None,
        estimate=Estimated.ALL,
    )
    breakdown = breakdown_of(project, filters).as_json()
    basis = basis_of(project, first, second, tree)
    compared = comparison.as_json()
    content = {
        "schema": SCHEMA,
        "kind": "evalhub report",
        "first": first.pk,
        "second": second.pk,
        "basis": basis,
        "comparison": compared,
        "breakdown": breakdown,
        "caveats": caveats_of(basis, compared, breakdown),
    }
    return Report(first, second, content)


def refuse_pair(first: Run, second: Run) -> None:
    if first.pk == second.pk:
        raise ReportError("A run cannot be compared with itself. Choose two runs over the same eval set version.")
    if first.version_id != second.version_id:
        raise ReportError(
            f"Run {first.pk} is over {first.version}, and run {second.pk} over {second.version}: different examples. "
            "Choose two runs over the same eval set version."
        )
