"""What a set of pairs can show: with 80 % power, by the exact McNemar test at 5 %, two-sided.

``discordant`` is the share of pairs, 0 to 1, in which one candidate has the error and the other has not, assumed or
observed. It cannot be smaller than the difference, and is taken to be as large where it is.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, sqrt
from statistics import NormalDist

POWER = 0.8
LEVEL = 0.05


def pairs_needed(difference: float, discordant: float, level: float = LEVEL, power: float = POWER) -> int:
    """How many pairs it takes to show a difference of shares (0 < |difference| <= 1).

    The normal approximation of R. Connor, Sample size for testing differences in proportions for the paired-sample
    design (1987), with a correction for continuity (Fleiss 1981, for one binomial share), since the exact test is more
    careful. Held against ``exact_power``: the power is never below 79.5 %; where nearly all discordant pairs fall the
    same way it asks for up to a quarter more pairs than needed.
    """
    if not 0 < abs(difference) <= 1:
        raise ValueError(f"A difference of {difference} cannot be shown.")
    return ceil(pairs_for(abs(difference), discordant, level, power))


def smallest_difference(n: int, discordant: float, level: float = LEVEL, power: float = POWER) -> float | None:
    """The smallest difference of shares that ``n`` pairs can show, 0 to 1; None where they are too few for any.

    The inverse of ``pairs_needed``.
    """
    if pairs_for(1.0, discordant, level, power) > n:
        return None
    low, high = 0.0, 1.0
    for _ in range(40):  # halves: to 1e-12
        middle = (low + high) / 2
        low, high = (low, middle) if pairs_for(middle, discordant, level, power) <= n else (middle, high)
    return high


def pairs_for(difference: float, discordant: float, level: float, power: float) -> float:
    of_level, of_power = quantile(1 - level / 2), quantile(power)
    discordant = min(max(discordant, difference), 1.0)
    root = of_level * sqrt(discordant) + of_power * sqrt(discordant - difference**2)
    n = (root / difference) ** 2
    return n / 4 * (1 + sqrt(1 + 4 / (n * difference))) ** 2


@lru_cache(256)  # 40 halves ask for the same two
def quantile(share: float) -> float:
    return NormalDist().inv_cdf(share)


def exact_power(n: int, difference: float, discordant: float, level: float = LEVEL) -> float:
    """The chance, 0 to 1, that the exact McNemar test of ``n`` pairs ends at or below ``level``, in either direction.

    Summed over the numbers of discordant pairs that may come (SciPy ``binom``). Takes milliseconds.
    """
    import numpy as np  # both here, for the imports take a second
    from scipy.stats import binom

    discordant = max(discordant, abs(difference))
    pairs = np.arange(n + 1)
    chance = binom.pmf(pairs, n, discordant)
    pairs, chance = pairs[chance > 1e-12], chance[chance > 1e-12]
    # The most pairs on the rarer side with which the test still ends at the level; -1: none.
    most = binom.ppf(level / 2, pairs, 0.5)
    most = np.where(2 * binom.cdf(most, pairs, 0.5) <= level, most, most - 1)
    toward = (1 + difference / discordant) / 2 if discordant else 0.5
    return float((chance * (binom.cdf(most, pairs, 1 - toward) + binom.cdf(most, pairs, toward))).sum())
