"""Verdicts and their findings as rows of an export, chosen as on the page of the outputs that a figure counts."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet

from evalhub.exports.sources import Column, ExportError, Holds, NotThere, Source
from evalhub.projects.models import Project
from evalhub.runs.exporting import run_of
from evalhub.runs.models import Output
from taxonomy.breakdown.counting import NAMES, CountedError, NoSuchTypeError, counted_of
from taxonomy.models import Finding
from taxonomy.models import Source as FindingSource


def codes(**said: str) -> ArraySubquery:
    """The codes of the error types of an output's findings."""
    found = Finding.objects.filter(verdict__output=OuterRef("pk"), **said)
    return ArraySubquery(found.order_by("error_type__position", "error_type").values("error_type__code"))


class VerdictsExport(Source):
    """A row for each output that the figure counts: its verdict, if it was settled, and the error types found."""

    title = "Verdicts"
    filters = NAMES
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
        try:
            self.counted = counted_of(project, self.run, self.given)
        except NoSuchTypeError as error:
            raise NotThere("There is no such error type in this project.") from error
        except CountedError as error:
            raise ExportError(str(error)) from error

    def rows(self) -> QuerySet[Output]:
        return self.counted.outputs().order_by("pk")

    def description(self) -> str:
        return f"Run {self.run.pk} of {self.run.candidate.name} over {self.run.version}, {self.counted.description}"

    def subject(self) -> str:
        return f"run-{self.run.pk}"
