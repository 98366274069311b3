"""Two candidates on the same examples. “First” is the baseline; a difference is the second's minus the first's."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from taxonomy.statistics.intervals import Interval, student, wilson_score

if TYPE_CHECKING:
    from numpy import ndarray

CELLS = 500_000  # sums at a time, 50 ms; where there are more, so many examples differ that Student's t is as good


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


def difference(both: int, first_only: int, second_only: int, neither: int) -> Interval | None:
    """The share of the second candidate minus that of the first, from -1 to 1; None without pairs.

    Numbers of examples on which both, only the first, only the second, or neither has the error. The interval is
    method 10 of R. Newcombe, Improved confidence intervals for the difference between binomial proportions based on
    paired data (1998): Wilson's intervals of both shares, joined with their correlation.
    """
    n = both + first_only + second_only + neither
    if n == 0:
        return None
    one, two = (both + first_only) / n, (both + second_only) / n
    low_one, high_one = wilson_score(one, n)
    low_two, high_two = wilson_score(two, n)
    phi = correlation(both, first_only, second_only, neither)
    value = (second_only - first_only) / n
    below = joined(two - low_two, high_one - one, phi)
    above = joined(high_two - two, one - low_one, phi)
    return Interval(value, max(value - below, -1.0), min(value + above, 1.0))


def correlation(both: int, first_only: int, second_only: int, neither: int) -> float:
    """Of the two candidates' errors, -1 to 1, with Newcombe's correction; 0 where one has them always or never."""
    n = both + first_only + second_only + neither
    one, two = both + first_only, both + second_only
    product = one * (n - one) * two * (n - two)
    if product == 0:
        return 0.0
    excess = both * neither - first_only * second_only
    return (max(excess - n / 2, 0.0) if excess > 0 else excess) / sqrt(product)


def joined(second: float, first: float, phi: float) -> float:
    return sqrt(max(second * second - 2 * phi * second * first + first * first, 0.0))


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
    change = (np.asarray(second, float) - np.asarray(first, float)) * weight
    if clusters is not None:
        places = {cluster: place for place, cluster in enumerate(dict.fromkeys(clusters))}
        place = np.array([places[cluster] for cluster in clusters])
        change, weight = np.bincount(place, change), np.bincount(place, weight)
    value = float(change.sum() / weight.sum())
    low, high = mean_interval(change, weight)
    return PairedMean(value, min(low, value), max(high, value), sign_flip(change), len(change))


def weight_of_repeats(first: int, second: int) -> float:
    """What the difference of two means over so many repeats is worth: first * second / (first + second), times 2.

    1 for one repeat each, 2 for two each. It is the inverse of its variance if repeats of an example are independent.
    """
    return 2 * first * second / (first + second)


def mean_interval(change: ndarray, weight: ndarray) -> tuple[float, float]:
    import numpy as np

    one = weight.mean()
    change, weight = np.append(change, [one, -one]), np.append(weight, [one, one])
    n, total = len(change), weight.sum()
    mean = change.sum() / total
    error = sqrt(n / (n - 1) * float(((change - mean * weight) ** 2).sum())) / total
    half = student(n - 1) * error
    return max(float(mean - half), -1.0), min(float(mean + half), 1.0)


def sign_flip(change: ndarray) -> float:
    """The two-sided p-value of the sum, were each sign the toss of a coin. Nothing differs: 1."""
    import numpy as np
    from scipy.special import stdtr  # here, for the import takes 0.1 s

    sizes, counts = np.unique(np.round(np.abs(change), 9), return_counts=True)
    sizes, counts = sizes[sizes > 0], counts[sizes > 0]
    seen = abs(float(change.sum()))
    if found := sums_of_signs(sizes, counts):
        sums, chances = found
        return min(float(chances[np.abs(sums) >= seen - 1e-6].sum()), 1.0)
    n = len(change)
    error = sqrt(n * float(change.var(ddof=1)))
    return min(2 * float(stdtr(n - 1, -seen / error)), 1.0)


def sums_of_signs(sizes: ndarray, counts: ndarray) -> tuple[ndarray, ndarray] | None:
    """The sums that may come of ``counts`` numbers of these sizes, and the chance of each; None if they are too many."""
    import numpy as np
    from scipy.special import gammaln

    sums, chances = np.zeros(1), np.ones(1)
    for size, count in zip(sizes, counts, strict=True):
        if len(sums) * (count + 1) > CELLS:
            return None
        plus = np.arange(count + 1)
        chance = np.exp(gammaln(count + 1) - gammaln(plus + 1) - gammaln(count - plus + 1) - count * np.log(2))
        reached = np.round(np.add.outer(sums, size * (2 * plus - count)), 8).ravel()
        sums, place = np.unique(reached, return_inverse=True)
        chances = np.bincount(place, np.multiply.outer(chances, chance).ravel())
    return sums, chances
