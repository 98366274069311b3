"""Two candidates on the same examples. “First” is the baseline; a difference is the second's minus the first's."""

from __future__ import annotations

from math import sqrt

from taxonomy.statistics.intervals import Interval, wilson_score


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
