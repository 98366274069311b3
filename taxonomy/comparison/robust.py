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
    import numpy as np  # here, for the import takes 0.1 s

    parts = [*clusters_of(means, sizes), *loose_of(means, sizes)]
    times = [times for *_, times in parts]
    first, second, weights = (np.repeat([part[place] for part in parts], times) for place in range(3))
    found = mean_difference(first, second, weights)  # type: ignore[arg-type]  # arrays do as sequences of floats
    assert found is not None
    whole = fsum(weight * times for *_, weight, times in parts)
    one = fsum(one * weight * times for one, _, weight, times in parts) / whole
    two = fsum(two * weight * times for _, two, weight, times in parts) / whole
    return Difference(one, two, Interval(found.value, found.low, found.high), found.p, sum(times))


Unit = tuple[float, float, float, int]
"""Mean of the first run, of the second, weight; and how many such units there are."""


def loose_of(means: Sequence[Means], sizes: Mapping[tuple[str, float], int]) -> list[Unit]:
    """The examples that belong to no cluster."""
    left = Counter({weight: size for (cluster, weight), size in sizes.items() if not cluster})
    found = []
    for each in means:
        if not each.cluster:
            left[each.weight] -= each.examples
            found.append((each.first, each.second, each.weight, each.examples))
    return found + [(0.0, 0.0, weight, left[weight]) for weight in sorted(left)]


def clusters_of(means: Sequence[Means], sizes: Mapping[tuple[str, float], int]) -> list[Unit]:
    """The clusters, by name."""
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
    return [
        (sums[name][0] / weights[name], sums[name][1] / weights[name], weights[name], 1) for name in sorted(weights)
    ]
