"""Examples that hang together: several of one conversation, customer or document, or one that was asked repeatedly.

Their outputs are alike, so there are fewer independent observations than outputs. Only versions and runs that have such
examples pay for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalhub.evalsets.models import EvalSetVersion
from evalhub.runs.models import Run
from taxonomy.breakdown.narrowing import Narrowing
from taxonomy.breakdown.rolling import Roller


@dataclass(frozen=True, slots=True)
class Spread:
    """``by``: (run, row) -> what the clusters say of the rate by people; empty where all outputs are independent."""

    has_clusters: bool = False
    has_repeats: bool = False
    by: Mapping[tuple[int, int], Any] = field(default_factory=dict)

    def of(self, run: int, row: int) -> Any:
        return self.by.get((run, row))

    def as_json(self) -> dict[str, Any]:
        return {"has_clusters": self.has_clusters, "has_repeats": self.has_repeats}


def spread_of(version: EvalSetVersion, runs: Sequence[Run], narrowing: Narrowing, roller: Roller) -> Spread:
    return Spread()
