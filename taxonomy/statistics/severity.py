"""A failure rate in which grave failures count for more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum

from taxonomy.statistics.intervals import highest_of_none, wilson_score
from taxonomy.statistics.rates import Rate, rate_of


@dataclass(frozen=True, slots=True)
class SeverityRate:
    """Weight per output, 0 to the largest weight; None where nothing was counted."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    unweighted: Rate
    """The share of outputs with any failure, to be shown beside it."""


def weighted_rate(counts: Mapping[str, int], weights: Mapping[str, float], n: int) -> SeverityRate:
    """The mean weight of ``n`` outputs. ``counts``: outputs by the severity of their gravest failure, others weigh 0.

    The interval is Wilson's of the mean over the largest weight, with as many examples as would have its variance; with
    one severity alone that is the interval of the plain rate. None failed: from 0 to that of a rate of none, all of the
    largest weight. ValueError for a severity without weight, a negative weight, or more failures than outputs.
    """
    if missing := [severity for severity, count in counts.items() if count and weights.get(severity, -1) < 0]:
        raise ValueError(f"No weight of 0 or more: {', '.join(missing)}.")
    unweighted = rate_of(sum(counts.values()), n)
    if not n:
        return SeverityRate(None, None, None, 0, unweighted)
    heaviest = max(weights.values(), default=0.0)
    parts = {weights[severity]: 0 for severity, count in counts.items() if count}
    for severity, count in counts.items():
        if count:
            parts[weights[severity]] += count
    value = fsum(weight * count for weight, count in parts.items()) / n
    if not heaviest:
        return SeverityRate(0.0, 0.0, 0.0, n, unweighted)
    if not value:
        return SeverityRate(0.0, 0.0, heaviest * highest_of_none(n), n, unweighted)
    variance = fsum(weight**2 * count for weight, count in parts.items()) / n - value**2
    share = value / heaviest
    worth = n * share * (1 - share) * heaviest**2 / variance if variance > 1e-12 * value**2 else n
    low, high = wilson_score(share, worth)
    return SeverityRate(value, low * heaviest, high * heaviest, n, unweighted)
