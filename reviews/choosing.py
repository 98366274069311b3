"""Which outputs people read, and the chance that each had of being chosen. Pure: it is handed the pools."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod


@dataclass(frozen=True)
class Chosen:
    """An output to read: every reason that holds for it, and its inclusion probability (0 < p <= 1)."""

    output: int
    reasons: tuple[str, ...]
    probability: float


def choose(pools: Mapping[str, Sequence[int]], wanted: Mapping[str, int | None], seed: str) -> list[Chosen]:
    """Draw from each reason's pool of outputs without replacement, independently; an output is taken once.

    ``wanted`` is how many to draw for a reason, None for all of them. An output in several pools had a chance in each,
    so its inclusion probability is 1 - product of (1 - n / N) over the pools that hold it, whichever took it.
    The same pools, numbers and seed give the same choice.
    """
    shares: dict[str, float] = {}
    drawn: set[int] = set()
    for reason, pool in pools.items():
        ordered = sorted(pool)
        count = len(ordered) if wanted[reason] is None else min(wanted[reason] or 0, len(ordered))
        shares[reason] = count / len(ordered) if ordered else 0.0
        drawn.update(random.Random(f"{seed}:{reason}").sample(ordered, count))  # noqa: S311 -- a draw, not a secret
    holders = {reason: set(pool) for reason, pool in pools.items()}
    return [
        Chosen(
            output,
            reasons := tuple(reason for reason, pool in holders.items() if output in pool and shares[reason]),
            1 - prod(1 - shares[reason] for reason in reasons),
        )
        for output in sorted(drawn)
    ]
