"""One figure of the breakdown: how many of how many, the share, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalhub.web.charts import heat_step
from taxonomy.breakdown.rolling import NO_TYPE
from taxonomy.models import Severity, SeverityWeights
from taxonomy.statistics.clusters import ClusterEstimate
from taxonomy.statistics.intervals import Estimate
from taxonomy.statistics.rates import rate_of
from taxonomy.statistics.severity import SeverityRate, weighted_rate

DIGITS = 9
"""Of shares in JSON: finer than any reader needs, and the same on every machine."""
HEAT_TOP = 0.6
"""The share from which on a cell of the heat map is as dark as it gets: more than half of all outputs."""


@dataclass(frozen=True, slots=True)
class Cell:
    """``count`` of ``n`` outputs. ``share``, ``low`` and ``high`` (0 to 1) are None where nothing was looked at.

    ``is_at_most``: none had it, so say “at most ``high``”. ``clusters``: how many groups of examples the interval
    takes for what is independent; None where each output is. ``estimated``: the share had all outputs of the run been
    looked at; None where that was not asked for or cannot be said.
    """

    count: int
    n: int
    share: float | None
    low: float | None
    high: float | None
    is_at_most: bool
    clusters: int | None = None
    estimated: Estimate | None = None

    @property
    def heat(self) -> int:
        """How dark the cell is, from 0 (none) to 6."""
        return heat_step(self.share, HEAT_TOP)

    @property
    def estimated_heat(self) -> int:
        return heat_step(self.estimated.share, HEAT_TOP) if self.estimated else 0

    def as_json(self) -> dict[str, Any]:
        return {
            "count": self.count,
            "n": self.n,
            "share": rounded(self.share),
            "low": rounded(self.low),
            "high": rounded(self.high),
            "is_at_most": self.is_at_most,
            "clusters": self.clusters,
            "estimated": estimate_as_json(self.estimated),
        }


def cell_of(count: int, n: int, robust: ClusterEstimate | None = None) -> Cell:
    """The cell with Wilson's interval, or with that of ``robust``, which knows of clusters."""
    rate = rate_of(count, n)
    if robust is None or rate.share is None:
        return Cell(rate.count, rate.n, rate.share, rate.low, rate.high, rate.is_at_most)
    return Cell(count, n, rate.share, robust.low, robust.high, rate.is_at_most, robust.clusters)


@dataclass(frozen=True, slots=True)
class Weighted:
    """How bad a run's outputs are: the mean weight of each output's worst finding, 0 where it passed.

    ``counts``: severity -> failed outputs whose worst finding has it; those without an error type are under “none” and
    weigh as minor ones do.
    """

    rate: SeverityRate
    counts: Mapping[str, int]
    weights: Mapping[str, float]

    def as_json(self) -> dict[str, Any]:
        return {
            "value": rounded(self.rate.value),
            "low": rounded(self.rate.low),
            "high": rounded(self.rate.high),
            "n": self.rate.n,
            "counts": dict(self.counts),
            "weights": dict(self.weights),
        }


def weighted_of(worst: Mapping[str, int], settled: int, weights: SeverityWeights) -> Weighted | None:
    """``worst``: severity of the worst finding -> outputs that people failed.

    None where nothing is settled.
    """
    if not settled:
        return None
    said = {str(severity): getattr(weights, severity) for severity in Severity} | {NO_TYPE: weights.minor}
    counts = {severity: worst.get(severity, 0) for severity in said}
    return Weighted(weighted_rate(counts, said, settled), counts, said)


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def estimate_as_json(estimate: Estimate | None) -> dict[str, Any] | None:
    if estimate is None:
        return None
    return {
        "share": rounded(estimate.share),
        "low": rounded(estimate.low),
        "high": rounded(estimate.high),
        "n": estimate.n,
        "effective_n": round(estimate.effective_n, 3),
    }
