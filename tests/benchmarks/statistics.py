"""Whether the figures of failure modes keep what they promise: coverage of each interval, false alarms, power.

Simulated with a fixed seed, in worlds whose truth is known (``statistics_worlds``, ``statistics_alarms``). The coverage
of an interval is the mean over its worlds; ``coverage_lowest_world`` and ``coverage_highest_world`` are the extremes of
single worlds (the lowest: 15 clusters that are much alike inside, 10 % with the error). That of plain rates is summed
exactly and averaged over true rates of 0.5 to 50 %, since it jumps up and down from one rate to the next. False alarms
and power are those of the worst world; ``false_alarm_rate_repeats`` is that of one test over repeats and clusters.
Worlds in which hardly any output has the error (fewer than some eight discordant pairs, say) are left out: there each
of these intervals covers more than 97 %.
"""

from __future__ import annotations

import numpy as np

from evalhub.serving.benchmarks import Figure
from tests.benchmarks.statistics_alarms import false_alarms, found_regressions
from tests.benchmarks.statistics_worlds import (
    REPEATED,
    chosen_outputs,
    clustered_rates,
    corrected_rates,
    paired_differences,
    plain_rates,
    prediction_powered_rates,
    repeated_examples,
    weighted_severities,
)

SEED = 20261122
DRAWS_OF_ALARMS = 4_000
SIMULATED = {
    "paired_difference": (paired_differences, 5_000),
    "clusters": (clustered_rates, 1_500),
    "severity": (weighted_severities, 4_000),
    "judge_corrected": (corrected_rates, 2_000),
    "prediction_powered": (prediction_powered_rates, 4_000),
}


def generator() -> np.random.Generator:
    """The same for each figure, so that none depends on those measured before it."""
    return np.random.default_rng(SEED)


def coverages() -> tuple[dict[str, list[float]], list[Figure]]:
    """Interval -> its coverage in each world; and what else is said of those worlds."""
    chosen, repeated = list(chosen_outputs(generator(), 4_000)), list(repeated_examples(generator(), 1_000))
    found = {
        "rate": [covered for _, covered in plain_rates()],
        "hajek": [covered for _, covered, _, _ in chosen],
        "paired_means": [covered for _, covered, _ in repeated],
    }
    for name, (worlds, draws) in SIMULATED.items():
        found[name] = [covered for _, covered in worlds(generator(), draws)]
    alike = [
        refused for (_, first, second, *_), (_, _, refused) in zip(REPEATED, repeated, strict=True) if first == second
    ]
    others = [
        Figure("false_alarm_rate_repeats", max(alike), "share"),
        Figure("raw_share_covers", float(np.mean([covered for _, _, covered, _ in chosen])), "share"),
        Figure("raw_share_off_by", float(np.mean([off for _, _, _, off in chosen])), "share"),
    ]
    return found, others


def run() -> list[Figure]:
    found, others = coverages()
    means = {name: float(np.mean(worlds)) for name, worlds in found.items()}
    single = [covered for worlds in found.values() for covered in worlds]
    alarms, powers = false_alarms(generator(), DRAWS_OF_ALARMS), found_regressions(generator(), DRAWS_OF_ALARMS)
    return [
        Figure("coverage_min", min(means.values()), "share"),
        Figure("coverage_max", max(means.values()), "share"),
        Figure("coverage_lowest_world", min(single), "share"),
        Figure("coverage_highest_world", max(single), "share"),
        Figure("false_alarm_rate", max(alarms.values()), "share"),
        Figure("power", min(powers.values()), "share"),
        *(Figure(f"coverage_{name}", mean, "share") for name, mean in means.items()),
        *others,
    ]
