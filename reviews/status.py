"""When an item is settled: pure rules over what people said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeVar

from reviews.models import ReviewItem
from taxonomy.tree import Tree

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


def as_of(tree: Tree, types: Iterable[int]) -> frozenset[int]:
    """The error types that these count as in a version of the taxonomy; one that it does not know stays itself.

    What is only shown (agreement, people against known answers) is compared as of the present version, so that a merge
    shows at once and its undoing too. What is stored must not change with the taxonomy: see ``verdicts.trees_behind``.
    """
    return frozenset(counted_in(tree, key) for key in types)


def said_as_of(tree: Tree, said: Iterable[Said]) -> list[Said]:
    return [(outcome, as_of(tree, types)) for outcome, types in said]


def counted_in(tree: Tree, key: int) -> int:
    return tree.resolve(key) or key


def agreed_types(labels: Sequence[Collection[Type]], counted_as: Callable[[Type], Type] | None = None) -> set[Type]:
    """The error types that at least half of the labels carry.

    ``counted_as``: what a type was merged into. Where only together half of the labels carry what counts as one type,
    all that they carry of it are agreed: findings keep the types that people said.
    """
    agreed = carried_by_half(labels)
    if counted_as is None:
        return agreed
    together = carried_by_half([{counted_as(each) for each in label} for label in labels])
    more = together - {counted_as(each) for each in agreed}
    return agreed | {each for label in labels for each in label if counted_as(each) in more}


def carried_by_half(labels: Sequence[Collection[Type]]) -> set[Type]:
    counts = Counter(error_type for label in labels for error_type in set(label))
    return {error_type for error_type, count in counts.items() if 2 * count >= len(labels)}
