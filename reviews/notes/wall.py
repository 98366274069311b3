"""The notes of a round as a wall to read: what people wrote, the newest first or under their error types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from evalhub.projects.models import User
from reviews.models import Label, ReviewItem, Round
from taxonomy.models import ErrorType

OF_EACH_TYPE = 12


@dataclass(frozen=True)
class Group:
    """The newest notes that carry an error type, or none (None); ``total``: how many there are."""

    error_type: ErrorType | None
    total: int
    labels: Sequence[Label]


def notes_for(shown: Round, person: User, is_lead: bool) -> QuerySet[Label]:
    """The labels with a note that the person may read: a lead all of them, a reviewer their own.

    Once the round is closed a reviewer reads those of others too, but not of an output that they have yet to label
    in another round.
    """
    labels = Label.objects.filter(item__round=shown).exclude(note="")
    own = Q(reviewer=person)
    if not is_lead:
        labels = labels.filter(own | ~Exists(yet_to_label(person))) if shown.closed_at else labels.filter(own)
    return labels


def yet_to_label(person: User) -> QuerySet[ReviewItem]:
    """Of a label's output: the items of open rounds that want labels and have none of this person."""
    items = ReviewItem.objects.filter(
        output=OuterRef("item__output"), status__in=ReviewItem.WANTING, round__closed_at=None
    )
    return items.exclude(Exists(Label.objects.filter(item=OuterRef("pk"), reviewer=person)))


def by_type(labels: QuerySet[Label]) -> list[Group]:
    """The notes under each of their error types, in the taxonomy's order, and at last those under none.

    A note of two error types stands under both. Five statements, however many types and notes there are.
    """
    keys = labels.order_by().values("pk")
    ties: QuerySet[Any] = Label.error_types.through.objects.filter(label__in=keys).annotate(
        place=Window(RowNumber(), partition_by="errortype", order_by=F("label").desc()),
        total=Window(Count("pk"), partition_by="errortype"),
    )
    found = list(ties.filter(place__lte=OF_EACH_TYPE).order_by("place").values_list("errortype", "label", "total"))
    untyped = labels.exclude(Exists(Label.error_types.through.objects.filter(label=OuterRef("pk"))))
    without = list(untyped.order_by("-pk").values_list("pk", flat=True)[:OF_EACH_TYPE])
    rows = in_full(labels.filter(pk__in={label for _, label, _ in found} | set(without))).in_bulk()
    totals = {error_type: total for error_type, _, total in found}
    groups = [
        Group(each, totals[each.pk], [rows[label] for error_type, label, _ in found if error_type == each.pk])
        for each in ErrorType.objects.filter(pk__in=totals)
    ]
    if without:
        groups.append(Group(None, untyped.count(), [rows[key] for key in without]))
    return groups


def in_full(labels: QuerySet[Label]) -> QuerySet[Label]:
    """With what a card shows."""
    shown = labels.annotate(
        example_key=F("item__output__example__key"),
        output=F("item__output_id"),
        candidate_name=F("item__output__run__candidate__name"),
    )
    return shown.select_related("reviewer").prefetch_related("error_types")
