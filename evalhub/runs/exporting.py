"""Outputs as rows of an export, filtered like the page that lists a run's. As JSONL they can be uploaded again."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Case, F, Func, QuerySet, TextField, When

from evalhub.exports.sources import Column, ExportError, Holds, NotThere, Source
from evalhub.projects.models import Project
from evalhub.runs.causes import name_of_cause
from evalhub.runs.models import Output, Run
from evalhub.runs.narrowing import SHOWN, is_known, narrowed

# A failure without a sentence is one all the same, also for whoever uploads the file again.
ERROR = Case(When(error="", then=F("error_cause")), default=F("error"), output_field=TextField())


class OutputsExport(Source):
    """The outputs of a run, in the order in which they came."""

    title = "Outputs"
    filters = ("run", "show")
    # The names down to “error” are those that the upload of recorded outputs finds by itself.
    columns = (
        Column("example_id", Holds.TEXT, "example__key"),
        Column("repeat", Holds.INTEGER, "repeat"),
        Column("output", Holds.TEXT, "text", is_kept=True),
        Column("tool_calls", Holds.JSON, "tool_calls"),
        Column("finish_reason", Holds.TEXT, "finish_reason"),
        Column("prompt_tokens", Holds.INTEGER, "prompt_tokens"),
        Column("completion_tokens", Holds.INTEGER, "completion_tokens"),
        Column("cost", Holds.NUMBER, Func(F("cost"), function="trim_scale")),
        Column("first_token_ms", Holds.NUMBER, "first_token_ms"),
        Column("total_ms", Holds.NUMBER, "total_ms"),
        Column("error", Holds.TEXT, ERROR),
        Column("error_cause", Holds.TEXT, "error_cause"),
        Column("raw", Holds.TEXT, "raw"),
        Column("truncated", Holds.BOOLEAN, "truncated"),
        Column("attempts", Holds.INTEGER, "attempts"),
        Column("reused_from", Holds.INTEGER, "reused_from"),
        Column("stored_at", Holds.TIME, "created_at"),
        Column("output_id", Holds.INTEGER, "pk"),
        Column("run", Holds.INTEGER, "run_id"),
        Column("candidate", Holds.TEXT, "run__candidate__name"),
    )

    def __init__(self, project: Project, filters: Mapping[str, str]) -> None:
        super().__init__(project, filters)
        self.run = run_of(project, self.id_of("run"))
        self.show = self.given.get("show", "")
        if not is_known(self.show):
            raise ExportError("“show” must be answered, failed, or cause: and a cause of failure.")

    def rows(self) -> QuerySet[Output]:
        return narrowed(self.run.outputs.order_by("pk"), self.show)

    def description(self) -> str:
        kind, _, cause = self.show.partition(":")
        shown = f", failed: {name_of_cause(cause).lower()}" if cause else f", {SHOWN[kind]}" if kind else ""
        return f"Run {self.run.pk} of {self.run.candidate.name} over {self.run.version}{shown}"

    def subject(self) -> str:
        return f"run-{self.run.pk}"


def run_of(project: Project, run_id: int) -> Run:
    """Return a run of the project. Raises NotThere."""
    runs = Run.objects.in_project(project).select_related("candidate", "version__eval_set")
    run = runs.filter(pk=run_id).first()
    if run is None:
        raise NotThere("There is no such run in this project.")
    return run
