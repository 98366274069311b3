"""The board: the notes from which error types are made, and their groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet

from evalhub.projects.models import Project
from reviews.models import GroupedNote, Label, NoteGroup, ReviewItem, Round
from taxonomy.models import Verdict

TIES = Label.error_types.through


def notes_in(project: Project, shown: Round | None = None) -> QuerySet[Label]:
    """The notes of open coding, of one round or of all: labels with a note of rounds that hide the error types, and
    labels that fail with a note but without an error type. What is in a group stays, whatever becomes of it.

    Without practice rounds and known items: what is right to say of those is known.
    """
    labels = Label.objects.filter(item__round__project=project, item__round__is_practice=False, item__is_known=False)
    if shown:
        labels = labels.filter(item__round=shown)
    is_open = Q(item__round__hides_types=True) | Q(outcome=Verdict.Outcome.FAIL) & ~Exists(types_of_label())
    return labels.filter(~Q(note="") & is_open | Exists(places_of_label()))


def waiting(labels: QuerySet[Label]) -> QuerySet[Label]:
    """Those that nobody grouped, and of which nobody said an error type."""
    return labels.exclude(Exists(places_of_label())).exclude(Exists(types_of_label()))


def types_of_label() -> QuerySet[Any]:
    return TIES.objects.filter(label=OuterRef("pk"))


def places_of_label() -> QuerySet[GroupedNote]:
    return GroupedNote.objects.filter(label=OuterRef("pk"))


def containing(labels: QuerySet[Label], words: Iterable[str]) -> QuerySet[Label]:
    """Those whose note has each of the words, whatever it is a part of."""
    for word in words:
        labels = labels.filter(note__icontains=word)
    return labels


def as_cards(labels: QuerySet[Label]) -> QuerySet[Label]:
    """With what a card of the board shows.

    ``tells_who``: not while the item wants labels, so that nobody who gives one knows whom they would contradict.
    """
    places = GroupedNote.objects.select_related("group").order_by("pk")
    shown = labels.annotate(
        example_key=F("item__output__example__key"),
        output=F("item__output_id"),
        round_name=F("item__round__name"),
        tells_who=~Q(item__status__in=ReviewItem.WANTING) | Q(item__round__closed_at__isnull=False),
    )
    return shown.select_related("reviewer").prefetch_related("error_types", Prefetch("groupings", queryset=places))


@dataclass(frozen=True)
class Place:
    """A group on the board: how many of its notes wait, and of how many the label carries the error type."""

    group: NoteGroup
    waiting: int
    turned: int

    @property
    def notes(self) -> int:
        return self.waiting + self.turned


def places_in(project: Project) -> list[Place]:
    """The project's groups by name; notes of all rounds."""
    counted = NoteGroup.objects.in_project(project).annotate(
        waits=Count("notes", filter=Q(notes__turned_at=None)),
        turned=Count("notes", filter=Q(notes__turned_at__isnull=False)),
    )
    return [
        Place(group, group.waits, group.turned)
        for group in counted.select_related("error_type", "changed_by").order_by("name", "pk")
    ]


def rounds_with_notes(project: Project) -> Sequence[Round]:
    """Rounds that have notes on the board, newest first."""
    labels = notes_in(project).filter(item__round=OuterRef("pk"))
    return list(Round.objects.in_project(project).filter(Exists(labels)).order_by("-pk"))
