"""When an item is settled: pure rules over what people said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeVar

from reviews.models import ReviewItem

Status = ReviewItem.Status
Type = TypeVar("Type")

Said = tuple[str, frozenset[int]]
"""The part of a label that can contest an item: its outcome, and the keys of its error types."""


def item_status(
    said: Sequence[Said],
    wanted: int,
    *,
    is_decided: bool = False,
    is_known: bool = False,
    is_closed: bool = False,
    contests_types: bool = True,
) -> Status:
    """The status that follows from the labels, how many are wanted, and what a lead did.

    ``contests_types``: whether labels that differ in nothing but their error types contest an item. What is right to
    say of a known item is known, so nothing contests it.
    """
    if is_decided:
        return Status.SETTLED
    if len(said) < wanted:
        if is_closed:
            return Status.CLOSED
        return Status.IN_REVIEW if said else Status.WAITING
    return Status.CONTESTED if not is_known and differ(said, contests_types) else Status.SETTLED


def differ(said: Sequence[Said], contests_types: bool = True) -> bool:
    """Whether labels do not all say the same."""
    return len({(outcome, types if contests_types else frozenset()) for outcome, types in said}) > 1


def agreed_types(labels: Sequence[Iterable[Type]]) -> set[Type]:
    """The error types that at least half of the labels carry."""
    counts = Counter(error_type for label in labels for error_type in set(label))
    return {error_type for error_type, count in counts.items() if 2 * count >= len(labels)}
