"""What happens when somebody says what they think: labels, decisions, and what follows from them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from evalhub.errors import EvalHubError
from evalhub.projects.models import User
from evalhub.runs.models import Output
from reviews.models import Claim, Decision, Deferral, Draft, ItemEvent, Label, ReviewItem, Saying
from reviews.status import Said, Status, agreed_types, item_status
from taxonomy.models import ErrorType
from taxonomy.settling import record_verdict, withdraw_verdict

Action = ItemEvent.Action

# With the places that others hold now; one's own claim, if it has not run out, is a place.
PLACES = """
SELECT count(*) FILTER (WHERE reviewer_id <> %(me)s), count(*) FILTER (WHERE reviewer_id = %(me)s)
FROM reviews_claim WHERE item_id = %(item)s AND until > now()
"""
COUNT_LABEL = """
INSERT INTO reviews_seat (round_id, reviewer_id, labels, position) VALUES (%(round)s, %(me)s, greatest(%(more)s, 0), -1)
ON CONFLICT (round_id, reviewer_id) DO UPDATE SET labels = reviews_seat.labels + %(more)s
"""
SECONDS = """
SELECT extract(epoch FROM now() - began_at)::float8 FROM reviews_claim
WHERE item_id = %(item)s AND reviewer_id = %(me)s
"""


class NotYours(EvalHubError):
    """The item went to somebody else meanwhile."""


def locked(item_id: int) -> ReviewItem:
    """The item as it is now, in this transaction alone."""
    found = ReviewItem.objects.select_for_update(of=("self",)).select_related("round", "output")
    return found.defer("output__raw", "output__text", "output__tool_calls").get(pk=item_id)


@transaction.atomic
def record_label(
    item: ReviewItem,
    reviewer: User,
    outcome: str,
    error_types: Collection[ErrorType] = (),
    note: str = "",
    *,
    severity: str = "",
    fault: str = "",
    failing_step: int | None = None,
    imported: bool = False,
) -> Label:
    """Save the reviewer's label, replacing an earlier one of theirs, and settle the item if that was the last wanted.

    What was said before stays in the item's history. The claim, the draft and the deferral end with it.

    Raises NotYours when the item has its labels from others, another person holds its last place now, or its round is
    closed. ``imported``: it comes from a file, so no claim is asked for and no time is known.
    """
    item = locked(item.pk)
    refuse_when_closed(item)
    label = item.labels.filter(reviewer=reviewer).first()
    is_new = label is None
    if label is None:
        if not imported:
            refuse_when_taken(item, reviewer)
        label = Label(item=item, reviewer=reviewer, is_imported=imported, seconds=seconds_with(item, reviewer))
    label.outcome, label.note, label.severity, label.fault = outcome, note, severity, fault
    label.failing_step, label.changed_at = failing_step, timezone.now()
    label.save()
    if error_types or not is_new:
        label.error_types.set(error_types)
    end_work_on(item, reviewer)
    if is_new:
        count_label(item, reviewer, 1)
    note_event(item, Action.LABELLED if is_new else Action.CHANGED, reviewer, reviewer, said_now(label, error_types))
    settle_item(item)
    return label


def said_now(label: Saying, error_types: Collection[ErrorType]) -> dict[str, Any]:
    """As ``Saying.as_said``, without reading back what was just written."""
    return {
        "outcome": label.outcome,
        "error_types": sorted(error_type.pk for error_type in error_types),
        "severity": label.severity,
        "fault": label.fault,
        "failing_step": label.failing_step,
        "note": label.note,
    }


def refuse_when_closed(item: ReviewItem) -> None:
    if item.round.closed_at:
        raise NotYours("The round is closed, so its labels stay as they are. A lead can open it again.")


def refuse_when_taken(item: ReviewItem, reviewer: User) -> None:
    if item.status not in ReviewItem.WANTING:
        raise NotYours("Somebody else labelled this item meanwhile. Your note is still below; go on to the next item.")
    if item.assigned_to and reviewer.pk not in item.assigned_to:
        raise NotYours("This item was given to somebody else meanwhile. Go on to the next item.")
    with connection.cursor() as cursor:
        cursor.execute(PLACES, {"me": reviewer.pk, "item": item.pk})
        others, own = cursor.fetchone()
    if not own and item.label_count + others >= item.labels_wanted:
        raise NotYours(
            "Your 15 minutes with this item were over, and somebody else reads it now. Go on to the next item."
        )


def seconds_with(item: ReviewItem, reviewer: User) -> float | None:
    """Seconds since the person first saw the item; None when they did not claim it."""
    with connection.cursor() as cursor:
        cursor.execute(SECONDS, {"item": item.pk, "me": reviewer.pk})
        row = cursor.fetchone()
        return row[0] if row else None


def end_work_on(item: ReviewItem, reviewer: User) -> None:
    for kept in (Claim, Draft, Deferral):
        kept.objects.filter(item=item, reviewer=reviewer).delete()


def count_label(item: ReviewItem, reviewer: User, more: int) -> None:
    """Keep the person's count in the round; the item's own is written by ``settle_item``."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT_LABEL, {"round": item.round_id, "me": reviewer.pk, "more": more})


