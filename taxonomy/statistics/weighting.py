"""Rates over all outputs of a run when people looked at some of them only, which were not chosen alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum, sqrt

from taxonomy.statistics.intervals import Estimate, Z
from taxonomy.statistics.rates import rate_of


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

    The interval is one for the candidate's rate on such examples, as that of a plain rate is, and not for the outputs
    of this run alone: with everything looked at (all probabilities 1) it is the plain rate's. Each group is a stratum
    from which a fixed number was drawn, as rounds do. Wilson's intervals of the strata are joined by the variances that
    they stand for (MOVER: G. Zou and A. Donner, Construction of confidence limits about effect measures, 2008), for
    with a linearised variance a stratum in which few were found looks too certain; what is added is that another set of
    examples would have had other shares of outputs in the strata.
    """
    met = [group for group in groups if group.n or group.probability is not None]
    if not met or any(not group.n or not group.probability for group in met):
        return None
    strata = strata_of(met)
    share = min(fsum(stratum.part * stratum.share for stratum in strata), 1.0)
    between = Z**2 * between_of(strata, share)
    below = sqrt(fsum((each.part * (each.share - each.low)) ** 2 for each in strata) + between)
    above = sqrt(fsum((each.part * (each.high - each.share)) ** 2 for each in strata) + between)
    low, high = max(share - below, 0.0), min(share + above, 1.0)
    return Estimate(share, low, high, sum(each.n for each in strata), worth_of(strata, share))


def unread_groups(groups: Iterable[Group]) -> list[Group]:
    """Those of which nothing is settled: nothing can be said of what they stand for, so there is no total."""
    return [group for group in groups if group.probability is not None and not group.n]


@dataclass(frozen=True, slots=True)
class Stratum:
    """All groups of one probability."""

    n: int
    part: float
    """Of all outputs that the groups stand for, 0 to 1."""
    stands_for: float
    """How many outputs that is."""
    share: float
    low: float
    high: float


def strata_of(groups: Iterable[Group]) -> list[Stratum]:
    """By rising probability, so that the same figures come out in whatever order the groups are handed over."""
    found: dict[float, tuple[int, int]] = {}
    for group in groups:
        assert group.probability, "hajek has looked"
        n, count = found.get(group.probability, (0, 0))
        found[group.probability] = (n + group.n, count + group.count)
    total = fsum(n / probability for probability, (n, _) in found.items())
    return [
        Stratum(n, n / probability / total, n / probability, count / n, *bounds_of(count, n))
        for probability, (n, count) in sorted(found.items())
    ]


def bounds_of(count: int, n: int) -> tuple[float, float]:
    rate = rate_of(count, n)
    assert rate.low is not None and rate.high is not None, "hajek has looked"
    return rate.low, rate.high


def between_of(strata: Sequence[Stratum], share: float) -> float:
    """The variance that comes from how many of the examples fall into which stratum."""
    outputs = fsum(each.stands_for for each in strata)
    return fsum(each.part * (each.share - share) ** 2 for each in strata) / outputs


def worth_of(strata: Sequence[Stratum], share: float) -> float:
    """How many outputs, all looked at, would have the variance of the estimate; by weights alone (Kish) for 0 and 1.

    Never more than the outputs that the strata stand for.
    """
    variance = fsum(each.part**2 * each.share * (1 - each.share) / each.n for each in strata)
    variance += between_of(strata, share)
    if variance and 0 < share < 1:
        return min(share * (1 - share) / variance, fsum(each.stands_for for each in strata))
    return 1 / fsum(each.part**2 / each.n for each in strata)
