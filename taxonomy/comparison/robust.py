"""A difference over examples whose outputs are not independent, or have other figures than 0 and 1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum, sqrt

from taxonomy.comparison.counting import Means
from taxonomy.statistics.intervals import Interval, student
from taxonomy.statistics.paired import mean_difference, sign_flip


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

    ``means``: those of which any output has the error; all others have 0 in both runs. As
    ``taxonomy.statistics.paired.mean_difference`` has it, which is asked where weights differ or clusters are shared.
    """
    parts = [*means, *without_error(means, sizes)]
    whole = fsum(each.weight * each.examples for each in parts)
    first = fsum(each.first * each.weight * each.examples for each in parts) / whole
    second = fsum(each.second * each.weight * each.examples for each in parts) / whole
    if len(sizes) == 1 and not parts[0].cluster:
        interval, p = of_equal_weight(parts)
        return Difference(first, second, interval, p, sum(sizes.values()))
    return by_cluster(parts, first, second)


def without_error(means: Sequence[Means], sizes: Mapping[tuple[str, float], int]) -> list[Means]:
    left = Counter(dict(sizes))
    for each in means:
        left[each.cluster, each.weight] -= each.examples
    return [Means(0.0, 0.0, count, cluster, weight) for (cluster, weight), count in sorted(left.items()) if count]


def of_equal_weight(parts: Sequence[Means]) -> tuple[Interval, float]:
    """Independent examples that count alike, by how many there are of each kind: 200,000 of them take no time."""
    import numpy as np  # here, for the import takes 0.1 s

    change = np.array([each.second - each.first for each in parts])
    times = np.array([each.examples for each in parts])
    n, differing = int(times.sum()), times[change != 0].sum()
    value = float(change @ times / n)
    size = sqrt(float(change**2 @ times / differing)) if differing else 1.0
    changes, counts = np.append(change, [size, -size]), np.append(times, [1, 1])
    mean = float(changes @ counts / (n + 2))
    half = student(n + 1) * sqrt(float((changes - mean) ** 2 @ counts) / ((n + 2) * (n + 1)))
    low, high = max(mean - half, -1.0), min(mean + half, 1.0)
    return Interval(value, min(low, value), max(high, value)), sign_flip(change, times)


def by_cluster(parts: Sequence[Means], first: float, second: float) -> Difference:
    import numpy as np

    times = [each.examples for each in parts]
    ones, twos, weights = (
        np.repeat([getattr(each, name) for each in parts], times) for name in ("first", "second", "weight")
    )
    # Whoever belongs to no cluster is one alone: a number, which no name of a cluster is.
    names = [each.cluster or place for place, each in enumerate(np.repeat(np.array(parts, dtype=object), times))]
    found = mean_difference(ones, twos, weights, names)  # type: ignore[arg-type]  # arrays do as sequences of floats
    assert found is not None
    return Difference(first, second, Interval(found.value, found.low, found.high), found.p, len(set(names)))
