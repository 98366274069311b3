"""Rates over examples that share a conversation, a customer or a document, and so are no independent observations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from taxonomy.statistics.intervals import Estimate, highest_of_none, student, wilson_score

if TYPE_CHECKING:
    from numpy import ndarray

FEW = 10
LUCK = 2.0  # clusters so even that they are worth more than this times their examples are so by luck


@dataclass(frozen=True, slots=True)
class ClusterEstimate(Estimate):
    """A share whose interval knows that examples of one cluster are alike."""

    clusters: int

    @property
    def are_few(self) -> bool:
        """Fewer than 10 clusters: say so, for the interval cannot be relied upon."""
        return self.clusters < FEW


@dataclass(frozen=True, slots=True)
class Clusters:
    """Sums over the examples of each cluster, of weights and of weighted residuals from the mean."""

    residuals: ndarray
    weights: ndarray
    squared_weights: ndarray
    squares: float
    """Of the weighted residuals, summed over all examples."""

    @classmethod
    def of(cls, residuals: ndarray, weights: ndarray, place: ndarray) -> Clusters:
        """From each example's weighted residual, weight, and number of its cluster."""
        import numpy as np  # here, for the import takes 0.1 s

        of_residuals, of_weights, of_squares = (
            np.bincount(place, each).astype(float) for each in (residuals, weights, weights**2)
        )
        return cls(of_residuals, of_weights, of_squares, float((residuals**2).sum()))

    def spread(self) -> tuple[float, float]:
        """The standard error of the weighted mean, and its degrees of freedom.

        The cluster-robust variance with R. Bell and D. McCaffrey's correction for few or unequal clusters (Bias
        reduction in standard errors for linear regression with multi-stage samples, 2002), and degrees of freedom as
        by G. Imbens and M. Kolesár (Robust standard errors in small samples, 2016): those of a world where examples of
        a cluster hang together as much as they seem to here. With clusters of one size, both are the usual ones:
        G / (G - 1), as statsmodels' ``cov_type="cluster"`` has it, and G - 1.
        """
        n, total = self.weights, float(self.weights.sum())
        expected = self.expected()
        correction = 1 / (1 - n / total)
        # M is what the residuals would vary together, times the correction; all from sums, since G x G is too much.
        whole = float(expected.sum())
        own = -2 * n * expected / total + n**2 * whole / total**2
        trace = float((correction * (expected + own)).sum())
        one, two, three = (float((correction * part).sum()) for part in (n**2, expected**2, n * expected))
        crossed = (2 * one * two + 2 * three**2) / total**2 - 4 * whole * one * three / total**3
        squared = float((correction**2 * expected * (expected + 2 * own)).sum()) + crossed
        squared += (one * whole / total**2) ** 2
        variance = float((correction * self.residuals**2).sum()) / total**2 * whole / trace
        return sqrt(variance), trace**2 / squared

    def expected(self) -> ndarray:
        """How much the residual of each cluster would vary, by its size and how much its examples hang together."""
        pairs = self.weights**2 - self.squared_weights
        if not self.squares or not pairs.any():
            return self.squared_weights
        unit = self.squares / float(self.squared_weights.sum())
        together = (float((self.residuals**2).sum()) - self.squares) / (unit * float(pairs.sum()))
        return self.squared_weights + min(max(together, 0.0), 1.0) * pairs


def robust(counts: Sequence[tuple[int, int]]) -> ClusterEstimate | None:
    """The share over all examples of all clusters; ``counts``: (count, n) of each cluster. None without examples.

    The cluster-robust standard error (see ``Clusters.spread``) says how many independent examples these are worth; the
    interval is Wilson's of as many, with Student's t (E. Korn and B. Graubard, Confidence intervals for proportions
    with small expected number of positive counts estimated from survey data, 1998, do so with the exact one). One
    example in each cluster: the plain rate. One cluster: 0 to 1. None or all: as if each cluster were one example.
    """
    met = [(count, n) for count, n in counts if n]
    if not met:
        return None
    n, count, clusters = sum(n for _, n in met), sum(count for count, _ in met), len(met)
    share = count / n
    if clusters == 1:
        return ClusterEstimate(share, 0.0, 1.0, n, 1.0, 1)
    if clusters == n or count in (0, n):
        low, high = wilson_score(share, clusters) if share else (0.0, highest_of_none(clusters))
        return ClusterEstimate(share, low, high, n, float(clusters), clusters)
    error, freedom = clusters_of(met, share).spread()
    worth = min(share * (1 - share) / error**2, LUCK * n) if error else LUCK * n
    return ClusterEstimate(share, *wilson_score(share, worth, student(freedom)), n, worth, clusters)


def clusters_of(counts: Sequence[tuple[int, int]], share: float) -> Clusters:
    import numpy as np

    having, sizes = np.array(counts, dtype=float).T
    return Clusters(having - share * sizes, sizes, sizes, share * (1 - share) * float(sizes.sum()))
