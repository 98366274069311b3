"""Two candidates on the same examples. “First” is the baseline; a difference is the second's minus the first's."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from typing import TYPE_CHECKING

from taxonomy.statistics.clusters import Clusters
from taxonomy.statistics.intervals import Interval, Z, student

if TYPE_CHECKING:
    from numpy import ndarray

# Where it takes more than this, so many examples differ that Student's t is as good.
CELLS = 500_000  # sums at a time: 50 ms
STEPS = 20_000_000  # additions: 20 ms
GRID = 60  # parts of the smallest difference: all means over up to 6 repeats are 60ths


@dataclass(frozen=True, slots=True)
class PairedMean:
    """A mean difference, -1 to 1, second minus first."""

    value: float
    low: float
    high: float
    p: float
    n: int
    """Examples, or clusters of them."""


def mcnemar(first_only: int, second_only: int) -> float:
    """The p-value of the exact McNemar test, two-sided: could the discordant pairs have fallen by the toss of a coin?

    ``first_only`` and ``second_only``: on how many examples only this candidate had the error. No discordant pair: 1.
    The same as SciPy's ``binomtest(first_only, first_only + second_only).pvalue``, without its search (0.5 ms).
    """
    from scipy.special import bdtr  # here, for the import takes 0.1 s

    n = first_only + second_only
    return min(1.0, 2 * float(bdtr(min(first_only, second_only), n, 0.5)))


@lru_cache(4096)  # 0.1 ms, and a page asks several times for the same
def difference(both: int, first_only: int, second_only: int, neither: int) -> Interval | None:
    """The share of the second candidate minus that of the first, from -1 to 1; None without pairs.

    Numbers of examples on which both, only the first, only the second, or neither has the error. The interval holds the
    differences that the score test does not refuse: T. Tango, Equivalence test and confidence interval for the
    difference in proportions for the paired-sample design (1998). Newcombe's method 10 (1998), which is as easy, covers
    99 % where rates are some percent and the candidates alike; this one 95 to 97 %.
    """
    n = both + first_only + second_only + neither
    if n == 0:
        return None
    value = (second_only - first_only) / n
    low = -1.0 if first_only == n else -furthest(second_only, first_only, n)
    high = 1.0 if second_only == n else furthest(first_only, second_only, n)
    return Interval(value, min(low, value), max(high, value))


def furthest(less: int, more: int, n: int) -> float:
    """The largest difference in favour of ``more`` that the score test does not refuse; found by halves, to 1e-13."""
    low, high = (more - less) / n, 1.0
    for _ in range(44):
        middle = (low + high) / 2
        low, high = (middle, high) if score(less, more, n, middle) > -Z else (low, middle)
    return high


def score(less: int, more: int, n: int, gap: float) -> float:
    """Tango's z: how far ``more - less`` discordant pairs of ``n`` lie above a true difference of ``gap``."""
    # The likeliest share of pairs of the kind “less” if the difference is the gap, from the quadratic equation for it.
    slope = (2 * n - more + less) * gap - more - less
    product = 8 * n * less * gap * (1 - gap)
    root = sqrt(max(slope * slope + product, 0.0))
    share = (root - slope) / (4 * n) if slope <= 0 else product / (4 * n * (root + slope))
    variance = n * (2 * share + gap * (1 - gap))
    above = more - less - n * gap
    return above / sqrt(variance) if variance > 0 else above * 1e9


def mean_difference(
    first: Sequence[float],
    second: Sequence[float],
    weights: Sequence[float] | None = None,
    clusters: Sequence[Hashable] | None = None,
) -> PairedMean | None:
    """The mean of second minus first over examples; each figure is an example's mean over its repeats, 0 to 1.

    ``weights``: of the examples, above 0, for instance ``weight_of_repeats`` where repeats are unequal; None: all the
    same. ``clusters``: the cluster of each example; those of one count as one observation. None without examples.

    p is that of the exact sign-flip test: each example's (cluster's) difference could as well have had the other sign.
    With one repeat that is the exact McNemar test. The interval is that of the (cluster-robust) mean by Student's t,
    after one more example for either side was added, as D. Bonett and R. Price do for paired shares (2012).
    """
    import numpy as np  # here, for the import takes 0.1 s

    if not len(first):
        return None
    weight = np.ones(len(first)) if weights is None else np.asarray(weights, float)
    change = np.asarray(second, float) - np.asarray(first, float)
    place = np.arange(len(change)) if clusters is None else places_of(clusters)
    value = float((change * weight).sum() / weight.sum())
    low, high = mean_interval(change, weight, place)
    p = sign_flip(np.bincount(place, change * weight))
    return PairedMean(value, min(low, value), max(high, value), p, int(place.max()) + 1)