def note_event(
    item: ReviewItem, action: str, actor: User, reviewer: User | None, said: dict[str, Any], note: str = ""
) -> None:
    ItemEvent.objects.create(item=item, action=action, actor=actor, reviewer=reviewer, said=said, note=note[:500])


def said_of(item: ReviewItem) -> list[Said]:
    """What each label of the item says, oldest first."""
    labels = item.labels.prefetch_related("error_types").order_by("pk")
    return [(label.outcome, frozenset(each.pk for each in label.error_types.all())) for label in labels]


def derived_status(item: ReviewItem, said: Collection[Said]) -> Status:
    """The status that follows from the item's labels and what leads did: see ``item_status``."""
    return item_status(
        list(said),
        item.labels_wanted,
        is_decided=Decision.objects.filter(item=item).exists(),
        is_known=item.is_known,
        is_closed=item.closed_at is not None,
        contests_types=item.round.contests_types,
    )


def settle_item(item: ReviewItem) -> None:
    """Bring the status of an item, whose row is locked, and its output's verdict in line with what people said."""
    said = said_of(item)
    before = item.status
    item.label_count, item.status = len(said), derived_status(item, said)
    item.save(update_fields=["status", "label_count"])
    if Status.SETTLED in {before, item.status} and not item.is_known:
        derive_verdict(item.output)


def settled_item_of(output: Output) -> ReviewItem | None:
    """The item whose labels count for the output: that of the newest round in which it is settled."""
    items = ReviewItem.objects.filter(output=output, status=Status.SETTLED, is_known=False, round__is_practice=False)
    return items.select_related("decision").order_by("-round_id").first()


def derive_verdict(output: Output) -> None:
    """Write the verdict that follows from the labels, or withdraw it when none does."""
    # Two rounds may settle the same output at once: the second one has to see what the first wrote.
    Output.objects.select_for_update(no_key=True).only("pk").get(pk=output.pk)
    item = settled_item_of(output)
    if item is None:
        withdraw_verdict(output)
        return
    outcome, types = said_by(item)
    decision = getattr(item, "decision", None)
    record_verdict(
        output,
        outcome,
        types,
        item.inclusion_probability,
        decided_by=decision.decided_by if decision else None,
        why=decision.note if decision else "",
    )


def said_by(item: ReviewItem) -> tuple[str, set[ErrorType]]:
    """What settles an item: the decision on it, or what its labels say together."""
    decision = Decision.objects.filter(item=item).prefetch_related("error_types").first()
    if decision:
        return decision.outcome, set(decision.error_types.all())
    labels = list(item.labels.prefetch_related("error_types").order_by("pk"))
    outcomes = {label.outcome for label in labels}
    if len(outcomes) > 1:
        raise ValueError(f"Item {item.pk} is not settled: its labels differ.")
    return labels[0].outcome, agreed_types([label.error_types.all() for label in labels])


def verdict_by_labels(output: Output) -> tuple[str, frozenset[int]] | None:
    """(outcome, keys of error types) as the labels have it; None when they settle nothing."""
    item = settled_item_of(output)
    if item is None:
        return None
    outcome, types = said_by(item)
    return outcome, frozenset(error_type.pk for error_type in types)


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
    count_label(item, reviewer, -1)
    note_event(item, action, actor, reviewer, said, note)
    settle_item(item)
    return True


@transaction.atomic
def return_label(item: ReviewItem, reviewer: User, lead: User, note: str = "") -> bool:
    """Give a reviewer their label back to think again, with a word on why; false when they have none there.

    The item is theirs then: it is assigned to those who labelled it and to whom it is returned.
    """
    item = locked(item.pk)
    refuse_when_closed(item)
    return take_label_away(item, reviewer, lead, Action.RETURNED, note)


@transaction.atomic
def decide(
    item: ReviewItem,
    decider: User,
    outcome: str,
    error_types: Collection[ErrorType] = (),
    note: str = "",
    *,
    severity: str = "",
    fault: str = "",
    failing_step: int | None = None,
) -> Decision:
    """Settle an item whatever its labels say; a decision made before is replaced. Raises NotYours: round closed."""
    item = locked(item.pk)
    refuse_when_closed(item)
    decision, _ = Decision.objects.update_or_create(
        item=item,
        defaults={
            "outcome": outcome,
            "note": note,
            "severity": severity,
            "fault": fault,
            "failing_step": failing_step,
            "decided_by": decider,
            "decided_at": timezone.now(),
        },
    )
    decision.error_types.set(error_types)
    note_event(item, Action.DECIDED, decider, None, said_now(decision, error_types))
    settle_item(item)
    derive_verdict(item.output)
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
    note_event(item, Action.REOPENED, actor, None, said)
    settle_item(item)
    return True
