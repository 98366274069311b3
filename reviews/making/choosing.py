"""Which outputs people read, and the chance that each had of being chosen. Pure: it is handed the pools.

Every output has a random number of its own in each pool, made from the seed, and a draw takes the outputs with the
smallest ones (permanent random numbers: Ohlsson 1995, “Coordination of samples”). So a draw is one without replacement,
the same seed gives the same one, and a larger draw holds all that a smaller one held. Drawing more later is therefore
the same as having drawn more at once, and the chances are those of the larger draw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from heapq import nsmallest
from math import prod


@dataclass(frozen=True, slots=True)
class Chosen:
    """An output to read: every pool that holds it and was drawn from, and its inclusion probability (0 < p <= 1)."""

    output: int
    reasons: tuple[str, ...]
    probability: float


def choose(pools: Mapping[str, Sequence[int]], wanted: Mapping[str, int | None], seed: str) -> list[Chosen]:
    """Draw from each pool of outputs without replacement, independently; an output is taken once. By rising output.

    ``wanted`` is how many to draw from a pool, None for all of it. An output in several pools had a chance in each, so
    its inclusion probability is 1 - product of (1 - n / N) over the pools that hold it, whichever took it. The same
    pools, numbers and seed give the same choice; larger numbers give one that holds it.
    """
    drawn: set[int] = set()
    holders: dict[int, int] = {}  # output -> the places of its pools, as bits: 100,000 tuples would be 8 MB
    shares: list[tuple[str, float]] = []
    for place, (name, pool) in enumerate(pools.items()):
        count = size_of_draw(len(pool), wanted[name])
        shares.append((name, count / len(pool) if pool else 0.0))
        drawn.update(first_by_chance(pool, count, f"{seed}:{name}"))
        if count:
            for output in pool:
                holders[output] = holders.get(output, 0) | 1 << place
    found = {bits: chance_of(bits, shares) for bits in set(holders.values())}
    return [Chosen(output, *found[holders[output]]) for output in sorted(drawn)]


def size_of_draw(available: int, wanted: int | None) -> int:
    return available if wanted is None else min(wanted, available)


def chance_of(bits: int, shares: Sequence[tuple[str, float]]) -> tuple[tuple[str, ...], float]:
    """The names of the pools at these places, and the chance that at least one of them takes an output they hold."""
    held = [share for place, share in enumerate(shares) if bits >> place & 1]
    return tuple(name for name, _ in held), 1 - prod(1 - share for _, share in held)


def first_by_chance(pool: Sequence[int], count: int, seed: str) -> Sequence[int]:
    """The ``count`` outputs of the pool whose random numbers are the smallest."""
    if count >= len(pool):
        return pool
    key = blake2b(seed.encode()).digest()

    def number(output: int) -> bytes:
        return blake2b(output.to_bytes(8, "big"), digest_size=8, key=key).digest()

    return nsmallest(count, pool, key=number)
