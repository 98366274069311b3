"""Scores as rows of an export, chosen as on the page of scored outputs."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import QuerySet
from django.http import QueryDict

from evalhub.checks.choosing import AddressError, chosen_runs, chosen_scores, read_wanted
from evalhub.checks.describing import cause_title
from evalhub.checks.models import Check, Score
from evalhub.exports.sources import Column, ExportError, Holds, NotThere, Source
from evalhub.projects.models import Project


class ScoresExport(Source):
    """What checks said of outputs: a row for each score."""

    title = "Scores"
    filters = ("run", "check", "outcome", "cause")
    columns = (
        Column("example_id", Holds.TEXT, "output__example__key"),
        Column("repeat", Holds.INTEGER, "output__repeat"),
        Column("check", Holds.TEXT, "by__name"),
        Column("check_kind", Holds.TEXT, "by__kind"),
        Column("outcome", Holds.TEXT, "outcome"),
        Column("cause", Holds.TEXT, "cause"),
        Column("message", Holds.TEXT, "message"),
        Column("output_id", Holds.INTEGER, "output_id"),
        Column("check_id", Holds.INTEGER, "by_id"),
        Column("run", Holds.INTEGER, "run_id"),
        Column("candidate", Holds.TEXT, "run__candidate__name"),
    )

    def __init__(self, project: Project, filters: Mapping[str, str]) -> None:
        super().__init__(project, filters)
        self.ids_of("run")
        self.ids_of("check")
        try:
            self.wanted = read_wanted(self._query())
        except AddressError as error:
            raise ExportError(str(error)) from error
        self.check: Check | None = None
        if self.wanted.check is not None:
            checks = Check.objects.in_project(project).select_related("eval_set")
            self.check = checks.filter(pk=self.wanted.check).first()
            if self.check is None:
                raise NotThere("There is no such check in this project.")
        self.runs = chosen_runs(project, self.wanted, self.check)
        if len(self.runs) < len(self.wanted.runs):
            raise NotThere("There is no such run in this project.")

    def _query(self) -> QueryDict:
        query = QueryDict(mutable=True)
        for name, value in self.given.items():
            query.setlist(name, value.split(",") if name == "run" else [value])
        return query

    def settled(self) -> dict[str, str]:
        # Without any named, those that are the newest now.
        return self.given | {"run": ",".join(str(run.pk) for run in self.runs)}

    def rows(self) -> QuerySet[Score]:
        return chosen_scores(self.runs, self.wanted).order_by("pk")

    def description(self) -> str:
        names = [f"run {run.pk} of {run.candidate.name}" for run in self.runs]
        parts = [f"{len(names)} runs" if len(names) > 3 else ", ".join(names) or "no run"]
        parts += [f"check “{self.check.name}”"] if self.check else []
        parts += [Score.Outcome(self.wanted.outcome).label.lower()] if self.wanted.outcome else []
        if self.wanted.cause:
            parts.append(f"cause: {cause_title(self.check, self.wanted.cause) if self.check else self.wanted.cause}")
        return ", ".join(parts)

    def subject(self) -> str:
        return f"run-{self.runs[0].pk}" if len(self.runs) == 1 else ""
