"""A model as judge, held against people: how often it is right, and what its figures are worth.

“Positive” means that the output has the error: TPR is the share of outputs with the error that the judge finds, TNR the
share of those without it that the judge lets pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot
from typing import NamedTuple

from taxonomy.statistics.intervals import TAIL, Interval, wilson_score
from taxonomy.statistics.paired import difference
from taxonomy.statistics.rates import Rate, rate_of

RESAMPLES = 10_000
SEED = 1978


class JudgeCounts(NamedTuple):
    """Outputs that both people and the judge looked at; ``true``: the judge says what people say."""

    true_positive: int
    false_negative: int
    true_negative: int
    false_positive: int

    @property
    def n(self) -> int:
        return sum(self)


@dataclass(frozen=True, slots=True)
class JudgeRates:
    tpr: Rate
    tnr: Rate


class JudgeRefused(ValueError):
    """The judge finds the error no more often where it is than where it is not: its figures cannot be corrected."""


def rates(counts: JudgeCounts) -> JudgeRates:
    """How right the judge is, each with its Wilson interval; no figure where people found no such output."""
    true_positive, false_negative, true_negative, false_positive = counts
    return JudgeRates(
        rate_of(true_positive, true_positive + false_negative), rate_of(true_negative, true_negative + false_positive)
    )


def corrected_share(share: float, tpr: float, tnr: float) -> float:
    """(share + TNR - 1) / (TPR + TNR - 1), clipped to 0..1 (W. Rogan and B. Gladen, 1978). All are shares from 0 to 1.

    .80 with .92 and .88 gives .85. JudgeRefused where TPR + TNR <= 1.
    """
    if tpr + tnr <= 1 + 1e-12:
        raise JudgeRefused(f"TPR {tpr:.2f} and TNR {tnr:.2f} make at most 1 together, as those of a coin would.")
    return min(max((share + tnr - 1) / (tpr + tnr - 1), 0.0), 1.0)


def corrected(count: int, n: int, counts: JudgeCounts) -> Interval:
    """The share that people would find, where the judge found the error in ``count`` of ``n`` outputs.

    The interval is a bootstrap's: 10,000 times, with a fixed seed, the three shares are drawn anew from what they may
    be (beta distributions with half a case added to each side, Jeffreys', so that a TPR of 10 of 10 is not taken for
    certain), and 95 % of the corrected shares lie inside. JudgeRefused where TPR + TNR <= 1, or where either has no
    outputs; ValueError without outputs.
    """
    import numpy as np  # here, for the import takes 0.1 s

    known = rates(counts)
    if not n or not 0 <= count <= n:
        raise ValueError(f"{count} of {n} is no share.")
    if known.tpr.share is None or known.tnr.share is None:
        raise JudgeRefused("People have to have found outputs with the error and outputs without it.")
    value = corrected_share(count / n, known.tpr.share, known.tnr.share)
    draws = np.random.default_rng(SEED).beta(
        [[count + 0.5], [counts.true_positive + 0.5], [counts.true_negative + 0.5]],
        [[n - count + 0.5], [counts.false_negative + 0.5], [counts.false_positive + 0.5]],
        (3, RESAMPLES),
    )
    share, tpr, tnr = draws
    # A draw in which the judge is no better than a coin says nothing of the share: it may be either end.
    bottom = np.maximum(tpr + tnr - 1, 1e-9)
    low, high = np.quantile(np.clip((share + tnr - 1) / bottom, 0, 1), (TAIL, 1 - TAIL))
    return Interval(value, min(float(low), value), max(float(high), value))


def prediction_powered(count: int, n: int, counts: JudgeCounts) -> Interval:
    """The share with the error: the judge's ``count`` of ``n`` outputs that people did not look at, set right by those
    that both looked at, a random sample. 0 to 1; ValueError where either is empty.

    A. Angelopoulos et al., Prediction-powered inference (2023), for a mean: the judge's share plus people's minus the
    judge's share of those that both looked at. Their interval is a normal one, which covers 90 % where errors are rare;
    here Wilson's of the first and Tango's of the second (``paired.difference``) are joined by the variances that they
    stand for (MOVER: G. Zou and A. Donner, 2008), which comes to the same for many outputs.
    """
    if not 0 <= count <= n:
        raise ValueError(f"{count} of {n} is no share.")
    agreed = counts.true_positive, counts.true_negative
    wrong = difference(agreed[0], counts.false_positive, counts.false_negative, agreed[1])
    if not n or wrong is None:
        raise ValueError("It takes outputs that people looked at, and others that the judge alone looked at.")
    share = count / n
    low, high = wilson_score(share, n)
    value = min(max(share + wrong.value, 0.0), 1.0)
    below, above = hypot(share - low, wrong.value - wrong.low), hypot(high - share, wrong.high - wrong.value)
    return Interval(value, max(value - below, 0.0), min(value + above, 1.0))
