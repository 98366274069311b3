"""A group of notes becomes an error type: the labels from which its notes come are given it, all at once.

A lead decides that what a reviewer wrote is this error type. So the label stays the reviewer's, with their words and
their outcome, and carries the error type from then on; the item's history says that the lead added it, when and from
which group. Statuses, verdicts and findings follow in the same transaction. It can be taken back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from evalhub.projects.models import User
from evalhub.projects.trail import record_event
from reviews.assessment import assessment_of
from reviews.labelling import Action
from reviews.models import GroupedNote, ItemEvent, Label, NoteGroup, ReviewItem
from reviews.notes.grouping import GroupingError, alone_with_notes, present, touch
from reviews.notes.judging import NEW, Judged, judged, waiting_notes
from reviews.settling import settle_items
from taxonomy.models import ErrorType, TaxonomyVersion
from taxonomy.types.editing import add_error_type


class TurningError(GroupingError):
    """The group cannot be turned into an error type so."""


@dataclass(frozen=True)
class Turned:
    """How many labels were given the error type, how many had it already, and how many notes stayed, by why."""

    error_type: ErrorType
    labels: int
    carrying: int
    refused: Mapping[str, int]


@dataclass(frozen=True)
class TakenBack:
    """How many labels are as they were, and how many stay: changed by their reviewers since, or in a closed round."""

    error_type: ErrorType
    labels: int
    changed: int
    closed: int


@transaction.atomic
def turn_group(group: NoteGroup, error_type: ErrorType, actor: User) -> Turned:
    """Give the labels of the group's waiting notes this error type, which is stored if it is new.

    Raises GroupingError when the group is gone, is another error type already, or nothing of it can carry one.
    """
    alone_with_notes(group.project)
    group = present(group.project, group.pk)
    if group.error_type_id and group.error_type_id != error_type.pk:
        raise TurningError(
            f"“{group}” was turned into the error type “{group.error_type}” meanwhile. Its notes can be labelled as "
            "that; or take it back first."
        )
    # Items before error types and labels, as everybody who labels takes them.
    lock_items(group.notes.filter(turned_at=None).values_list("label__item", flat=True))
    found = judged(waiting_notes(group), error_type.pk or NEW)
    if not found.given and not found.carrying:
        raise TurningError(nothing_to_turn(found))
    if not error_type.pk:
        error_type = add_error_type(error_type, actor, f"From the notes “{group}”.")
    elif not ErrorType.objects.active().filter(pk=error_type.pk).exists():
        raise TurningError(f"“{error_type}” was retired meanwhile. Choose another error type, or restore it first.")
    give(found, group, error_type, actor)
    group.error_type = error_type
    touch(group, actor)
    group.save(update_fields=["error_type", "changed_by", "changed_at"])
    settle_items({note.label.item_id for note in found.given})
    labels = f"{len(found.given)} label{'' if len(found.given) == 1 else 's'}"
    record_event(group.project, actor, "turned notes into an error type", f"{group} into {error_type}: {labels}")
    return Turned(error_type, len(found.given), len(found.carrying), found.refused)


def nothing_to_turn(found: Judged) -> str:
    if not found.refused:
        return "No note waits in this group. Put some in first."
    reasons = " and ".join(f"{count} {why}" for why, count in found.refused.most_common())
    return f"No label can be given an error type: of the notes, {reasons}. Open the round again, or choose other notes."


def lock_items(keys: Any) -> None:
    """Those of any number of labels, in the order of their keys."""
    list(ReviewItem.objects.select_for_update().filter(pk__in=set(keys)).order_by("pk").values_list("pk"))


def give(found: Judged, group: NoteGroup, error_type: ErrorType, actor: User) -> None:
    """Add the error type to the labels, with a line in each item's history, and remember how they were."""
    now = timezone.now()
    newest = TaxonomyVersion.objects.filter(project=group.project).order_by("-number").values_list("number", flat=True)
    version = newest.first()
    tie = Label.error_types.through
    tie.objects.bulk_create(tie(label_id=note.label_id, errortype_id=error_type.pk) for note in found.given)
    why = f"The notes “{group}” became the error type “{error_type}”."
    ItemEvent.objects.bulk_create(
        event_of(note.label, [*note.label.error_types.all(), error_type], actor, why, now) for note in found.given
    )
    label = Label.objects.filter(pk=OuterRef("label"))
    given, carrying = rows_of(found.given), rows_of(found.carrying)
    given.update(
        version_before=Subquery(label.values("taxonomy_version")), changed_before=Subquery(label.values("changed_at"))
    )
    (given | carrying).update(turned_by=actor, turned_at=now)
    Label.objects.filter(groupings__in=given).update(taxonomy_version=version, changed_at=now)


def rows_of(notes: Sequence[GroupedNote]) -> QuerySet[GroupedNote]:
    return GroupedNote.objects.filter(pk__in=[note.pk for note in notes])


def event_of(label: Label, types: Sequence[ErrorType], actor: User, why: str, now: Any) -> ItemEvent:
    return ItemEvent(
        item_id=label.item_id,
        action=Action.CHANGED,
        actor=actor,
        reviewer_id=label.reviewer_id,
        said=assessment_of(label, types).as_said(),
        note=why[:500],
        at=now,
    )


