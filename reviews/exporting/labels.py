"""Labels as rows of an export, chosen as on a round's page. Each reviewer's label is a row of its own.

For leads only: a round hides candidates and others' labels from its reviewers, and so do exports.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet

from evalhub.exports.models import Export
from evalhub.exports.sources import TABLES, Column, ExportError, Holds, NotThere, Source
from evalhub.projects.models import Project, User
from reviews.exporting.elsewhere import openinference_annotations, with_all_that_is_told
from reviews.exporting.label_studio import label_studio_tasks
from reviews.models import Decision, Label, Reason, ReviewItem, Round
from reviews.rounds.narrowing import FILTERS, NarrowingError, filters_in, narrowed
from taxonomy.models import ErrorType

CODES = ArraySubquery(
    Label.error_types.through.objects.filter(label=OuterRef("pk"))
    .order_by("errortype__position", "errortype")
    .values("errortype__code")
)
DECIDED_CODES = ArraySubquery(
    Decision.error_types.through.objects.filter(decision__item=OuterRef("item"))
    .order_by("errortype__position", "errortype")
    .values("errortype__code")
)


class LabelsExport(Source):
    """What each reviewer said of the items of a round."""

    title = "Labels"
    filters = ("round", *FILTERS)
    formats = (*TABLES, Export.Format.LABEL_STUDIO, Export.Format.OPENINFERENCE)
    columns = (
        Column("example_id", Holds.TEXT, "item__output__example__key"),
        Column("repeat", Holds.INTEGER, "item__output__repeat"),
        Column("reviewer", Holds.TEXT, "reviewer__name"),
        Column("outcome", Holds.TEXT, "outcome"),
        Column("error_types", Holds.TEXTS, CODES),
        Column("severity", Holds.TEXT, "severity"),
        Column("fault", Holds.TEXT, "fault"),
        Column("failing_step", Holds.INTEGER, "failing_step"),
        Column("note", Holds.TEXT, "note"),
        Column("seconds", Holds.NUMBER, "seconds"),
        Column("labelled_at", Holds.TIME, "created_at"),
        Column("changed_at", Holds.TIME, "changed_at"),
        Column("is_imported", Holds.BOOLEAN, "is_imported"),
        Column("item_status", Holds.TEXT, "item__status"),
        Column("decision", Holds.TEXT, "item__decision__outcome"),
        Column("decision_error_types", Holds.TEXTS, DECIDED_CODES),
        Column("decision_note", Holds.TEXT, "item__decision__note"),
        Column("decided_by", Holds.TEXT, "item__decision__decided_by__name"),
        Column("is_known", Holds.BOOLEAN, "item__is_known"),
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
        try:
            self.narrowing = filters_in(self.given)
        except NarrowingError as error:
            raise ExportError(str(error)) from error

    def rows(self) -> QuerySet[Label]:
        labels = Label.objects.filter(item__round=self.round).order_by("item_id", "pk")
        return labels.filter(item__in=narrowed(self.round, self.narrowing)) if self.narrowing else labels

    def records(self, format: str) -> Iterator[dict[str, Any]]:
        labels = with_all_that_is_told(self.rows())
        return label_studio_tasks(labels) if format == Export.Format.LABEL_STUDIO else openinference_annotations(labels)

    def description(self) -> str:
        told = "".join(f", {self.in_words(name, value)}" for name, value in self.narrowing.items())
        return f"Round “{self.round.name}”{told}"

    def in_words(self, name: str, value: str) -> str:
        """One of the filters, with the names of today; what is not there any more by its key."""
        if name == "status":
            return ReviewItem.Status(value).label.lower()
        if name == "reason":
            return Reason(value).label.lower()
        named: str | None = None
        if value.isdecimal() and name in {"person", "deferred", "returned", "assigned"}:
            members = User.objects.filter(memberships__project=self.project)
            named = members.filter(pk=int(value)).values_list("name", flat=True).first()
        if value.isdecimal() and name == "error_type":
            types = ErrorType.objects.in_project(self.project)
            named = types.filter(pk=int(value)).values_list("name", flat=True).first()
        return f"{name.replace('_', ' ')}: {named or value.replace('_', ' ')}"

    def subject(self) -> str:
        return f"round-{self.round.pk}"
