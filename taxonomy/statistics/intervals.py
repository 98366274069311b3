"""What an interval is, and Wilson's, which all shares of this package use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from statistics import NormalDist

from evalhub.checks.rates import CONFIDENCE

TAIL = (1 - CONFIDENCE) / 2
Z = NormalDist().inv_cdf(1 - TAIL)
"""1.96: the quantile of the normal distribution that leaves half of 5 % above it."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share from 0 to 1 that was not counted in independent examples that all had the same chance to be seen."""

    share: float
    low: float
    high: float
    n: int
    """How many were looked at."""
    effective_n: float
    """How many independent examples, all with the same chance, would say as much."""

    @property
    def is_at_most(self) -> bool:
        """Whether none was found, so that it should be worded as “at most ``high``”."""
        return self.share == 0


@lru_cache(64)  # 40 error types have the same number of clusters
def student(freedom: float) -> float:
    """The quantile of Student's t that leaves half of 5 % above it (``scipy.special.stdtrit``)."""
    from scipy.special import stdtrit  # here, for the import takes 0.1 s

    return float(stdtrit(freedom, 1 - TAIL))


def wilson_score(share: float, n: float, quantile: float = Z) -> tuple[float, float]:
    """Wilson's score interval of a share seen in ``n`` examples, or in as many as they are worth (not a whole number).

    E. Wilson, Probable inference (1927). Written out, for SciPy's computes a test each time (1 ms, and a page has 600),
    and takes whole numbers and one quantile only. The tests hold it against SciPy's.
    """
    square = quantile * quantile
    centre = (share + square / (2 * n)) / (1 + square / n)
    half = quantile / (1 + square / n) * sqrt(max(share * (1 - share), 0.0) / n + square / (4 * n * n))
    # What was seen lies in the interval, also where rounding says otherwise.
    return (max(min(centre - half, share), 0.0) if share > 0 else 0.0), (
        min(max(centre + half, share), 1.0) if share < 1 else 1.0
    )


def highest_of_none(n: float) -> float:
    """With none of ``n`` the share is at most this: the upper end of the 95 % Clopper-Pearson interval."""
    return float(1 - TAIL ** (1 / n))
