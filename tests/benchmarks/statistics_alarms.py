"""Worlds of two candidates on the same 500 examples, with and without a regression, and what the alarm says of them.

An output is right, or fails in one of twelve ways; two groups of ways are rolled up into types above them, so that the
types overlap. How much the two candidates fail on the same examples is the correlation of their outcomes behind the
scenes (a Gaussian copula): 0 not at all, 0.9 nearly always. A world without regression is one where no type is likelier
with the second candidate than with the first; it is hardest where they are equally likely, or where some are truly
better, so that Holm's later steps have fewer left to correct for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from taxonomy.comparison.figures import Figure, Subject, judged
from taxonomy.statistics.alarms import Answer, PairCounts
from taxonomy.statistics.intervals import Interval
from taxonomy.statistics.paired import mcnemar

EXAMPLES = 500
CRITICAL = 11
# Shares of outputs, largest first; they sum to 30 %. The last is the critical one.
ALIKE = (0.06, 0.05, 0.04, 0.035, 0.03, 0.025, 0.02, 0.015, 0.01, 0.008, 0.004, 0.003)
ROLLED_UP = {"above 0-4": range(5), "above 5-10": range(5, 11)}
RISING = 6
"""The mode of 2 % that becomes 8 %."""
# The first: without regression at all. The second: some ways have become rarer, the rest is as likely as before.
WITHOUT_REGRESSION = {
    "alike": (ALIKE, ALIKE),
    "some better": (ALIKE, (0.02, 0.02, 0.01, *ALIKE[3:])),
    "few and frequent": ((0.1, 0.1, 0.1), (0.1, 0.1, 0.1)),
}
CORRELATIONS = (0.0, 0.6, 0.9)


def with_regression() -> tuple[tuple[float, ...], tuple[float, ...]]:
    """From 70 to 72 % right, while one mode of 2 % becomes 8 %: all others together from 28 to 20 %."""
    second = [share * 0.20 / 0.28 for share in ALIKE]
    second[RISING] = 0.08
    return ALIKE, tuple(second)


def outcomes(rng: np.random.Generator, shares: Sequence[float], latent: np.ndarray) -> np.ndarray:
    """The way in which each output fails, by its number; ``len(shares)``: it is right."""
    from scipy.special import ndtr

    return np.searchsorted(np.cumsum(shares), ndtr(latent), side="right")


def pair_tables(rng, draws: int, first: Sequence[float], second: Sequence[float], correlation: float) -> np.ndarray:
    """draws x outcomes of the first x outcomes of the second: numbers of examples."""
    shared, one, two = rng.standard_normal((3, draws, EXAMPLES))
    ways = len(first) + 1
    mixed = [np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own for own in (one, two)]
    pairs = outcomes(rng, first, mixed[0]) * ways + outcomes(rng, second, mixed[1])
    pairs += np.arange(draws)[:, None] * ways**2
    return np.bincount(pairs.ravel(), minlength=draws * ways**2).reshape(draws, ways, ways)


def judgements(
    rng, draws: int, first: Sequence[float], second: Sequence[float], correlation: float
) -> Iterator[tuple[Figure, list[Figure]]]:
    """The total and the modes of each draw, as a comparison judges them."""
    ways = range(len(first))
    types = [(Subject("people", "All", "people"), ways)]
    for name, below in ROLLED_UP.items():
        if held := [way for way in below if way in ways]:
            types += [(Subject("mode", name, "people"), held), *((subject(way, 1), [way]) for way in held)]
    types += [(subject(way, 0), [way]) for way in ways if way == CRITICAL]
    for table in pair_tables(rng, draws, first, second, correlation):
        total, *modes = judged([figure(of, counted(table, meant)) for of, meant in types])
        yield total, modes


def subject(way: int, depth: int) -> Subject:
    severity = "critical" if way == CRITICAL else "major"
    return Subject("mode", f"Way {way}", "people", error_type=way + 1, severity=severity, depth=depth)


def figure(of: Subject, counts: PairCounts) -> Figure:
    """Without its interval, which takes long and decides nothing."""
    n, p = counts.n, mcnemar(counts.first_only, counts.second_only)
    one, two = counts.first / n, counts.second / n
    return Figure(of, counts, n, (0, 0), one, two, Interval(two - one, -1, 1), p, p, Answer.CANNOT_TELL)


def is_alarmed(modes: Sequence[Figure]) -> bool:
    return any(mode.standing == Answer.WORSE for mode in modes)


def is_named(total: Figure, modes: Sequence[Figure]) -> bool:
    """Whether the mode that rises is a hidden regression."""
    worse = {mode.subject.error_type for mode in modes if mode.standing == Answer.WORSE}
    return total.standing != Answer.WORSE and RISING + 1 in worse


def counted(table: np.ndarray, ways: Sequence[int]) -> PairCounts:
    ways = list(ways)
    both = int(table[np.ix_(ways, ways)].sum())
    first, second = int(table[ways].sum()), int(table[:, ways].sum())
    return PairCounts(both, first - both, second - both, EXAMPLES - first - second + both)


def false_alarms(rng: np.random.Generator, draws: int) -> dict[str, float]:
    """World without regression -> the share of draws in which anything is called worse, critical modes among them."""
    return {
        f"{name}, correlation {correlation}": float(
            np.mean([is_alarmed(modes) for _, modes in judgements(rng, draws, *shares, correlation)])
        )
        for name, shares in WITHOUT_REGRESSION.items()
        for correlation in CORRELATIONS
    }


def found_regressions(rng: np.random.Generator, draws: int) -> dict[str, float]:
    """World with the regression -> the share of draws in which it is named as a hidden one."""
    return {
        f"correlation {correlation}": float(
            np.mean([is_named(*each) for each in judgements(rng, draws, *with_regression(), correlation)])
        )
        for correlation in CORRELATIONS
    }
