"""How people put notes into groups: put, take out, name, merge, dissolve. Nothing is grouped without a person.

Each change of a project's groups waits for the one before, and says what somebody else did meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

from evalhub.errors import EvalHubError
from evalhub.projects.models import Project, User
from evalhub.projects.trail import record_event
from reviews.models import GroupedNote, NoteGroup
from reviews.notes.board import notes_in

# Of the key of an advisory lock, beside the project's: any number that nothing else of EvalHub uses.
LOCK_OF_NOTES = 7_042
MOST_GROUPS = 200
"""Of a project: a taxonomy has 5 to 10 types, and more groups than these fit on no page."""


class GroupingError(EvalHubError):
    """The notes cannot be grouped so."""


class ChangedMeanwhile(GroupingError):
    """Somebody else changed the group since the page was opened."""


@dataclass(frozen=True)
class Put:
    """How many notes went where they should; how many did not, since somebody moved them since the page was opened.

    ``gone``: how many are no notes of the project's any more; ``kept``: how many could not be taken out of a group,
    since their labels carry its error type.
    """

    count: int
    elsewhere: int
    gone: int
    kept: int = 0


def alone_with_notes(project: Project) -> None:
    """Until the transaction ends, nobody else changes the project's groups."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_OF_NOTES, project.pk % 2**31])


def present(project: Project, key: int) -> NoteGroup:
    """The group as it is now. Raises GroupingError when it is gone."""
    found = NoteGroup.objects.in_project(project).filter(pk=key).select_related("changed_by").first()
    if found is None:
        raise GroupingError(
            "This group is gone: somebody merged or dissolved it meanwhile. Its notes are where they put them."
        )
    return found


def version_of(group: NoteGroup) -> str:
    """Which state of a group a page shows. It comes back with what is sent."""
    return group.changed_at.isoformat()


@transaction.atomic
def make_group(project: Project, name: str, actor: User) -> tuple[NoteGroup, bool]:
    """The project's group of this name, in capitals or not, and whether it is new. Raises GroupingError: no name."""
    name = " ".join(name.split())
    if not name:
        raise GroupingError("Name the group: what went wrong, as “Wrong order number”.")
    if len(name) > 80:
        raise GroupingError("The name of a group has at most 80 characters. Put the rest into its definition.")
    alone_with_notes(project)
    groups = NoteGroup.objects.in_project(project)
    if found := groups.filter(name__iexact=name).first():
        return found, False
    if groups.count() >= MOST_GROUPS:
        raise GroupingError(f"There are {MOST_GROUPS} groups. Merge some, or dissolve those that are not needed.")
    return NoteGroup.objects.create(project=project, name=name, made_by=actor, changed_by=actor), True


@transaction.atomic
def put(project: Project, seen: Mapping[int, int | None], into: int | None, actor: User) -> Put:
    """Put notes, by the keys of their labels, into the group of this key; None takes them out of theirs.

    ``seen``: the group in which the page showed each of them as waiting. A note that is in another one by now stays
    there, since somebody put it there. Raises GroupingError when the group is gone.
    """
    alone_with_notes(project)
    group = present(project, into) if into is not None else None
    known = set(notes_in(project).filter(pk__in=seen).values_list("pk", flat=True))
    places = GroupedNote.objects.filter(label__in=known)
    now = dict(places.filter(turned_at=None).values_list("label", "group"))
    there = set(places.filter(group=into).values_list("label", flat=True)) if group else set()
    turned = set(places.exclude(label__in=now).values_list("label", flat=True)) if group is None else set()
    moved = {key for key in known - turned if now.get(key) == seen[key] or key in there or now.get(key) == into}
    coming = moved - there
    places.filter(label__in=coming, turned_at=None).delete()
    if group:
        GroupedNote.objects.bulk_create(GroupedNote(group=group, label_id=key, put_by=actor) for key in sorted(coming))
    return Put(len(moved), len(known - turned - moved), len(seen) - len(known), len(turned))


@transaction.atomic
def change_group(group: NoteGroup, name: str, definition: str, severity: str, saw: str, actor: User) -> None:
    """Name and define a group. Raises ChangedMeanwhile when it is not as the page showed it (``saw``)."""
    alone_with_notes(group.project)
    group = present(group.project, group.pk)
    if (group.name, group.definition, group.severity) == (name, definition, severity):
        return
    if version_of(group) != saw:
        raise ChangedMeanwhile(
            f"{group.changed_by} changed this group meanwhile: it is now “{group.name}”, "
            f"{group.get_severity_display().lower()}, {quoted(group.definition)}. "
            "What you wrote is still below. Save again to replace theirs."
        )
    if NoteGroup.objects.in_project(group.project).filter(name__iexact=name).exclude(pk=group.pk).exists():
        raise GroupingError(f"There is a group “{name}” already. Merge this one into it, or choose another name.")
    group.name, group.definition, group.severity = name, definition, severity
    touch(group, actor)
    group.save(update_fields=["name", "definition", "severity", "changed_by", "changed_at"])


def quoted(definition: str) -> str:
    return f"defined as “{definition}”" if definition else "without a definition"


def touch(group: NoteGroup, actor: User) -> None:
    group.changed_by, group.changed_at = actor, timezone.now()


@transaction.atomic
def merge_groups(group: NoteGroup, into: int, actor: User) -> tuple[NoteGroup, int]:
    """Put all notes of a group into another one, and drop the empty one; the other, and how many came to it.

    Raises GroupingError when either is gone, they are the same, or the first was turned into an error type.
    """
    alone_with_notes(group.project)
    group, other = present(group.project, group.pk), present(group.project, into)
    if group.pk == other.pk:
        raise GroupingError("A group cannot be merged into itself. Choose another one.")
    refuse_when_turned(group)
    there = set(other.notes.values_list("label", flat=True))
    count = group.notes.exclude(label__in=there).update(group=other, put_by=actor, put_at=timezone.now())
    if group.definition and not other.definition:
        other.definition = group.definition
    touch(other, actor)
    other.save(update_fields=["definition", "changed_by", "changed_at"])
    group.delete()
    record_event(group.project, actor, "merged the group of notes", f"{group} into {other}")
    return other, count


@transaction.atomic
def dissolve_group(group: NoteGroup, actor: User) -> int:
    """Drop a group; its notes wait outside of groups again, so many. Raises GroupingError: gone, or turned."""
    alone_with_notes(group.project)
    group = present(group.project, group.pk)
    refuse_when_turned(group)
    count = group.notes.count()
    group.delete()
    record_event(group.project, actor, "dissolved the group of notes", group)
    return count


def refuse_when_turned(group: NoteGroup) -> None:
    if group.error_type_id:
        raise GroupingError(
            f"“{group}” was turned into the error type “{group.error_type}”. Take that back first, then change it."
        )
