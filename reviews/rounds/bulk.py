"""One change to many items of a round, however many: assign, return, ask for one more label, close and open again.

The rules are those of ``labelling``, in sets: the rows of items are locked first, in the order of their keys, a few
thousand at a time, so that nobody who labels waits long; statuses follow from the labels; each person's count too, and
the verdicts. What an item does not allow is counted by why, and the item stays as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from evalhub.errors import EvalHubError
from evalhub.projects.models import Member, User
from evalhub.projects.trail import record_event
from reviews.counting import count_items
from reviews.models import Round
from reviews.rounds import bulk_sql
from reviews.rounds.narrowing import narrowed
from reviews.settling import derive_verdicts, settle_items

AT_ONCE = 2_000
# Of the key of an advisory lock, beside the round's: any number that nothing else of EvalHub uses.
LOCK_OF_ROUNDS = 7_041

Change = Callable[[Any, list[int]], Counter[str]]


class BulkError(EvalHubError):
    """The items cannot be changed so."""


@dataclass
class Changed:
    """How many items were changed, and how many were not, by why: “decided”, “closed”."""

    count: int = 0
    refused: Counter[str] = field(default_factory=Counter)


def people_of(shown: Round) -> list[User]:
    """Who may label in the round: those named for it, or every member; by name."""
    named = shown.reviewers.all()
    members = User.objects.filter(pk__in=Member.objects.filter(project=shown.project_id).values("user"))
    return list((named if named.exists() else members).order_by("name", "pk"))


def assign_items(shown: Round, given: Mapping[str, str], people: Collection[User], actor: User) -> Changed:
    """Give the items that fit to these people alone; with nobody named, to everyone again.

    An item stays as it is that wants no label any more, or more labels than these people can still give.
    """
    keys = sorted(person.pk for person in people)
    if not set(keys) <= {person.pk for person in people_of(shown)}:
        raise BulkError("Somebody you chose may not label in this round. Name them for the round first.")

    def change(cursor: Any, ids: list[int]) -> Counter[str]:
        return judged(cursor, bulk_sql.ASSIGN, {"ids": ids, "people": keys})

    names = ", ".join(person.name for person in people) or "everyone"
    with alone_with(shown):
        changed = change_each(shown, given, change)
        if keys and changed.count:
            with connection.cursor() as cursor:
                cursor.execute(bulk_sql.NOTE_ASSIGNED, [shown.pk])
    return told(shown, actor, f"assigned to {names}"[:60], changed)


def return_labels(shown: Round, given: Mapping[str, str], note: str, actor: User) -> Changed:
    """Give the labels of the items that fit back to who gave them, with a word on why: what they said is their draft.

    Of a person for whom the filter asks, only their own. An item stays as it is that has no such label, is closed, or
    was decided: there the decision has to be taken back first.
    """
    person = int(given["person"]) if given.get("person") else None

    def change(cursor: Any, ids: list[int]) -> Counter[str]:
        cursor.execute(bulk_sql.MAY_BE_RETURNED, {"ids": ids, "person": person})
        found = cursor.fetchall()
        returned = [key for key, why in found if not why]
        values = {"ids": returned, "person": person, "actor": actor.pk, "note": note[:500], "round": shown.pk}
        for statement in bulk_sql.RETURN:
            cursor.execute(statement, values)
        settle_returned(cursor, returned)
        return Counter(why for _, why in found)

    with alone_with(shown):
        return told(shown, actor, "returned labels", change_each(shown, given, change))


def add_label(shown: Round, given: Mapping[str, str], actor: User, planned: int | None = None) -> Changed:
    """Ask for one label more of each item that fits; what was settled waits for it, and its verdict with it.

    An item stays as it is that is closed, was decided, or already has or wants the label of everybody who may give
    one. ``planned``: the round's labels_planned when the person looked; if it is another by now, BulkError is raised,
    so that a form that is sent twice does not ask for two.
    """
    people = [person.pk for person in people_of(shown)]

    def change(cursor: Any, ids: list[int]) -> Counter[str]:
        return judged(cursor, bulk_sql.ADD, {"ids": ids, "people": people})

    with alone_with(shown):
        shown.refresh_from_db(fields=["labels_planned"])
        if planned is not None and shown.labels_planned != planned:
            raise BulkError("The round has changed since you looked. Look at what fits now, and ask again.")
        return told(shown, actor, "asked for one more label", change_each(shown, given, change))


def close_items(shown: Round, given: Mapping[str, str], actor: User) -> Changed:
    """Take the items that fit and still want labels out of the round; labels that they have stay."""

    def change(cursor: Any, ids: list[int]) -> Counter[str]:
        return judged(cursor, bulk_sql.CLOSE, {"ids": ids})

    with alone_with(shown):
        return told(shown, actor, "closed items", change_each(shown, given, change))


def open_items(shown: Round, given: Mapping[str, str], actor: User) -> Changed:
    """Let closed items that fit want labels again."""

    def change(cursor: Any, ids: list[int]) -> Counter[str]:
        return judged(cursor, bulk_sql.OPEN, {"ids": ids})

    with alone_with(shown):
        return told(shown, actor, "opened items again", change_each(shown, given, change))


@contextmanager
def alone_with(shown: Round) -> Iterator[None]:
    """Hold the round against other changes of many items, over several transactions. Raises BulkError, never waits."""
    key = [LOCK_OF_ROUNDS, shown.pk % 2**31]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
        if not cursor.fetchone()[0]:
            raise BulkError("Somebody changes many items of this round just now. Wait until that is done, then ask.")
        try:
            shown.refresh_from_db(fields=["closed_at"])
            if shown.closed_at:
                raise BulkError("The round is closed, so its items stay as they are. Open it again to change them.")
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)


def change_each(shown: Round, given: Mapping[str, str], change: Change) -> Changed:
    """Apply the change to the items that fit now, each batch in a transaction of its own with its rows locked."""
    # Looked up before anything changes: a change may make other items fit, or these no longer.
    ids = sorted(narrowed(shown, given).order_by().values_list("pk", flat=True))
    changed = Changed()
    try:
        for start in range(0, len(ids), AT_ONCE):
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(bulk_sql.LOCK, [ids[start : start + AT_ONCE]])
                found = change(cursor, [key for (key,) in cursor.fetchall()])
            changed.count += found.pop("", 0)
            changed.refused += found
    finally:
        count_items(shown.pk)
    return changed


def judged(cursor: Any, statement: str, values: Mapping[str, Any]) -> Counter[str]:
    """Run a statement that changes the items that allow it; how many by why not, "" for those that were changed."""
    cursor.execute(statement, values)
    found = cursor.fetchall()
    if settled := {output for _, _, outputs in found for output in outputs or ()}:
        derive_verdicts(settled)
    return Counter({why: count for why, count, _ in found})


def settle_returned(cursor: Any, ids: list[int]) -> None:
    """Bring items from which labels were taken, and the verdicts of their outputs, in line with what is left."""
    cursor.execute(bulk_sql.REOPEN, {"ids": ids})
    found = cursor.fetchall()
    if settled := {output for _, output, was_settled in found if was_settled}:
        derive_verdicts(settled)
    # Those that had more labels than they want: what is left of them still says something together.
    if complete := set(ids) - {key for key, _, _ in found}:
        settle_items(complete)


def told(shown: Round, actor: User, action: str, changed: Changed) -> Changed:
    """Leave a line in the project's trail when something was changed."""
    if changed.count:
        record_event(shown.project, actor, action, f"{shown.name}: {changed.count} items")
    return changed
