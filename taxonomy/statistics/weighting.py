"""Rates over all outputs of a run when people looked at some of them only, which were not chosen alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum

from taxonomy.statistics.intervals import Estimate, highest_of_none, wilson_score


@dataclass(frozen=True, slots=True)
class Group:
    """``n`` settled outputs that had the same chance of being chosen for review; ``count`` of them have the finding."""

    probability: float | None
    """0 < p <= 1; None: not known, for instance since somebody settled the output outside of a round."""
    n: int
    count: int


def hajek(groups: Sequence[Group]) -> Estimate | None:
    """The share with the finding, had everything been looked at (Hájek 1971): each output counts 1 / probability.

    None: without outputs, where a probability is missing, or where a group has none settled (see ``unread_groups``).
    """
    met = [group for group in groups if group.n or group.probability is not None]
    if not met or any(not group.n or not group.probability for group in met):
        return None
    strata = merged(met)
    total = fsum(n / p for p, n, _ in strata)
    share = min(fsum(count / p for p, _, count in strata) / total, 1.0)
    n = sum(n for _, n, _ in strata)
    if all(p == 1 for p, _, _ in strata):
        worth = float(n)
    elif 0 < share < 1:
        worth = min(share * (1 - share) / variance_of(strata, total, share), total)
    else:
        worth = total**2 / fsum(n / p**2 for p, n, _ in strata)
    low, high = wilson_score(share, worth) if share else (0.0, highest_of_none(worth))
    return Estimate(share, low, high, n, worth)


def unread_groups(groups: Iterable[Group]) -> list[Group]:
    """Those of which nothing is settled: nothing can be said of what they stand for, so there is no total."""
    return [group for group in groups if group.probability is not None and not group.n]


def merged(groups: Iterable[Group]) -> list[tuple[float, int, int]]:
    """(probability, n, count) by rising probability."""
    found: dict[float, tuple[int, int]] = {}
    for group in groups:
        assert group.probability is not None
        n, count = found.get(group.probability, (0, 0))
        found[group.probability] = (n + group.n, count + group.count)
    return [(p, *found[p]) for p in sorted(found)]


def variance_of(strata: Sequence[tuple[float, int, int]], total: float, share: float) -> float:
    within = fsum(n * (count / n) * (1 - count / n) / p**2 for p, n, count in strata)
    between = fsum(n / p * (count / n - share) ** 2 for p, n, count in strata)
    return (within + between) / total**2
