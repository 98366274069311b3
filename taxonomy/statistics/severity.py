"""A failure rate in which grave failures count for more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import fsum, sqrt
from typing import NamedTuple

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


class Step(NamedTuple):
    """What a weight is more than the next lighter one; the share of outputs that weigh as much, with its interval."""

    more: float
    share: float
    low: float
    high: float


def weighted_rate(counts: Mapping[str, int], weights: Mapping[str, float], n: int) -> SeverityRate:
    """The mean weight of ``n`` outputs. ``counts``: outputs by the severity of their gravest failure; others weigh 0.

    It is a sum of the shares of outputs that are at least so grave, times what that weighs more than the next lighter
    one. Their Wilson intervals are joined by the variances that they stand for and their correlation (MOVER: G. Zou and
    A. Donner, Construction of confidence limits about effect measures, 2008); with one severity alone that is the
    interval of the plain rate. None failed: from 0 to the plain rate's upper end, all of the largest weight. ValueError
    for a severity without weight, a negative weight, or more failures than outputs.
    """
    if wrong := [severity for severity in {*counts, *weights} if weights.get(severity, -1.0) < 0]:
        raise ValueError(f"No weight of 0 or more: {', '.join(sorted(wrong))}.")
    unweighted, heaviest = rate_of(sum(counts.values()), n), max(weights.values(), default=0.0)
    if not n:
        return SeverityRate(None, None, None, 0, unweighted)
    if not any(weights[severity] for severity, count in counts.items() if count):
        return SeverityRate(0.0, 0.0, heaviest * highest_of_none(n), n, unweighted)
    steps = steps_of(counts, weights, n)
    value = fsum(step.more * step.share for step in steps)
    below = joined([(step.more * (step.share - step.low), step.share) for step in steps])
    above = joined([(step.more * (step.high - step.share), step.share) for step in steps])
    return SeverityRate(value, max(value - below, 0.0), min(value + above, heaviest), n, unweighted)


def steps_of(counts: Mapping[str, int], weights: Mapping[str, float], n: int) -> list[Step]:
    """From the lightest."""
    steps, before = [], 0.0
    for weight in sorted({weight for weight in weights.values() if weight}):
        as_grave = sum(count for severity, count in counts.items() if weights[severity] >= weight)
        low, high = wilson_score(as_grave / n, n) if as_grave else (0.0, highest_of_none(n))
        steps.append(Step(weight - before, as_grave / n, low, high))
        before = weight
    return steps


def joined(distances: Sequence[tuple[float, float]]) -> float:
    """The distance of a sum from its end, from those of its parts, each with its share; a later share is part of each
    earlier one, whence their correlation."""
    total = fsum(distance**2 for distance, _ in distances)
    for (one, whole), (two, part) in combinations(distances, 2):
        if part and whole < 1:
            total += 2 * one * two * sqrt(part * (1 - whole) / (whole * (1 - part)))
    return sqrt(total)
