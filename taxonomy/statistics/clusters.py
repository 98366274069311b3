"""Rates over examples that share a conversation, a customer or a document, and so are no independent observations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

from taxonomy.statistics.intervals import Estimate, highest_of_none, student, wilson_score

FEW = 10


@dataclass(frozen=True, slots=True)
class ClusterEstimate(Estimate):
    """A share whose interval knows that examples of one cluster are alike."""

    clusters: int

    @property
    def are_few(self) -> bool:
        """Fewer than 10 clusters: say so, for the interval cannot be relied upon."""
        return self.clusters < FEW


def robust(counts: Sequence[tuple[int, int]]) -> ClusterEstimate | None:
    """The share over all examples of all clusters; ``counts``: (count, n) of each cluster. None without examples.

    The cluster-robust variance G / (G - 1) * sum of (count - share * n) ** 2 / (sum of n) ** 2, the same as
    statsmodels' ``OLS(y, 1).fit(cov_type="cluster")``, says how many independent examples these are worth, never more
    than there are; the interval is Wilson's of as many, with the quantile of Student's t for G - 1 degrees of freedom
    (E. Korn and B. Graubard, Confidence intervals for proportions with small expected number of positive counts
    estimated from survey data, 1998). One example in each cluster: the plain rate. One cluster: 0 to 1. None or all of
    the examples: as if each cluster were one example.
    """
    met = [(count, n) for count, n in counts if n]
    if not met:
        return None
    n, clusters = sum(n for _, n in met), len(met)
    share = sum(count for count, _ in met) / n
    if clusters == 1:
        return ClusterEstimate(share, 0.0, 1.0, n, 1.0, 1)
    is_plain = clusters == n
    worth = float(n) if is_plain else worth_of(met, share)
    if share:
        low, high = wilson_score(share, worth) if is_plain else wilson_score(share, worth, student(clusters - 1))
    else:
        low, high = 0.0, highest_of_none(worth)
    return ClusterEstimate(share, low, high, n, worth, clusters)


def worth_of(counts: Sequence[tuple[int, int]], share: float) -> float:
    """How many independent examples would say as much."""
    n, clusters = sum(n for _, n in counts), len(counts)
    squares = fsum((count - share * each) ** 2 for count, each in counts)
    if not 0 < share < 1:
        return float(clusters)
    if not squares:  # each cluster has the same share
        return float(n)
    return min(share * (1 - share) * n**2 * (clusters - 1) / (clusters * squares), float(n))
