"""What the address of the board asks for, and the notes that it shows then."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.http import QueryDict
from django.shortcuts import get_object_or_404

from evalhub.projects.models import Project
from evalhub.web.paging import whole
from reviews.models import Label, NoteGroup, Round
from reviews.notes.board import containing, notes_in, waiting
from reviews.notes.words import searched

ALL = "all"
ORDERS = {"": "newest first", "similar": "like beside like"}
LONGEST_SEARCH = 200


@dataclass(frozen=True)
class Asked:
    """``place``: "" for notes that wait outside of groups, “all”, or the key of a group; ``like``: the key of a note
    or of a group to which the others are compared."""

    round: Round | None = None
    search: str = ""
    place: str = ""
    order: str = ""
    group: NoteGroup | None = None
    like_note: Label | None = None
    like_group: NoteGroup | None = None
    words: list[str] = field(default_factory=list)

    @property
    def is_narrowed(self) -> bool:
        """Whether a search or a round leaves out some of the notes of this place."""
        return bool(self.search or self.round)

    @property
    def like(self) -> bool:
        return bool(self.like_note or self.like_group)

    def query(self) -> dict[str, object]:
        """As the address has it, without the page."""
        return {
            "round": self.round.pk if self.round else None,
            "q": self.search,
            "group": self.place,
            "order": self.order,
            "note": self.like_note.pk if self.like_note else None,
            "like": self.like_group.pk if self.like_group else None,
        }


def asked_of(project: Project, given: QueryDict) -> Asked:
    """Raises BadRequest for what no address of the board asks, Http404 for what is not in the project."""
    order, place, search = given.get("order", ""), given.get("group", ""), given.get("q", "").replace("\0", "")
    if order not in ORDERS:
        raise BadRequest("order is not known")
    groups = NoteGroup.objects.in_project(project).select_related("error_type", "changed_by")
    shown, like = whole(given.get("round")), whole(given.get("like"))
    note, key = whole(given.get("note")), None if place == ALL else whole(place)
    return Asked(
        round=get_object_or_404(Round.objects.in_project(project), pk=shown) if shown is not None else None,
        search=search[:LONGEST_SEARCH],
        place=place,
        order=order,
        group=get_object_or_404(groups, pk=key) if key is not None else None,
        like_note=get_object_or_404(notes_in(project), pk=note) if note is not None else None,
        like_group=get_object_or_404(groups, pk=like) if like is not None else None,
        words=searched(search[:LONGEST_SEARCH]),
    )


def asked_notes(project: Project, asked: Asked) -> QuerySet[Label]:
    """The notes that the address asks for, in no order."""
    labels = notes_in(project, asked.round)
    if asked.group:
        labels = labels.filter(groupings__group=asked.group)
    elif asked.place != ALL:
        labels = waiting(labels)
    if asked.like_note:
        labels = labels.exclude(pk=asked.like_note.pk)
    return containing(labels, asked.words)
