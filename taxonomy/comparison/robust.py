"""A difference over examples whose outputs are not independent: several repeats, or a cluster that they share."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from taxonomy.comparison.counting import Means
from taxonomy.statistics.intervals import Interval
from taxonomy.statistics.paired import mean_difference


@dataclass(frozen=True, slots=True)
class Difference:
    """Weighted means of both runs, 0 to 1, and second minus first with its 95 % interval and p."""

    first: float
    second: float
    interval: Interval
    p: float
    units: int
    """Clusters, and examples of none: what is independent of each other."""


def robust_difference(means: Sequence[Means], sizes: Mapping[tuple[str, float], int]) -> Difference:
    """Over all examples of ``sizes``: (cluster, weight) -> how many, at least one.

    ``means``: those of which any output has the error; all others have 0 in both runs. A cluster is one unit, with the
    sums of its examples: see ``taxonomy.statistics.paired.mean_difference``, which is handed its mean and its weight.
    """
    units = [*clusters_of(means, sizes), *loose_of(means, sizes)]
    weights = [weight for _, _, weight in units]
    found = mean_difference([one for one, _, _ in units], [two for _, two, _ in units], weights)
    assert found is not None
    whole = fsum(weights)
    return Difference(
        fsum(one * weight for one, _, weight in units) / whole,
        fsum(two * weight for _, two, weight in units) / whole,
        Interval(found.value, found.low, found.high),
        found.p,
        len(units),
    )


def loose_of(means: Sequence[Means], sizes: Mapping[tuple[str, float], int]) -> list[tuple[float, float, float]]:
    """(mean of the first run, of the second, weight) of each example that belongs to no cluster."""
    left = Counter({weight: size for (cluster, weight), size in sizes.items() if not cluster})
    found = []
    for each in means:
        if not each.cluster:
            left[each.weight] -= each.examples
            found += [(each.first, each.second, each.weight)] * each.examples
    return found + [(0.0, 0.0, weight) for weight in sorted(left) for _ in range(left[weight])]


def clusters_of(means: Sequence[Means], sizes: Mapping[tuple[str, float], int]) -> list[tuple[float, float, float]]:
    """(mean of the first run, of the second, weight) of each cluster, by name."""
    weights: dict[str, float] = defaultdict(float)
    sums: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for (cluster, weight), size in sizes.items():
        if cluster:
            weights[cluster] += weight * size
    for each in means:
        if each.cluster:
            one, two = sums[each.cluster]
            worth = each.weight * each.examples
            sums[each.cluster] = (one + each.first * worth, two + each.second * worth)
    return [(sums[name][0] / weights[name], sums[name][1] / weights[name], weights[name]) for name in sorted(weights)]
