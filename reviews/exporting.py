"""Labels as rows of an export, chosen as on a round's page. Each reviewer's label is a row of its own.

For leads only: a round hides candidates and others' labels from its reviewers, and so do exports.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet

from evalhub.exports.sources import Column, ExportError, Holds, NotThere, Source
from evalhub.projects.models import Project
from reviews.models import Label, ReviewItem, Round

CODES = ArraySubquery(
    Label.error_types.through.objects.filter(label=OuterRef("pk"))
    .order_by("errortype__position", "errortype")
    .values("errortype__code")
)


class LabelsExport(Source):
    """What each reviewer said of the items of a round."""

    title = "Labels"
    filters = ("round", "status")
    columns = (
        Column("example_id", Holds.TEXT, "item__output__example__key"),
        Column("repeat", Holds.INTEGER, "item__output__repeat"),
        Column("reviewer", Holds.TEXT, "reviewer__name"),
        Column("outcome", Holds.TEXT, "outcome"),
        Column("error_types", Holds.TEXTS, CODES),
        Column("note", Holds.TEXT, "note"),
        Column("labelled_at", Holds.TIME, "created_at"),
        Column("changed_at", Holds.TIME, "changed_at"),
        Column("item_status", Holds.TEXT, "item__status"),
        Column("reasons", Holds.TEXTS, "item__reasons"),
        Column("inclusion_probability", Holds.NUMBER, "item__inclusion_probability"),
        Column("reviewer_id", Holds.INTEGER, "reviewer_id"),
        Column("item_id", Holds.INTEGER, "item_id"),
        Column("round", Holds.INTEGER, "item__round_id"),
        Column("output_id", Holds.INTEGER, "item__output_id"),
        Column("run", Holds.INTEGER, "item__output__run_id"),
        Column("candidate", Holds.TEXT, "item__output__run__candidate__name"),
    )

    def __init__(self, project: Project, filters: Mapping[str, str]) -> None:
        super().__init__(project, filters)
        found = Round.objects.in_project(project).filter(pk=self.id_of("round")).first()
        if found is None:
            raise NotThere("There is no such round in this project.")
        self.round = found
        self.status = self.given.get("status", "")
        if self.status and self.status not in ReviewItem.Status:
            raise ExportError(f"“status” must be one of {', '.join(ReviewItem.Status)}.")

    def rows(self) -> QuerySet[Label]:
        labels = Label.objects.filter(item__round=self.round).order_by("item_id", "pk")
        return labels.filter(item__status=self.status) if self.status else labels

    def description(self) -> str:
        status = f", {ReviewItem.Status(self.status).label.lower()}" if self.status else ""
        return f"Round “{self.round.name}”{status}"

    def subject(self) -> str:
        return f"round-{self.round.pk}"
