"""When an item is settled: one pure rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

from reviews.models import ReviewItem

Status = ReviewItem.Status
Type = TypeVar("Type")


def item_status(labels: int, wanted: int, outcomes: Collection[str]) -> Status:
    """The status that follows from how many labels there are, how many are wanted, and what they say."""
    if labels < wanted:
        return Status.IN_REVIEW if labels else Status.WAITING
    return Status.SETTLED if len(set(outcomes)) == 1 else Status.CONTESTED


def agreed_types(labels: Sequence[Iterable[Type]]) -> set[Type]:
    """The error types that at least half of the labels carry."""
    counts = Counter(error_type for label in labels for error_type in set(label))
    return {error_type for error_type, count in counts.items() if 2 * count >= len(labels)}
