"""The next item: claimed for one person for a limited time, so that no more people read it than its round wants.

Everything that takes or frees a place of an item locks the item's row first, and looks at the places after that.
"""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction

from evalhub.projects.models import User
from reviews.models import Round

HOLD_SECONDS = 15 * 60
# Places that somebody else took between the look and the lock: the next look passes them.
MOST_LOOKS = 50

Parameters = dict[str, Any]

HELD = """
SELECT item.id FROM reviews_claim AS claim JOIN reviews_reviewitem AS item ON item.id = claim.item_id
WHERE claim.reviewer_id = %(me)s AND claim.until > now() AND item.round_id = %(round)s
    AND item.status IN ('waiting', 'in_review') AND item.id <> %(besides)s
    AND NOT EXISTS (SELECT FROM reviews_label WHERE item_id = item.id AND reviewer_id = %(me)s)
ORDER BY claim.began_at, claim.id LIMIT 1
"""
# In the order of the round from where this person is: what they have passed is looked at again only at the end.
NEXT = """
SELECT item.id, item."order" FROM reviews_reviewitem AS item
WHERE item.round_id = %(round)s AND item.status IN ('waiting', 'in_review')
    AND (item."order", item.id) > (%(order)s, %(id)s) AND item.id <> %(besides)s
    AND (item.assigned_to = '{}' OR %(me)s = ANY (item.assigned_to))
    AND NOT EXISTS (SELECT FROM reviews_label WHERE item_id = item.id AND reviewer_id = %(me)s)
    AND NOT EXISTS (SELECT FROM reviews_deferral WHERE item_id = item.id AND reviewer_id = %(me)s)
    AND item.labels_wanted > item.label_count + (
        SELECT count(*) FROM reviews_claim
        WHERE item_id = item.id AND until > now() AND reviewer_id <> %(me)s)
ORDER BY item."order", item.id LIMIT 1 FOR UPDATE OF item SKIP LOCKED
"""
DEFERRED = """
SELECT item.id, item."order" FROM reviews_deferral AS deferral
JOIN reviews_reviewitem AS item ON item.id = deferral.item_id
WHERE deferral.reviewer_id = %(me)s AND item.round_id = %(round)s AND item.status IN ('waiting', 'in_review')
    AND item.id <> %(besides)s AND (item.assigned_to = '{}' OR %(me)s = ANY (item.assigned_to))
    AND NOT EXISTS (SELECT FROM reviews_label WHERE item_id = item.id AND reviewer_id = %(me)s)
    AND item.labels_wanted > item.label_count + (
        SELECT count(*) FROM reviews_claim
        WHERE item_id = item.id AND until > now() AND reviewer_id <> %(me)s)
ORDER BY deferral.deferred_at, deferral.id LIMIT 1 FOR UPDATE OF item SKIP LOCKED
"""
# A statement of its own after the lock: it sees the claims of those who held the lock before.
CLAIM = """
INSERT INTO reviews_claim (item_id, reviewer_id, until, began_at)
SELECT item.id, %(me)s, now() + make_interval(secs => %(seconds)s), now() FROM reviews_reviewitem AS item
WHERE item.id = %(item)s AND item.status IN ('waiting', 'in_review')
    AND (item.assigned_to = '{}' OR %(me)s = ANY (item.assigned_to))
    AND NOT EXISTS (SELECT FROM reviews_label WHERE item_id = item.id AND reviewer_id = %(me)s)
    AND item.labels_wanted > item.label_count + (
        SELECT count(*) FROM reviews_claim
        WHERE item_id = item.id AND until > now() AND reviewer_id <> %(me)s)
ON CONFLICT (item_id, reviewer_id) DO UPDATE SET until = excluded.until,
    began_at = CASE WHEN reviews_claim.until > now() THEN reviews_claim.began_at ELSE now() END
"""
MOVE_ON = """
INSERT INTO reviews_seat (round_id, reviewer_id, labels, position) VALUES (%(round)s, %(me)s, 0, %(order)s)
ON CONFLICT (round_id, reviewer_id) DO UPDATE SET position = excluded.position
"""


def claim_next_item(open_round: Round, reviewer: User, besides: int = 0) -> int | None:
    """The key of the item that this person holds already, or of the next free one, held by them for 15 minutes.

    None when nothing of the round waits for them. ``besides``: an item that is not meant, for the one that follows it.
    What they put off comes last. Never twice to one person, never to more people than the item wants labels.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        me: Parameters = {"me": reviewer.pk, "round": open_round.pk, "besides": besides}
        cursor.execute(HELD, me)
        if (held := cursor.fetchone()) and take(cursor, held[0], reviewer):
            return int(held[0])
        cursor.execute("SELECT position FROM reviews_seat WHERE round_id = %(round)s AND reviewer_id = %(me)s", me)
        position = (cursor.fetchone() or (-1.0,))[0]
        again = [(NEXT, -1.0)] if position > -1.0 else []
        for statement, start in [(NEXT, position), *again, (DEFERRED, -1.0)]:
            found = find(cursor, statement, me, start, reviewer)
            if found is not None:
                return found
    return None


def find(cursor: Any, statement: str, me: Parameters, start: float, reviewer: User) -> int | None:
    """The first item after ``start`` that has a place for this person, taken; None if there is none."""
    order, item_id = start, 0
    for _ in range(MOST_LOOKS):
        cursor.execute(statement, {**me, "order": order, "id": item_id})
        row = cursor.fetchone()
        if row is None:
            return None
        item_id, order = row
        if take_locked(cursor, item_id, reviewer):
            if statement is NEXT:
                cursor.execute(MOVE_ON, {**me, "order": order})
            return int(item_id)
    return None


def take(cursor: Any, item_id: int, reviewer: User) -> bool:
    cursor.execute("SELECT FROM reviews_reviewitem WHERE id = %s FOR UPDATE", [item_id])
    return take_locked(cursor, item_id, reviewer)


def take_locked(cursor: Any, item_id: int, reviewer: User) -> bool:
    """Claim an item whose row is locked, or hold it for another 15 minutes; false if no place of it is free."""
    cursor.execute(CLAIM, {"me": reviewer.pk, "item": item_id, "seconds": HOLD_SECONDS})
    return bool(cursor.rowcount)


def claim_item(item_id: int, reviewer: User) -> bool:
    """Claim this very item, whatever the order; false when it wants no label of this person now."""
    with transaction.atomic(), connection.cursor() as cursor:
        return take(cursor, item_id, reviewer)


def leave_item(item_id: int, reviewer: User) -> None:
    """Give a claim up before its time, so that somebody else can have the place."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM reviews_claim WHERE item_id = %s AND reviewer_id = %s", [item_id, reviewer.pk])


def labels_left(open_round: Round) -> int:
    """How many of the labels that the round wants are still to be given, by the seats' counts."""
    given = sum(open_round.seats.values_list("labels", flat=True))
    return max(0, open_round.labels_planned - given)
