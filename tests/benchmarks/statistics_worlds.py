"""Worlds whose truth is known, and what the figures of ``taxonomy.statistics`` say of outputs drawn from them.

Each function yields one world after the other as (what it is, share of draws in which the interval holds the truth).
Everything is drawn from the generator that is handed over, so that a seed gives the same figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from taxonomy.statistics.clusters import robust
from taxonomy.statistics.judges import JudgeCounts, JudgeRefused, corrected, prediction_powered
from taxonomy.statistics.paired import difference, mean_difference
from taxonomy.statistics.rates import rate_of
from taxonomy.statistics.severity import weighted_rate
from taxonomy.statistics.weighting import Estimate, Group, hajek

World = tuple[str, float]


def holds(interval, truth: float) -> bool:
    return interval.low - 1e-12 <= truth <= interval.high + 1e-12


def plain_rates() -> Iterator[World]:
    """Not drawn but summed over all counts, exactly; averaged over 200 true rates of 0.5 to 50 %, evenly by their logs.

    At one rate alone Wilson's interval covers between 89 and 99 %, up and down from one rate to the next.
    """
    from scipy.stats import binom

    truths = np.geomspace(0.005, 0.5, 200)
    for n in (50, 100, 300, 1000):
        rates = [rate_of(count, n) for count in range(n + 1)]
        inside = np.array([[holds(rate, truth) for rate in rates] for truth in truths])
        yield f"n={n}", float((inside * binom.pmf(np.arange(n + 1), n, truths[:, None])).sum(1).mean())


def paired_differences(rng: np.random.Generator, draws: int) -> Iterator[World]:
    pairs = ((0.02, 0.08), (0.1, 0.1), (0.3, 0.28), (0.05, 0.2), (0.5, 0.4))
    for n, (first, second), phi in product((100, 300, 500), pairs, (0.0, 0.3)):
        both = first * second + phi * np.sqrt(first * (1 - first) * second * (1 - second))
        cells = rng.multinomial(n, [both, first - both, second - both, 1 - first - second + both], draws)
        inside = [holds(difference(*cell), second - first) for cell in cells.tolist()]
        yield f"n={n} {first}->{second} phi={phi}", float(np.mean(inside))


# Examples, rates of the two candidates, their repeats; the number of clusters (0: none).
REPEATED = (
    (100, 0.02, 0.08, (3, 5), 0),
    (100, 0.1, 0.1, (3, 3), 0),
    (300, 0.1, 0.1, (3, 5), 0),
    (300, 0.3, 0.28, (3, 5), 0),
    (300, 0.02, 0.08, (1, 1), 0),
    (300, 0.2, 0.25, (3, 3), 40),
    (300, 0.2, 0.2, (1, 1), 40),
)


def repeated_examples(rng: np.random.Generator, draws: int, worlds=REPEATED) -> Iterator[tuple[str, float, float]]:
    """Some examples are hard for both candidates; those of one cluster are equally hard, for each candidate.

    (world, how often the interval holds the truth, how often p is at most 5 %).
    """
    for world in worlds:
        examples, first, second, repeats, clusters = world
        hard_share = 0.5 * min(first, second)
        inside, refused = [], []
        for _ in range(draws):
            place = rng.integers(0, clusters, examples) if clusters else np.arange(examples)
            hard = rng.random(examples)[place] < hard_share
            figures = []
            for mean, count in zip((first, second), repeats, strict=True):
                rest = (mean - hard_share * 0.9) / (1 - hard_share)
                own = rng.beta(rest * 1.5, (1 - rest) * 1.5, examples)[place]
                figures.append(rng.binomial(count, np.where(hard, 0.9, own)) / count)
            found = mean_difference(*figures, clusters=place.tolist() if clusters else None)
            inside.append(holds(found, second - first))
            refused.append(found.p <= 0.05)
        yield str(world), float(np.mean(inside)), float(np.mean(refused))


def clustered_rates(rng: np.random.Generator, draws: int) -> Iterator[World]:
    """Clusters of one size, or of very different ones; how much examples of one hang together: not, some, much."""
    sizes = (("same", 5), ("different", 4), ("different", 15))
    for clusters, (kind, size), rate, together in product((15, 40, 150), sizes, (0.1, 0.3), (0.0, 0.1, 0.3)):
        n = np.full((draws, clusters), size) if kind == "same" else rng.geometric(1 / size, (draws, clusters))
        spread = 1 / together - 1 if together else 0
        risk = rng.beta(rate * spread, (1 - rate) * spread, n.shape) if together else np.full(n.shape, rate)
        drawn = np.stack([rng.binomial(n, risk), n], axis=-1).tolist()
        inside = [holds(robust(counts), rate) for counts in drawn]
        yield f"{clusters} clusters {kind} of {size} rate={rate} icc={together}", float(np.mean(inside))


# Outputs of a run; share that fails a check; rate of the mode where it fails and where it passes; how many are read of
# those that fail (None: all), of those that pass, and of all outputs, whatever the check says.
CHOOSING = (
    (5_000, 0.15, 0.4, 0.02, 300, 200, 0),
    (2_000, 0.15, 0.4, 0.02, None, 150, 0),
    (2_000, 0.15, 0.4, 0.02, 100, 100, 0),
    (10_000, 0.15, 0.2, 0.05, 200, 200, 0),
    (3_000, 0.3, 0.6, 0.1, 150, 150, 0),
    (600, 0.2, 0.3, 0.05, None, 100, 0),
    (5_000, 0.15, 0.4, 0.02, 200, 0, 300),
    (2_000, 0.3, 0.4, 0.05, None, 0, 200),
)


def chosen_outputs(rng: np.random.Generator, draws: int, worlds=CHOOSING) -> Iterator[tuple[str, float, float, float]]:
    """Failed checks are read more often: (world, how often hajek's interval holds the truth, how often the interval of
    the raw share does, how far the raw share is off on average)."""
    for world in worlds:
        _, failing, rate_failed, rate_passed, *_ = world
        truth = failing * rate_failed + (1 - failing) * rate_passed
        inside, inside_raw, off = [], [], []
        for _ in range(draws):
            groups = read_some(rng, *world)
            estimate = hajek(groups)
            raw = rate_of(sum(group.count for group in groups), sum(group.n for group in groups))
            assert isinstance(estimate, Estimate) and raw.share is not None
            inside.append(holds(estimate, truth))
            inside_raw.append(holds(raw, truth))
            off.append(raw.share - truth)
        yield str(world), float(np.mean(inside)), float(np.mean(inside_raw)), float(np.mean(off))


def read_some(rng, outputs, failing, rate_failed, rate_passed, of_failed, of_passed, of_all) -> list[Group]:
    """One run and the choice of what is read: without replacement from each pool, chances as ``choosing`` has them."""
    failed = rng.random(outputs) < failing
    having = rng.random(outputs) < np.where(failed, rate_failed, rate_passed)
    chances, read = {}, rng.permutation(outputs) < of_all
    for says, wanted in ((True, of_failed), (False, of_passed)):
        pool = np.flatnonzero(failed == says)
        count = len(pool) if wanted is None else min(wanted, len(pool))
        read[rng.permutation(pool)[:count]] = True
        chances[says] = 1 - (1 - count / len(pool)) * (1 - of_all / outputs)
    return [
        Group(chance, int((read & (failed == says)).sum()), int((read & having & (failed == says)).sum()))
        for says, chance in chances.items()
    ]


def weighted_severities(rng: np.random.Generator, draws: int) -> Iterator[World]:
    weights = {"minor": 1.0, "major": 3.0, "critical": 10.0}
    rates = ((0.1, 0.1, 0.02), (0.05, 0.05, 0.05), (0.02, 0.03, 0.005), (0.3, 0.1, 0.01))
    for n, rate in product((50, 200, 500), rates):
        truth = sum(weight * each for weight, each in zip(weights.values(), rate, strict=True))
        cells = rng.multinomial(n, [*rate, 1 - sum(rate)], draws)[:, :3].tolist()
        inside = [holds(weighted_rate(dict(zip(weights, cell, strict=True)), weights, n), truth) for cell in cells]
        yield f"n={n} {rate}", float(np.mean(inside))


# Outputs that the judge alone looked at; those that people looked at too; rate of the error; TPR and TNR of the judge.
JUDGING = (
    (2000, 100, 0.2, 0.8, 0.9),
    (2000, 300, 0.05, 0.8, 0.97),
    (300, 300, 0.2, 0.95, 0.9),
    (2000, 300, 0.5, 0.8, 0.97),
)


def judged(rng, draws, all_outputs, labelled, rate, tpr, tnr) -> Iterator[tuple[int, JudgeCounts]]:
    """(how many of all outputs the judge calls wrong, its agreement with people on the labelled ones)."""
    for _ in range(draws):
        wrong = rng.binomial(labelled, rate)
        found, let_pass = rng.binomial(wrong, tpr), rng.binomial(labelled - wrong, tnr)
        counts = map(int, (found, wrong - found, let_pass, labelled - wrong - let_pass))
        yield int(rng.binomial(all_outputs, rate * tpr + (1 - rate) * (1 - tnr))), JudgeCounts(*counts)


def corrected_rates(rng: np.random.Generator, draws: int) -> Iterator[World]:
    for world in JUDGING:
        inside = []
        for count, counts in judged(rng, draws, *world):
            try:
                inside.append(holds(corrected(count, world[0], counts), world[2]))
            except JudgeRefused:  # no figure, so none that is wrong; some in a thousand where an error is rare
                continue
        yield str(world), float(np.mean(inside))


def prediction_powered_rates(rng: np.random.Generator, draws: int) -> Iterator[World]:
    for world in (*JUDGING, (2000, 100, 0.05, 0.95, 0.97)):
        inside = [
            holds(prediction_powered(count, world[0], counts), world[2]) for count, counts in judged(rng, draws, *world)
        ]
        yield str(world), float(np.mean(inside))
