"""What happens when somebody says what they think: labels, decisions, and what follows from them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.utils import timezone
from psycopg.types.json import Jsonb

from evalhub.errors import EvalHubError
from evalhub.projects.models import User
from reviews import label_sql
from reviews.assessment import Assessment, assessment_of
from reviews.models import Decision, Draft, ItemEvent, Label, ReviewItem
from reviews.queue import mark_freed
from reviews.rows import all_rows, first_row
from reviews.status import Said, Status, item_status, said_as_of
from reviews.verdicts import UNKNOWN, derive_verdict, differ, trees_behind
from taxonomy.versions import present_version, tree_of

Action = ItemEvent.Action


class NotYours(EvalHubError):
    """The item went to somebody else meanwhile."""


class LabelledElsewhere(EvalHubError):
    """The person has a label of the item that the page did not show."""


def version_of(label: Label | None) -> str:
    """Which state of a person's label a page shows: “” for none. It comes back with what they send."""
    return label.changed_at.isoformat() if label else ""


def locked(item_id: int) -> ReviewItem:
    """The item as it is now, in this transaction alone, with its round."""
    row = first_row(label_sql.LOCKED, {"item": item_id})
    if row is None:
        raise ReviewItem.DoesNotExist(f"There is no review item {item_id}.")
    values = iter(row)
    item: Any = label_sql.ITEM.take(values)
    item.round = label_sql.ROUND.take(values)
    found: ReviewItem = item
    return found


@transaction.atomic
def record_label(
    item: ReviewItem, reviewer: User, said: Assessment, *, imported: bool = False, saw: str | None = None
) -> Label:
    """Save the reviewer's label, replacing an earlier one of theirs, and settle the item if that was the last wanted.

    What was said before stays in the item's history. The claim, the draft and the deferral end with it.

    Raises NotYours when the item has its labels from others, another person holds its last place now, or its round is
    closed. ``imported``: it comes from a file, so no claim is asked for and no time is known. ``saw``: the
    ``version_of`` their label on the page that sent this one; LabelledElsewhere is raised when they have another one
    by now, unless it says the same: that is the same label, sent twice.
    """
    return keep_label(item, reviewer, said, imported=imported, saw=saw)


def keep_label(
    item: ReviewItem, reviewer: User, said: Assessment, *, imported: bool = False, saw: str | None = None
) -> Label:
    """As ``record_label``, inside of the caller's transaction."""
    item = locked(item.pk)
    refuse_when_closed(item)
    standing = standing_at(item, reviewer)
    before = standing.own
    if before and saw is not None and saw != before.changed_at.isoformat():
        there = Label.objects.get(pk=before.label)
        if assessment_of(there) == said:
            return there
        raise LabelledElsewhere(
            "You labelled this item meanwhile, in another tab. Press again to replace that label by this one."
        )
    if not before and not imported and not standing.is_held:
        refuse_when_taken(item, reviewer, standing.held_by_others)
    was = item.status
    all_said: list[Said] = [*standing.others, (said.outcome, said.error_types)]
    tree = UNKNOWN
    if item.round.types_contest and differ(types for _, types in all_said):
        # As ``trees_behind`` would have it: this label is given under the newest version.
        tree = tree_of(item.round.project)
        all_said = said_as_of(tree, all_said)
    item.label_count, item.status = len(all_said), derived_status(item, all_said, standing.is_decided)
    label = Label(item=item, reviewer=reviewer, is_imported=imported, seconds=standing.seconds, **said.values())
    label.created_at = label.changed_at = timezone.now()
    label.pk = write(label, said, before.label if before else None, tree.number or None)
    if Status.SETTLED in {was, item.status} and not item.is_known:
        derive_verdict(item.output_id)
    return Label.objects.get(pk=label.pk) if before else label


def write(label: Label, said: Assessment, before: int | None, version: int | None) -> int:
    """Store the label, what it changes of its item, and that it was given; returns its key. ``before``: its key, if
    there was one. ``version``: of the taxonomy, None for the newest."""
    item = label.item
    parameters = {
        **said.values(),
        "types": sorted(said.error_types),
        "said": Jsonb(said.as_said()),
        "item": item.pk,
        "round": item.round_id,
        "project": item.round.project_id,
        "me": label.reviewer_id,
        "seconds": label.seconds,
        "imported": label.is_imported,
        "at": label.changed_at,
        "before": before,
        "version": version,
        "action": Action.CHANGED if before else Action.LABELLED,
        "status": item.status,
        "count": item.label_count,
    }
    row = first_row(label_sql.WRITE, parameters)
    assert row is not None  # a row is written or an error raised
    return int(row[0])


class Own(NamedTuple):
    """A person's label of an item: its key, and when it was changed last."""

    label: int
    changed_at: datetime


class Standing(NamedTuple):
    """What decides about a person's label of an item: their own, what others said, who holds the item.

    ``seconds`` since they first saw it, None when they never claimed it; ``is_held``: they hold it still.
    """

    own: Own | None
    others: list[Said]
    is_decided: bool
    seconds: float | None
    is_held: bool
    held_by_others: int


def standing_at(item: ReviewItem, reviewer: User) -> Standing:
    """Of an item whose row is locked."""
    rows = all_rows(label_sql.STANDING, {"item": item.pk, "me": reviewer.pk})
    own = [Own(label, changed_at) for label, person, changed_at, *_ in rows if person == reviewer.pk]
    others = [
        (outcome, frozenset(types)) for _, person, _, outcome, types, *_ in rows if outcome and person != reviewer.pk
    ]
    *_, is_decided, seconds, is_held, held_by_others = rows[0]
    is_held = bool(is_held) and item.status in ReviewItem.WANTING and may_have(item, reviewer)
    return Standing(own[0] if own else None, others, is_decided, seconds, is_held, held_by_others)


