"""A person's own way through a round: what they labelled, what is in their hands, what comes after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from evalhub.projects.models import User
from reviews.models import Fault, ItemEvent, Label, ReviewItem, Round
from reviews.rows import first_row
from taxonomy.models import ErrorType, Severity

FARTHEST = 1_000
"""So many free items ahead of the present one can be jumped to by number."""

# In one question: the desk is opened hundreds of times an hour by each person. “previous” is the person's last label,
# seen from the label that the page shows if it shows one; the seats hold the counts, so that nothing is counted.
STANDING = """
SELECT coalesce(sum(labels), 0)::int, coalesce(sum(labels) FILTER (WHERE reviewer_id = %(me)s), 0)::int, (
    SELECT label.item_id FROM reviews_label AS label JOIN reviews_reviewitem AS item ON item.id = label.item_id
    WHERE label.reviewer_id = %(me)s AND item.round_id = %(round)s AND label.item_id <> %(item)s
        AND (label.changed_at < %(before)s OR %(before)s IS NULL)
    ORDER BY label.changed_at DESC, label.id DESC LIMIT 1)
FROM reviews_seat WHERE round_id = %(round)s
"""
# Which the person would be given, in the round's order from where they are; what they hold comes before that.
FREE = """
SELECT item.id FROM reviews_reviewitem AS item
WHERE item.round_id = %(round)s AND item.status IN ('waiting', 'in_review')
    AND item."order" >= coalesce(
        (SELECT position FROM reviews_seat WHERE round_id = %(round)s AND reviewer_id = %(me)s), -1)
    AND (item.assigned_to = '{}' OR %(me)s = ANY (item.assigned_to))
    AND NOT EXISTS (SELECT FROM reviews_label WHERE item_id = item.id AND reviewer_id = %(me)s)
    AND NOT EXISTS (SELECT FROM reviews_deferral WHERE item_id = item.id AND reviewer_id = %(me)s)
    AND NOT EXISTS (SELECT FROM reviews_claim WHERE item_id = item.id AND reviewer_id = %(me)s AND until > now())
    AND item.labels_wanted > item.label_count + (
        SELECT count(*) FROM reviews_claim WHERE item_id = item.id AND until > now() AND reviewer_id <> %(me)s)
ORDER BY item."order", item.id OFFSET %(skip)s LIMIT 1
"""
IN_HAND = """
SELECT item.id FROM reviews_claim AS claim JOIN reviews_reviewitem AS item ON item.id = claim.item_id
WHERE claim.reviewer_id = %(me)s AND claim.until > now() AND item.round_id = %(round)s
    AND item.status IN ('waiting', 'in_review')
    AND NOT EXISTS (SELECT FROM reviews_label WHERE item_id = item.id AND reviewer_id = %(me)s)
ORDER BY claim.began_at, claim.id
"""


@dataclass(frozen=True)
class Standing:
    """``done``: labels that the person gave in the round. ``left``: labels of all people still to be given.

    ``previous``: the item that they labelled last, seen from the page; None when there is none.
    """

    done: int
    left: int
    previous: int | None


def standing_in(shown: Round, person: User, item_id: int = 0, before: datetime | None = None) -> Standing:
    """Where the person stands, reading ``item_id``. ``before``: when the label that it shows was changed."""
    asked = {"round": shown.pk, "me": person.pk, "item": item_id, "before": before}
    row = first_row(STANDING, asked)
    assert row is not None  # it adds up, so there is one
    given, done, previous = row
    return Standing(done, max(0, shown.labels_planned - given), previous)


def labels_in(shown: Round, person: User) -> QuerySet[Label]:
    """The person's own labels of the round, in the order in which they were given: the first is item 1."""
    mine = Label.objects.filter(item__round=shown, reviewer=person)
    return mine.select_related("item__output__example").order_by("created_at", "pk")


def item_numbered(shown: Round, person: User, number: int) -> int | None:
    """The item that has this number for this person; None when there is none, or none any more.

    Their labels are numbered from 1 in the order in which they gave them. The item in their hands comes next, then
    what they would be given, in the round's order.
    """
    if number < 1:
        return None
    own = labels_in(shown, person).values_list("item_id", flat=True)
    if number <= (done := own.count()):
        return own[number - 1]
    skip = number - done - 1
    with connection.cursor() as cursor:
        cursor.execute(IN_HAND, {"round": shown.pk, "me": person.pk})
        held = [row[0] for row in cursor.fetchall()]
        if skip < len(held):
            return int(held[skip])
        if skip - len(held) > FARTHEST:
            return None
        cursor.execute(FREE, {"round": shown.pk, "me": person.pk, "skip": skip - len(held)})
        row = cursor.fetchone()
    return row[0] if row else None


@dataclass(frozen=True)
class PastEvent:
    """Something that happened to a person's label: when, who did what, and what the label said then."""

    at: datetime
    actor: User
    action: str
    outcome: str
    sentences: list[str]


def history_of(item: ReviewItem, person: User) -> list[PastEvent]:
    """What happened to this person's label of the item, newest first. Nothing of anybody else's labels."""
    events = list(item.events.filter(reviewer=person).select_related("actor").order_by("-at", "-pk"))
    keys = {key for event in events for key in event.said.get("error_types", ())}
    names = dict(ErrorType.objects.filter(pk__in=keys).values_list("pk", "name")) if keys else {}
    return [
        PastEvent(
            event.at,
            event.actor,
            ItemEvent.Action(event.action).label,
            event.said.get("outcome", ""),
            sentences_of(event.said, names) + ([f"Why: {event.note}"] if event.note else []),
        )
        for event in events
    ]


def sentences_of(said: Mapping[str, Any], names: Mapping[int, str]) -> list[str]:
    """What was said, one thing a line; ``names`` of error types by their keys."""
    types = [names.get(key, "an error type that is gone") for key in said.get("error_types", ())]
    severity, fault, step = said.get("severity"), said.get("fault"), said.get("failing_step")
    lines = [
        ", ".join(types),
        f"Severity: {Severity(severity).label.lower()}" if severity else "",
        f"Fault: {Fault(fault).label.lower()}" if fault else "",
        f"First failing step: {step}" if step else "",
        said.get("note", ""),
    ]
    return [line for line in lines if line]


def why_returned(item: ReviewItem, person: User) -> str | None:
    """The word with which a lead gave this person's label back, “” when they said none; None if nobody did last."""
    last = item.events.filter(reviewer=person).order_by("-at", "-pk").first()
    return last.note if last and last.action == ItemEvent.Action.RETURNED else None
