"""The outputs that have an error type, over all runs of a project: listed on a page, and reviewed again."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import QuerySet

from evalhub.exports.sources import Column, ExportError, Holds, NotThere, Source
from evalhub.projects.models import Project
from evalhub.runs.models import Output, Run
from taxonomy.models import ErrorType, Verdict
from taxonomy.models import Source as By
from taxonomy.versions import tree_of


class TypeOutputs(Source):
    """``own``: “yes” leaves out what was found as a type below it. ``source``: who says so; both where it is left out.

    A type that was merged into another one counts as that one.
    """

    title = "Outputs of an error type"
    filters = ("error_type", "own", "source")
    columns = (Column("output_id", Holds.INTEGER, "pk"), Column("run", Holds.INTEGER, "run_id"))

    def __init__(self, project: Project, filters: Mapping[str, str]) -> None:
        super().__init__(project, filters)
        self.error_type = ErrorType.objects.in_project(project).filter(pk=self.id_of("error_type")).first()
        if self.error_type is None:
            raise NotThere("There is no such error type in this project.")
        self.own, self.source = self.given.get("own", ""), self.given.get("source", "")
        if self.own not in {"", "yes"}:
            raise ExportError("“own” must be yes, or be left out.")
        if self.source and self.source not in By:
            raise ExportError("“source” must be people or check, or be left out.")

    def rows(self) -> QuerySet[Output]:
        assert self.error_type is not None  # __init__ refuses it
        tree, key = tree_of(self.project), self.error_type.pk
        carriers = {each for each in tree.types if tree.resolve(each) == key} if self.own else tree.carriers(key)
        by = {"findings__source": self.source} if self.source else {}
        verdicts = Verdict.objects.filter(
            run__in=Run.objects.in_project(self.project), findings__error_type__in=sorted({*carriers, key}), **by
        )
        return Output.objects.filter(pk__in=verdicts.values("output")).order_by("pk")

    def description(self) -> str:
        assert self.error_type is not None
        by = {By.PEOPLE.value: " by people", By.CHECK.value: " by checks"}.get(self.source, "")
        return f"{'Second look: ' if self.own else ''}“{self.error_type.name}”{by}"

    def subject(self) -> str:
        assert self.error_type is not None
        return f"error-type-{self.error_type.pk}"