def refuse_when_closed(item: ReviewItem) -> None:
    if item.round.closed_at:
        raise NotYours("The round is closed, so its labels stay as they are. A lead can open it again.")


def refuse_when_taken(item: ReviewItem, reviewer: User, held_by_others: int) -> None:
    """Raise NotYours unless a place of the item is free for somebody who does not hold it any more."""
    if item.status not in ReviewItem.WANTING:
        raise NotYours("Somebody else labelled this item meanwhile. Your note is still below; go on to the next item.")
    if not may_have(item, reviewer):
        raise NotYours("This item was given to somebody else meanwhile. Go on to the next item.")
    if item.label_count + held_by_others >= item.labels_wanted:
        raise NotYours(
            "Your 15 minutes with this item were over, and somebody else reads it now. Go on to the next item."
        )


def may_have(item: ReviewItem, reviewer: User) -> bool:
    return not item.assigned_to or reviewer.pk in item.assigned_to


def note_event(
    item: ReviewItem, action: str, actor: User, reviewer: User | None, said: dict[str, Any], note: str = ""
) -> None:
    whose = reviewer.pk if reviewer else None
    values: list[Any] = [item.pk, action, actor.pk, whose, Jsonb(said), note[:500], timezone.now()]
    with connection.cursor() as cursor:
        cursor.execute(label_sql.NOTE_EVENT, values)


def said_of(item_id: int) -> tuple[list[Said], bool]:
    """What each label of the item says, oldest first, in terms that compare; and whether it was decided."""
    with connection.cursor() as cursor:
        cursor.execute(label_sql.SAID, [item_id])
        rows = cursor.fetchall()
    said = [(outcome, frozenset(types)) for outcome, types, _ in rows if outcome]
    if differ(types for _, types in said):
        said = said_as_of(trees_behind([item_id]).get(item_id, UNKNOWN), said)
    return said, rows[0][2]


def derived_status(item: ReviewItem, said: Collection[Said], is_decided: bool) -> Status:
    """The status that follows from the item's labels and what leads did: see ``item_status``."""
    return item_status(
        list(said),
        item.labels_wanted,
        is_decided=is_decided,
        is_known=item.is_known,
        is_closed=item.closed_at is not None,
        contests_types=item.round.types_contest,
    )


def settle_item(item: ReviewItem) -> None:
    """Bring the status of an item, whose row is locked, and its output's verdict in line with what people said."""
    said, is_decided = said_of(item.pk)
    before = item.status
    item.label_count, item.status = len(said), derived_status(item, said, is_decided)
    with connection.cursor() as cursor:
        cursor.execute(label_sql.SETTLE, [item.status, item.label_count, item.pk])
    if Status.SETTLED in {before, item.status} and not item.is_known:
        derive_verdict(item.output_id)


@transaction.atomic
def undo_label(item: ReviewItem, reviewer: User) -> bool:
    """Take the reviewer's own label back; false when there is none. What it said becomes their draft.

    Raises NotYours when the round is closed.
    """
    item = locked(item.pk)
    refuse_when_closed(item)
    return take_label_away(item, reviewer, reviewer, Action.TAKEN_BACK)


def take_label_away(item: ReviewItem, reviewer: User, actor: User, action: str, note: str = "") -> bool:
    """Of an item whose row is locked: the label becomes the reviewer's draft, and the item wants one more again."""
    label = item.labels.filter(reviewer=reviewer).first()
    if label is None:
        return False
    said = label.as_said()
    Draft.objects.update_or_create(item=item, reviewer=reviewer, defaults={"said": said, "saved_at": timezone.now()})
    label.delete()
    mark_freed(item.pk, reviewer)
    with connection.cursor() as cursor:
        cursor.execute(label_sql.COUNT_LESS, [item.round_id, reviewer.pk])
    note_event(item, action, actor, reviewer, said, note)
    settle_item(item)
    return True


@transaction.atomic
def return_label(item: ReviewItem, reviewer: User, lead: User, note: str = "") -> bool:
    """Give a reviewer their label back to think again, with a word on why; false when they have none there.

    What it said is their draft; the item wants one label more again, from anybody whom it is for.
    """
    item = locked(item.pk)
    refuse_when_closed(item)
    return take_label_away(item, reviewer, lead, Action.RETURNED, note)


@transaction.atomic
def decide(item: ReviewItem, decider: User, said: Assessment) -> Decision:
    """Settle an item whatever its labels say; a decision made before is replaced. Raises NotYours: round closed."""
    item = locked(item.pk)
    refuse_when_closed(item)
    decision, _ = Decision.objects.update_or_create(
        item=item,
        defaults={
            **said.values(),
            "taxonomy_version": present_version(item.round.project_id),
            "decided_by": decider,
            "decided_at": timezone.now(),
        },
    )
    decision.error_types.set(said.error_types)
    note_event(item, Action.DECIDED, decider, None, said.as_said())
    settle_item(item)
    derive_verdict(item.output_id)
    return decision


@transaction.atomic
def take_decision_back(item: ReviewItem, actor: User) -> bool:
    """The labels count again; false when nothing was decided. Raises NotYours when the round is closed."""
    item = locked(item.pk)
    refuse_when_closed(item)
    decision = Decision.objects.filter(item=item).first()
    if decision is None:
        return False
    said = decision.as_said()
    decision.delete()
    mark_freed(item.pk, actor)
    note_event(item, Action.REOPENED, actor, None, said)
    settle_item(item)
    return True
