"""What happens when somebody says what they think: labels, decisions, and what follows from them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import connection, transaction
from django.db.models import Min
from django.utils import timezone
from psycopg.types.json import Jsonb

from evalhub.errors import EvalHubError
from evalhub.projects.models import User
from evalhub.runs.models import Output
from reviews.models import Decision, Draft, ItemEvent, Label, ReviewItem, Saying
from reviews.queue import mark_freed
from reviews.status import Said, Status, agreed_types, item_status
from taxonomy.models import ErrorType, Verdict
from taxonomy.settling import record_verdict, withdraw_verdict
from taxonomy.versions import present_version

Action = ItemEvent.Action

# The claim tells when the person first saw the item, and whether they hold it still.
END_WORK = """
WITH draft AS (DELETE FROM reviews_draft WHERE item_id = %(item)s AND reviewer_id = %(me)s),
    deferral AS (DELETE FROM reviews_deferral WHERE item_id = %(item)s AND reviewer_id = %(me)s)
DELETE FROM reviews_claim WHERE item_id = %(item)s AND reviewer_id = %(me)s
RETURNING extract(epoch FROM now() - began_at)::float8, until > now()
"""
HELD_BY_OTHERS = """
SELECT count(*) FROM reviews_claim WHERE item_id = %(item)s AND until > now() AND reviewer_id <> %(me)s
"""
COUNT_LABEL = """
INSERT INTO reviews_seat (round_id, reviewer_id, labels, position) VALUES (%(round)s, %(me)s, greatest(%(more)s, 0), -1)
ON CONFLICT (round_id, reviewer_id) DO UPDATE SET labels = reviews_seat.labels + %(more)s
"""
# One row without a label where there is none, for the decision's sake.
SAID = """
SELECT label.outcome, ARRAY(SELECT errortype_id FROM reviews_label_error_types WHERE label_id = label.id),
    EXISTS (SELECT FROM reviews_decision WHERE item_id = item.id)
FROM reviews_reviewitem AS item LEFT JOIN reviews_label AS label ON label.item_id = item.id
WHERE item.id = %s ORDER BY label.id
"""


SETTLE = "UPDATE reviews_reviewitem SET status = %s, label_count = %s WHERE id = %s"
NOTE_EVENT = """
INSERT INTO reviews_itemevent (item_id, action, actor_id, reviewer_id, said, note, at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
DECIDING = (
    *("output_id", "status", "labels_wanted", "label_count", "assigned_to", "is_known", "closed_at"),
    *("round__closed_at", "round__contests_types", "round__hides_types", "round__project"),
)


class NotYours(EvalHubError):
    """The item went to somebody else meanwhile."""


class LabelledElsewhere(EvalHubError):
    """The person has a label of the item that the page did not show."""


def version_of(label: Label | None) -> str:
    """Which state of a person's label a page shows: “” for none. It comes back with what they send."""
    return label.changed_at.isoformat() if label else ""


def locked(item_id: int) -> ReviewItem:
    """The item as it is now, in this transaction alone, with what decides about its labels."""
    found = ReviewItem.objects.select_for_update(of=("self",)).select_related("round")
    return found.only(*DECIDING).get(pk=item_id)


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
    saw: str | None = None,
) -> Label:
    """Save the reviewer's label, replacing an earlier one of theirs, and settle the item if that was the last wanted.

    What was said before stays in the item's history. The claim, the draft and the deferral end with it.

    Raises NotYours when the item has its labels from others, another person holds its last place now, or its round is
    closed. ``imported``: it comes from a file, so no claim is asked for and no time is known. ``saw``: the
    ``version_of`` their label on the page that sent this one; LabelledElsewhere is raised when they have another one
    by now, unless it says the same: that is the same label, sent twice.
    """
    item = locked(item.pk)
    refuse_when_closed(item)
    label = next(iter(Label.objects.filter(item=item, reviewer=reviewer)), None)
    is_new = label is None
    if label is not None and saw is not None and saw != version_of(label):
        sent = Label(outcome=outcome, severity=severity, fault=fault, failing_step=failing_step, note=note)
        if label.as_said() == said_now(sent, error_types):
            return label
        raise LabelledElsewhere(
            "You labelled this item meanwhile, in another tab. Press again to replace that label by this one."
        )
    seconds, is_held = end_work_on(item, reviewer)
    if label is None:
        if not imported and not is_held:
            refuse_when_taken(item, reviewer)
        label = Label(item=item, reviewer=reviewer, is_imported=imported, seconds=seconds)
    label.outcome, label.note, label.severity, label.fault = outcome, note, severity, fault
    label.failing_step, label.changed_at = failing_step, timezone.now()
    label.taxonomy_version = present_version(item.round.project_id)
    label.save()
    if is_new:
        tie = Label.error_types.through
        tie.objects.bulk_create(tie(label=label, errortype=error_type) for error_type in set(error_types))
        count_label(item, reviewer, 1)
    else:
        label.error_types.set(error_types)
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
    """Raise NotYours unless a place of the item is free for somebody who does not hold it any more."""
    if item.status not in ReviewItem.WANTING:
        raise NotYours("Somebody else labelled this item meanwhile. Your note is still below; go on to the next item.")
    if not may_have(item, reviewer):
        raise NotYours("This item was given to somebody else meanwhile. Go on to the next item.")
    with connection.cursor() as cursor:
        cursor.execute(HELD_BY_OTHERS, {"me": reviewer.pk, "item": item.pk})
        others = cursor.fetchone()[0]
    if item.label_count + others >= item.labels_wanted:
        raise NotYours(
            "Your 15 minutes with this item were over, and somebody else reads it now. Go on to the next item."
        )


