"""In which order notes stand on the board, and which page of them is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from django.core.cache import cache
from django.db.models import QuerySet

from evalhub.web.paging import Page
from reviews.models import Label
from reviews.notes.similarity import MOST_COMPARED, most_like, side_by_side

KEPT = 60 * 60  # seconds that an order is kept; it is worked out again when a note changes
MOST_WANTED = 500
"""Notes of a group to which others are compared, the newest ones."""


def keys_side_by_side(scope: QuerySet[Label]) -> list[int]:
    """Keys of all these labels, like notes side by side from the newest one on."""
    return in_order(scope, "", side_by_side)


def keys_most_like(scope: QuerySet[Label], wanted: QuerySet[Label]) -> list[int]:
    """Keys of all these labels, those first whose notes are most like the wanted ones."""
    notes = list(wanted.order_by("-pk").values_list("note", flat=True)[:MOST_WANTED])
    return in_order(scope, repr(notes), lambda compared: most_like(compared, notes))


def in_order(scope: QuerySet[Label], question: str, order: Callable[[Sequence[str]], list[int]]) -> list[int]:
    """The newest MOST_COMPARED in the order, and behind them the others, newest first."""
    stamps = list(scope.order_by("-pk").values_list("pk", "changed_at"))
    newest = [key for key, _ in stamps[:MOST_COMPARED]]
    asked = hashlib.sha256(f"{question} {stamps[:MOST_COMPARED]}".encode()).hexdigest()
    places = cache.get(f"notes:{asked}")
    if places is None:
        notes = dict(scope.filter(pk__in=newest).values_list("pk", "note"))
        places = order([notes.get(key, "") for key in newest])
        cache.set(f"notes:{asked}", places, KEPT)
    return [newest[place] for place in places] + [key for key, _ in stamps[MOST_COMPARED:]]


def page_in_order(
    keys: Sequence[int], shown: QuerySet[Label], after: int | None, before: int | None, size: int
) -> tuple[list[int], int | None, int | None]:
    """Of the labels that are shown, the keys of a page in this order; and the keys after and before which others begin.

    ``keys``: of all that could be shown, so that the page begins at its place though its first note was moved away.
    """
    fitting = set(shown.order_by().values_list("pk", flat=True))
    begin, end = 0, len(keys)
    if after in keys:
        begin = keys.index(after) + 1
    elif before in keys:
        end = keys.index(before)
    ahead = [key for key in keys[begin:end] if key in fitting]
    page = ahead[-size:] if after is None and before is not None else ahead[:size]
    if not page:
        return [], None, None
    first, last = keys.index(page[0]), keys.index(page[-1])
    has_next = any(key in fitting for key in keys[last + 1 :])
    has_previous = any(key in fitting for key in keys[:first])
    return page, page[-1] if has_next else None, page[0] if has_previous else None


def page_of_keys(
    keys: Sequence[int], shown: QuerySet[Label], after: int | None, before: int | None, size: int, parameters: str
) -> Page[Label]:
    """As ``page_in_order``, with the labels; ``parameters`` of the address, without those of the page."""
    wanted, next_key, previous_key = page_in_order(keys, shown, after, before, size)
    rows = shown.in_bulk(wanted)
    return Page([rows[key] for key in wanted if key in rows], next_key, previous_key, parameters)