def places_of(clusters: Sequence[Hashable]) -> ndarray:
    """A number for each cluster, from 0."""
    import numpy as np

    numbers = {cluster: number for number, cluster in enumerate(dict.fromkeys(clusters))}
    return np.array([numbers[cluster] for cluster in clusters])


def weight_of_repeats(first: int, second: int) -> float:
    """What the difference of two means over so many repeats is worth: first * second / (first + second), times 2.

    1 for one repeat each, 2 for two each. It is the inverse of its variance if repeats of an example are independent.
    """
    return 2 * first * second / (first + second)


def mean_interval(change: ndarray, weight: ndarray, place: ndarray) -> tuple[float, float]:
    import numpy as np

    differing = change[change != 0]
    size = sqrt(float((differing**2).mean())) if len(differing) else 1.0
    change, weight = np.append(change, [size, -size]), np.append(weight, [weight.mean()] * 2)
    place = np.append(place, [place.max() + 1, place.max() + 2])
    mean = float((change * weight).sum() / weight.sum())
    error, freedom = Clusters.of(weight * (change - mean), weight, place).spread()
    half = student(freedom) * error
    return max(mean - half, -1.0), min(mean + half, 1.0)


def sign_flip(change: ndarray, times: ndarray | None = None) -> float:
    """The two-sided p-value of the sum, were each sign the toss of a coin. Nothing differs: 1.

    ``times``: how often each of the changes was seen, where it is not once.
    """
    import numpy as np
    from scipy.special import stdtr  # here, for the import takes 0.1 s

    times = np.ones(len(change), int) if times is None else times
    sizes, place = np.unique(np.round(np.abs(change), 9), return_inverse=True)
    counts = np.bincount(place, times).astype(int)
    sizes, counts = sizes[sizes > 0], counts[sizes > 0]
    total = float(change @ times)
    if found := sums_of_signs(sizes, counts):
        sums, chances = found
        return min(float(chances[np.abs(sums) >= abs(total) - 1e-6].sum()), 1.0)
    n = int(times.sum())
    error = sqrt(n * float((change - total / n) ** 2 @ times) / (n - 1))
    return min(2 * float(stdtr(n - 1, -abs(total) / error)), 1.0)


def sums_of_signs(sizes: ndarray, counts: ndarray) -> tuple[ndarray, ndarray] | None:
    """The sums that may come of ``counts`` numbers of these sizes, and the chance of each; None for too many."""
    import numpy as np

    if (units := on_grid(sizes)) is not None and (2 * units @ counts + 1) * counts.sum() <= STEPS:
        chances = np.ones(1)
        for unit, count in zip(2 * units, counts, strict=True):
            reached = np.zeros(len(chances) + unit * count)
            for plus, chance in enumerate(chances_of_heads(count)):
                reached[unit * plus : unit * plus + len(chances)] += chance * chances
            chances = reached
        return (np.arange(len(chances)) - len(chances) // 2) * (sizes[0] / units[0]), chances
    sums, chances = np.zeros(1), np.ones(1)
    for size, count in zip(sizes, counts, strict=True):
        if len(sums) * (count + 1) > CELLS:
            return None
        reached = np.round(np.add.outer(sums, size * (2 * np.arange(count + 1) - count)), 8).ravel()
        sums, place = np.unique(reached, return_inverse=True)
        chances = np.bincount(place, np.multiply.outer(chances, chances_of_heads(count)).ravel()).astype(float)
    return sums, chances


def on_grid(sizes: ndarray) -> ndarray | None:
    """The sizes, which rise, as whole numbers of one unit, as means over few repeats are; None where they are not."""
    import numpy as np

    for parts in range(1, GRID + 1) if len(sizes) else ():
        units = sizes * (parts / sizes[0])
        if np.abs(units - np.rint(units)).max() < 1e-6:
            return np.rint(units).astype(int)
    return None


def chances_of_heads(tosses: int) -> ndarray:
    """The chance of 0, 1, ... ``tosses`` heads; exact in the tails, where differences of ``bdtr`` are not."""
    import numpy as np
    from scipy.special import gammaln

    heads = np.arange(tosses + 1)
    logs = gammaln(tosses + 1) - gammaln(heads + 1) - gammaln(tosses - heads + 1) - tosses * np.log(2)
    return np.asarray(np.exp(logs))
