"""Verdicts and their findings as rows of an export, chosen as on the page of the outputs that a figure counts."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet

from evalhub.exports.sources import Column, ExportError, Holds, NotThere, Source
from evalhub.projects.models import Project
from evalhub.runs.exporting import run_of
from evalhub.runs.models import Output
from taxonomy.breakdown.counting import CountedError, counted_outputs
from taxonomy.models import ErrorType, Finding
from taxonomy.models import Source as FindingSource


def codes(**said: str) -> ArraySubquery:
    """The codes of the error types of an output's findings."""
    found = Finding.objects.filter(verdict__output=OuterRef("pk"), **said)
    return ArraySubquery(found.order_by("error_type__position", "error_type").values("error_type__code"))


class VerdictsExport(Source):
    """A row for each output that the figure counts: its verdict, if it was settled, and the error types found."""

    title = "Verdicts"
    filters = ("run", "error_type", "outcome", "right")
    columns = (
        Column("example_id", Holds.TEXT, "example__key"),
        Column("repeat", Holds.INTEGER, "repeat"),
        Column("verdict", Holds.TEXT, "verdict__outcome"),
        Column("source", Holds.TEXT, "verdict__source"),
        Column("error_types", Holds.TEXTS, codes(source=FindingSource.PEOPLE)),
        Column("error_types_by_checks", Holds.TEXTS, codes(source=FindingSource.CHECK)),
        Column("failing_step", Holds.INTEGER, "verdict__failing_step"),
        Column("inclusion_probability", Holds.NUMBER, "verdict__inclusion_probability"),
        Column("settled_at", Holds.TIME, "verdict__settled_at"),
        Column("decided_by", Holds.TEXT, "verdict__decided_by__name"),
        Column("why", Holds.TEXT, "verdict__why"),
        Column("output", Holds.TEXT, "text", is_kept=True),
        Column("tool_calls", Holds.JSON, "tool_calls"),
        Column("error", Holds.TEXT, "error"),
        Column("output_id", Holds.INTEGER, "pk"),
        Column("run", Holds.INTEGER, "run_id"),
        Column("candidate", Holds.TEXT, "run__candidate__name"),
    )

    def __init__(self, project: Project, filters: Mapping[str, str]) -> None:
        super().__init__(project, filters)
        self.run = run_of(project, self.id_of("run"))
        self.error_type: ErrorType | None = None
        if "error_type" in self.given:
            types = ErrorType.objects.in_project(project)
            self.error_type = types.filter(pk=self.id_of("error_type")).first()
            if self.error_type is None:
                raise NotThere("There is no such error type in this project.")
        self.outcome, self.right = self.given.get("outcome", ""), self.given.get("right", "")
        self.rows()  # raises ExportError

    def rows(self) -> QuerySet[Output]:
        try:
            return counted_outputs(self.run, self.error_type, self.outcome, self.right).order_by("pk")
        except CountedError as error:
            raise ExportError(str(error)) from error

    def description(self) -> str:
        said = {"yes": "right by the checks", "no": "wrong by the checks"}.get(self.right, "settled outputs")
        parts = [f"Run {self.run.pk} of {self.run.candidate.name} over {self.run.version}", said]
        if not self.right:
            parts += [self.outcome] if self.outcome else []
            parts += [f"error type “{self.error_type.name}”"] if self.error_type else []
        return ", ".join(parts)

    def subject(self) -> str:
        return f"run-{self.run.pk}"