@transaction.atomic
def take_back(group: NoteGroup, actor: User) -> TakenBack:
    """Take the group's error type from the labels again; they are as they were, and the notes wait in the group.

    A label that its reviewer changed since says what they say, and stays; but in a round that hides the error types
    they never saw this one. So does one stay whose round is closed by now.
    The error type stays too. Raises GroupingError when the group is gone or was not turned.
    """
    alone_with_notes(group.project)
    group = present(group.project, group.pk)
    if group.error_type is None:
        raise TurningError(f"“{group}” is no error type any more: somebody took that back meanwhile.")
    error_type = group.error_type
    turned = group.notes.filter(turned_at__isnull=False)
    lock_items(turned.values_list("label__item", flat=True))
    notes = list(turned.select_related("label__item__round").prefetch_related("label__error_types", "label__groupings"))
    found = sorted_out(notes)
    restore(found.restored, group, error_type, actor)
    remove(found.removed, group, error_type, actor)
    freed = [*found.restored, *found.removed]
    free([*freed, *(note for note in notes if note.changed_before is None)])
    if not group.notes.filter(turned_at__isnull=False).exists():
        group.error_type = None
    touch(group, actor)
    group.save(update_fields=["error_type", "changed_by", "changed_at"])
    settle_items({note.label.item_id for note in freed})
    labels = f"{len(freed)} label{'' if len(freed) == 1 else 's'}"
    record_event(group.project, actor, "took an error type of notes back", f"{group}, {error_type}: {labels}")
    return TakenBack(error_type, len(freed), found.changed, found.closed)


@dataclass
class SortedOut:
    """Notes whose labels were given an error type, by how it can be taken back: the label is as that made it
    (``restored``); or it changed since, but the error type is nothing that its reviewer said (``removed``)."""

    restored: list[GroupedNote]
    removed: list[GroupedNote]
    changed: int = 0
    closed: int = 0


def sorted_out(notes: Sequence[GroupedNote]) -> SortedOut:
    found = SortedOut([], [])
    for note in notes:
        label = note.label
        if note.changed_before is None:
            continue
        if label.item.round.closed_at:
            found.closed += 1
        elif label.changed_at == note.turned_at:
            found.restored.append(note)
        elif label.item.round.hides_types or note.turned_at in stamps_of(label):
            found.removed.append(note)
        else:
            found.changed += 1
    return found


def stamps_of(label: Label) -> list[datetime]:
    """When the label was given error types, back to the last change of its reviewer's, latest first."""
    turned = {each.turned_at: each.changed_before for each in label.groupings.all() if each.turned_at}
    found, at = [], label.changed_at
    while (before := turned.get(at)) is not None:
        found.append(at)
        at = before
    return found


def remove(notes: Sequence[GroupedNote], group: NoteGroup, error_type: ErrorType, actor: User) -> None:
    """Take the error type from labels that changed since; what they say besides stays. Few, so one by one."""
    now = timezone.now()
    untie(notes, group, error_type, actor)
    for note in notes:
        places = GroupedNote.objects.filter(label=note.label)
        # What another group remembers of the label before it is what this one does, and its stamp is the label's.
        places.filter(changed_before=note.turned_at).update(
            changed_before=note.changed_before, version_before=note.version_before
        )
        places.filter(turned_at=note.label.changed_at).update(turned_at=now)
        Label.objects.filter(pk=note.label_id).update(changed_at=now)


def restore(notes: Sequence[GroupedNote], group: NoteGroup, error_type: ErrorType, actor: User) -> None:
    """The labels as they were before they were given the error type."""
    untie(notes, group, error_type, actor)
    place = rows_of(notes).filter(label=OuterRef("pk"))
    Label.objects.filter(groupings__in=rows_of(notes)).update(
        taxonomy_version=Subquery(place.values("version_before")), changed_at=Subquery(place.values("changed_before"))
    )


def untie(notes: Sequence[GroupedNote], group: NoteGroup, error_type: ErrorType, actor: User) -> None:
    """The error type away from the labels, with a line in each item's history."""
    now = timezone.now()
    ties = Label.error_types.through.objects
    ties.filter(label__in=[note.label_id for note in notes], errortype=error_type).delete()
    why = f"Taken back: the notes “{group}” are not the error type “{error_type}”."
    left = {
        note.label_id: [each for each in note.label.error_types.all() if each.pk != error_type.pk] for note in notes
    }
    ItemEvent.objects.bulk_create(event_of(note.label, left[note.label_id], actor, why, now) for note in notes)


def free(notes: Sequence[GroupedNote]) -> None:
    """The notes wait in their group again; but for those that were put into another one meanwhile: they wait there."""
    keys = [note.pk for note in notes]
    labels = [note.label_id for note in notes]
    elsewhere = GroupedNote.objects.filter(label__in=labels, turned_at=None).values_list("label", flat=True)
    GroupedNote.objects.filter(Q(pk__in=keys) & Q(label__in=set(elsewhere))).delete()
    GroupedNote.objects.filter(pk__in=keys).update(
        turned_by=None, turned_at=None, version_before=None, changed_before=None
    )
