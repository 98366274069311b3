"""The next item: claimed for one person for a limited time, so that no more people read it than its round wants.

Everything that takes or frees a place of an item locks the item's row first, and looks at the places after that.
"""

from __future__ import annotations

import re
from typing import Any

from django.db import connection, transaction

from evalhub.projects.models import User
from reviews.models import Round, Seat
from reviews.rows import prepared

HOLD_SECONDS = 15 * 60
# Places that somebody else took between the look and the lock: the next look passes them.
MOST_LOOKS = 50
FIRST = -1.0
# In a round of so few items a person who is at its end looks through all of them again. In a larger one they find what
# became free behind them by its mark: see FREED, ``mark_freed`` and ``look_again``.
FEW = 2_000

Parameters = dict[str, Any]

# What one person may take. Subqueries that give one number are asked for the items looked at and for no others,
# whatever the planner believes of how many labels a person gave; “+ 0” keeps it from reading all of theirs.
WANTED = """
item.status IN ('waiting', 'in_review')
    AND (item.assigned_to = '{}' OR %(me)s = ANY (item.assigned_to))
    AND (SELECT count(*) FROM reviews_label WHERE item_id = item.id AND reviewer_id + 0 = %(me)s) = 0
    AND item.labels_wanted > item.label_count + (
        SELECT count(*) FROM reviews_claim
        WHERE item_id = item.id AND until > now() AND reviewer_id <> %(me)s)
"""
MEANT = f"item.round_id = %(round)s AND {WANTED}"
NOT_PUT_OFF = "(SELECT count(*) FROM reviews_deferral WHERE item_id = item.id AND reviewer_id + 0 = %(me)s) = 0"


def whole(statement: str) -> str:
    """The statement with the conditions above in the place of their names."""
    for name, condition in (("MEANT", MEANT), ("WANTED", WANTED), ("NOT_PUT_OFF", NOT_PUT_OFF)):
        statement = re.sub(rf"\b{name}\b", lambda _: condition, statement)  # noqa: B023 -- used at once
    return statement


# Lists of keys, so that the few rows they name are read by them, and never the round's items to be joined with those.
# With the place in the round's order from which this person looks on.
HELD = whole("""
SELECT (SELECT position FROM reviews_seat WHERE round_id = %(round)s AND reviewer_id = %(me)s), (
    SELECT item.id FROM reviews_reviewitem AS item
    WHERE item.id = ANY (ARRAY(SELECT item_id FROM reviews_claim WHERE reviewer_id = %(me)s AND until > now()))
        AND item.id <> %(besides)s AND MEANT
    ORDER BY (SELECT (began_at, id) FROM reviews_claim WHERE item_id = item.id AND reviewer_id + 0 = %(me)s) LIMIT 1)
""")
# Of those with the same place the one whose key is lowest need not come first: what is passed is looked for again.
NEXT = whole("""
SELECT item.id, item."order" FROM reviews_reviewitem AS item
WHERE (item."order", item.id) > (%(order)s, %(id)s) AND item.id <> %(besides)s AND MEANT AND NOT_PUT_OFF
ORDER BY item."order" LIMIT 1 FOR UPDATE OF item SKIP LOCKED
""")
# What was in somebody's hands when this person passed it, and whose time is over: such a claim stays as a mark. Its
# place may lie behind the person, where nothing else is looked for.
FREED = whole("""
SELECT item.id, item."order" FROM reviews_reviewitem AS item
WHERE item.id = ANY (ARRAY(SELECT item_id FROM reviews_claim WHERE until <= now()))
    AND item.id <> %(besides)s AND MEANT AND NOT_PUT_OFF
ORDER BY item."order" LIMIT 1 FOR UPDATE OF item SKIP LOCKED
""")
DEFERRED = whole("""
SELECT item.id, item."order" FROM reviews_reviewitem AS item
WHERE item.id = ANY (ARRAY(SELECT item_id FROM reviews_deferral WHERE reviewer_id = %(me)s))
    AND item.id <> %(besides)s AND MEANT
ORDER BY (SELECT (deferred_at, id) FROM reviews_deferral WHERE item_id = item.id AND reviewer_id + 0 = %(me)s)
LIMIT 1 FOR UPDATE OF item SKIP LOCKED
""")
# A statement of its own after the lock: it sees the claims of those who held the lock before.
CLAIM = whole("""
INSERT INTO reviews_claim (item_id, reviewer_id, until, began_at)
SELECT item.id, %(me)s, now() + make_interval(secs => %(seconds)s), now() FROM reviews_reviewitem AS item
WHERE item.id = %(item)s AND WANTED
ON CONFLICT (item_id, reviewer_id) DO UPDATE SET until = excluded.until,
    began_at = CASE WHEN reviews_claim.until > now() THEN reviews_claim.began_at ELSE now() END
""")
# To the first item that they may still take, which is the one just taken or one that somebody had locked: they look on
# from there. Not after a lead sent them back to the beginning meanwhile.
MOVE_ON = whole("""
INSERT INTO reviews_seat (round_id, reviewer_id, labels, position) VALUES (%(round)s, %(me)s, 0, coalesce((
    SELECT item."order" FROM reviews_reviewitem AS item
    WHERE item."order" >= %(position)s AND item."order" <= %(order)s AND MEANT AND NOT_PUT_OFF
    ORDER BY item."order" LIMIT 1), %(order)s))
ON CONFLICT (round_id, reviewer_id) DO UPDATE SET position = excluded.position
    WHERE reviews_seat.position = %(position)s
""")
MARK_FREED = """
INSERT INTO reviews_claim (item_id, reviewer_id, until, began_at) VALUES (%(item)s, %(me)s, now(), now())
ON CONFLICT (item_id, reviewer_id) DO UPDATE SET until = least(reviews_claim.until, now())
"""


