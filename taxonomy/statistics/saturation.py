"""Has enough been read? How many error types were met by the items read, and what share is still unseen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass

ENOUGH = 0.05
"""At most one finding in twenty would be of a type that nobody has met."""


@dataclass(frozen=True, slots=True)
class Saturation:
    types: tuple[int, ...]
    """How many different error types were met by the first, second, third... item; as long as there are items."""
    findings: int
    seen_once: int
    """Error types that were met on one item alone."""
    unseen: float | None
    """0 to 1: the chance that the next finding is of a type not met so far; None without findings."""

    @property
    def is_enough(self) -> bool:
        return self.unseen is not None and self.unseen <= ENOUGH


def curve(items: Iterable[Collection[Hashable]]) -> Saturation:
    """``items``: the error types of each item read, in the order of reading; one without any counts as read.

    The share unseen is Good-Turing's: types seen once / findings (I. Good, The population frequencies of species,
    1953). A type counts once an item.
    """
    seen: Counter[Hashable] = Counter()
    types = []
    for item in items:
        seen.update(set(item))
        types.append(len(seen))
    findings, once = seen.total(), sum(count == 1 for count in seen.values())
    return Saturation(tuple(types), findings, once, once / findings if findings else None)