def end_work_on(item: ReviewItem, reviewer: User) -> tuple[float | None, bool]:
    """Seconds since the person first saw the item, None when they never claimed it; and whether they hold it still.

    The claim, the draft and the deferral are gone then.
    """
    with connection.cursor() as cursor:
        cursor.execute(END_WORK, {"item": item.pk, "me": reviewer.pk})
        seconds, is_held = cursor.fetchone() or (None, False)
    return seconds, is_held and item.status in ReviewItem.WANTING and may_have(item, reviewer)


def may_have(item: ReviewItem, reviewer: User) -> bool:
    return not item.assigned_to or reviewer.pk in item.assigned_to


def count_label(item: ReviewItem, reviewer: User, more: int) -> None:
    """Keep the person's count in the round; the item's own is written by ``settle_item``."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT_LABEL, {"round": item.round_id, "me": reviewer.pk, "more": more})


def note_event(
    item: ReviewItem, action: str, actor: User, reviewer: User | None, said: dict[str, Any], note: str = ""
) -> None:
    whose = reviewer.pk if reviewer else None
    values: list[Any] = [item.pk, action, actor.pk, whose, Jsonb(said), note[:500], timezone.now()]
    with connection.cursor() as cursor:
        cursor.execute(NOTE_EVENT, values)


def said_of(item_id: int) -> tuple[list[Said], bool]:
    """What each label of the item says, oldest first; and whether the item was decided."""
    with connection.cursor() as cursor:
        cursor.execute(SAID, [item_id])
        rows = cursor.fetchall()
    return [(outcome, frozenset(types)) for outcome, types, _ in rows if outcome], rows[0][2]


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
        cursor.execute(SETTLE, [item.status, item.label_count, item.pk])
    if Status.SETTLED in {before, item.status} and not item.is_known:
        derive_verdict(item.output_id)


def settled_item_of(output: Output) -> ReviewItem | None:
    """The item whose labels count for the output: that of the newest round in which it is settled."""
    items = ReviewItem.objects.filter(output=output, status=Status.SETTLED, is_known=False, round__is_practice=False)
    return items.order_by("-round_id").only("pk", "inclusion_probability").first()


def derive_verdict(output_id: int) -> None:
    """Write the verdict that follows from the labels, or withdraw it when none does."""
    # Two rounds may settle the same output at once: the second one has to see what the first wrote.
    output = Output.objects.select_for_update(no_key=True).only("pk", "run_id").get(pk=output_id)
    item = settled_item_of(output)
    if item is None:
        withdraw_verdict(output)
        return
    outcome, types, decision = said_by(item.pk)
    step = decision.failing_step if decision else first_failing_steps([item.pk]).get(item.pk)
    record_verdict(
        output,
        outcome,
        types,
        item.inclusion_probability,
        decided_by=decision.decided_by if decision else None,
        why=decision.note if decision else "",
        failing_step=step,
    )


def said_by(item_id: int) -> tuple[str, set[int], Decision | None]:
    """What settles an item: the outcome, keys of error types, and the decision where it is one, not its labels."""
    said, is_decided = said_of(item_id)
    if is_decided:
        decision = Decision.objects.select_related("decided_by").prefetch_related("error_types").get(item=item_id)
        return decision.outcome, {each.pk for each in decision.error_types.all()}, decision
    outcomes = {outcome for outcome, _ in said}
    if len(outcomes) > 1:
        raise ValueError(f"Item {item_id} is not settled: its labels differ.")
    return outcomes.pop(), agreed_types([types for _, types in said]), None


def first_failing_steps(items: Collection[int]) -> dict[int, int]:
    """item -> the first of the steps at which its labels say that it went wrong; those without one are left out."""
    steps = Label.objects.filter(item__in=items, outcome=Verdict.Outcome.FAIL, failing_step__isnull=False)
    return dict(steps.values_list("item").annotate(first=Min("failing_step")).order_by())


def verdict_by_labels(output: Output) -> tuple[str, frozenset[int]] | None:
    """(outcome, keys of error types) as the labels have it; None when they settle nothing."""
    item = settled_item_of(output)
    if item is None:
        return None
    outcome, types, _ = said_by(item.pk)
    return outcome, frozenset(types)


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
    count_label(item, reviewer, -1)
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
            "taxonomy_version": present_version(item.round.project_id),
            "decided_by": decider,
            "decided_at": timezone.now(),
        },
    )
    decision.error_types.set(error_types)
    note_event(item, Action.DECIDED, decider, None, said_now(decision, error_types))
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
