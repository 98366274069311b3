"""The severity-weighted rates of two runs, in which grave failures count for more, paired like all else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taxonomy.comparison.answers import Answer, Facts, Groups
from taxonomy.comparison.counting import Means
from taxonomy.comparison.figures import rounded
from taxonomy.comparison.plan import Plan
from taxonomy.comparison.robust import Difference, robust_difference
from taxonomy.models import Severity, SeverityWeights, Source, Verdict
from taxonomy.statistics.paired import weight_of_repeats
from taxonomy.tree import Tree


@dataclass(frozen=True, slots=True)
class Weighted:
    """Weight per output, 0 to the largest one, in both runs; and with all weights 1, that is, the share with any.

    ``source``: who found the failures. The weight of an output is that of its gravest error type; one that people
    failed without naming a type is minor. None without pairs.
    """

    source: str
    weights: Mapping[str, float]
    examples: int
    weighted: Difference | None
    heaviest: float
    first_share: float | None
    second_share: float | None

    @property
    def first(self) -> float | None:
        return self.weighted.first * self.heaviest if self.weighted else None

    @property
    def second(self) -> float | None:
        return self.weighted.second * self.heaviest if self.weighted else None

    @property
    def difference(self) -> tuple[float, float, float] | None:
        """Second minus first, and the ends of its 95 % interval."""
        if self.weighted is None:
            return None
        found = self.weighted.interval
        return found.value * self.heaviest, found.low * self.heaviest, found.high * self.heaviest

    def as_json(self) -> dict[str, Any]:
        value, low, high = self.difference or (None, None, None)
        return {
            "difference": rounded(value),
            "examples": self.examples,
            "first": rounded(self.first),
            "first_unweighted": rounded(self.first_share),
            "high": rounded(high),
            "low": rounded(low),
            "p": rounded(self.weighted.p) if self.weighted else None,
            "second": rounded(self.second),
            "second_unweighted": rounded(self.second_share),
            "source": self.source,
            "weights": dict(self.weights),
        }


def weighted_by(groups: Groups, plan: Plan, weights: SeverityWeights) -> tuple[Weighted, ...]:
    """By people, and by checks, each over the outputs that they looked at."""
    said = {str(severity): float(getattr(weights, severity)) for severity in Severity}
    scale = max(said.values()) or 1.0
    meant: frozenset[int] = frozenset().union(*plan.meant.values())
    return tuple(
        weighted_of(groups, Weigher(str(source), plan.tree, meant, said, scale), said, scale)
        for source in (Source.PEOPLE, Source.CHECK)
    )


@dataclass(frozen=True)
class Weigher:
    """What an output weighs by one source: 0 without failure, up to 1 for the gravest."""

    source: str
    tree: Tree
    meant: frozenset[int]
    weights: Mapping[str, float]
    scale: float

    def weighed(self, answer: Answer) -> tuple[float, ...]:
        """Of the repeats that the source looked at."""
        weights = (self.weigh(facts) for facts in answer.values())
        return tuple(weight for weight in weights if weight is not None)

    def weigh(self, facts: Facts) -> float | None:
        """None where the source did not look at it."""
        side = facts.side
        if self.source == Source.CHECK:
            if not self.meant.intersection(facts.judged):
                return None
            return self.gravest(side.checks) if side and side.checks else 0.0
        if side is None or side.source != Source.PEOPLE:
            return None
        return self.gravest(side.people) if side.outcome == Verdict.Outcome.FAIL else 0.0

    def gravest(self, types: Sequence[int]) -> float:
        own = [key for each in types if (key := self.tree.resolve(each)) is not None]
        found = [self.weights[self.tree.types[key].severity] for key in own]
        return max(found, default=self.weights[Severity.MINOR]) / self.scale


def weighted_of(groups: Groups, weigher: Weigher, weights: Mapping[str, float], scale: float) -> Weighted:
    counted = groups.counted([weigher.weighed(answer) for answer in groups.answers])
    seen = {kinds: examples for kinds, examples in counted.items() if kinds[1] and kinds[2]}
    if not seen:
        return Weighted(weigher.source, weights, 0, None, scale, None, None)
    sizes: Counter[tuple[str, float]] = Counter()
    means, shares = [], []
    for (cluster, one, two), examples in seen.items():
        weight = weight_of_repeats(len(one), len(two))
        sizes[cluster, weight] += examples
        if any(one) or any(two):
            means.append(Means(mean(one), mean(two), examples, cluster, weight))
            shares.append(Means(failed(one), failed(two), examples, cluster, weight))
    whole = sum(size * weight for (_, weight), size in sizes.items())
    return Weighted(
        weigher.source,
        weights,
        sum(sizes.values()),
        robust_difference(means, sizes),
        scale,
        sum(each.first * each.weight * each.examples for each in shares) / whole,
        sum(each.second * each.weight * each.examples for each in shares) / whole,
    )


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def failed(values: Sequence[float]) -> float:
    return sum(value > 0 for value in values) / len(values)