def claim_next_item(open_round: Round, reviewer: User, besides: int = 0) -> int | None:
    """The key of the item that this person holds already, or of the next free one, held by them for 15 minutes.

    None when nothing of the round waits for them. ``besides``: an item that is not meant, for the one that follows it.
    What they put off comes last. Never twice to one person, never to more people than the item wants labels.
    """
    with transaction.atomic(), prepared() as cursor:
        me: Parameters = {"me": reviewer.pk, "round": open_round.pk, "besides": besides}
        cursor.execute(HELD, me)
        position, held = cursor.fetchone()
        if held and take(cursor, held, reviewer):
            return int(held)
        position = FIRST if position is None else position
        again = [(NEXT, FIRST)] if position > FIRST and open_round.item_count <= FEW else []
        for statement, start in [(NEXT, position), *again, (FREED, FIRST), (DEFERRED, FIRST)]:
            found = find(cursor, statement, {**me, "position": position}, start, reviewer)
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
    with transaction.atomic(), prepared() as cursor:
        return take(cursor, item_id, reviewer)


def leave_item(item_id: int, reviewer: User) -> None:
    """Give a claim up before its time, so that somebody else can have the place."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE reviews_claim SET until = least(until, now()) WHERE item_id = %s AND reviewer_id = %s",
            [item_id, reviewer.pk],
        )


def mark_freed(item_id: int, person: User) -> None:
    """Note that an item has a place again which it had not when others passed it: a label of this person's is gone."""
    with connection.cursor() as cursor:
        cursor.execute(MARK_FREED, {"item": item_id, "me": person.pk})


def look_again(round_id: int) -> None:
    """Send everybody back to the beginning of the round's order. After a lead changed which items wait for whom."""
    Seat.objects.filter(round=round_id, position__gt=FIRST).update(position=FIRST)


def labels_left(open_round: Round) -> int:
    """How many of the labels that the round wants are still to be given, by the seats' counts."""
    given = sum(open_round.seats.values_list("labels", flat=True))
    return max(0, open_round.labels_planned - given)
