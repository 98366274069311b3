"""How many units to draw from each stratum, and in which order a seed puts them. Pure: handed its data.

Sources: W. G. Cochran, Sampling Techniques, 3rd ed. 1977, chapter 5 (stratified random sampling, proportional and equal
allocation); M. L. Balinski and H. P. Young, Fair Representation, 1982 (largest remainder, Hamilton's method);
K. R. W. Brewer, L. J. Early and S. F. Joyce, Selecting several samples from a single population, 1972 (permanent
random numbers: each unit keeps the number that seed and content give it, whatever else is in the pool).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping


def allocate_proportionally(available: Mapping[str, int], size: int) -> dict[str, int]:
    """Return how many of ``size`` units each stratum gives, in proportion to the units it has.

    Largest remainder: each gets the whole part of its exact share, and the rest go one each to the largest fractions,
    ties to the first by name. No stratum gives more than it has; with ``size`` at or above the total all give all.
    """
    total = sum(available.values())
    size = min(size, total)
    if not size:
        return dict.fromkeys(available, 0)
    taken = {name: count * size // total for name, count in available.items()}
    left = size - sum(taken.values())
    # Whole-number remainders: fractions of floats would break ties by rounding error.
    by_remainder = sorted(available, key=lambda name: (-(available[name] * size % total), name))
    for name in by_remainder[:left]:
        taken[name] += 1
    return taken


def allocate_equally(available: Mapping[str, int], size: int) -> dict[str, int]:
    """Return how many of ``size`` units each stratum gives when all give the same, as far as they have them.

    What a small stratum cannot give the others share equally; what cannot be shared goes one each to the larger strata,
    ties to the first by name.
    """
    taken = dict.fromkeys(available, 0)
    left = min(size, sum(available.values()))
    open_strata = sorted((name for name in available if available[name]), key=lambda name: (available[name], name))
    while open_strata:
        share = left // len(open_strata)
        smallest = open_strata[0]
        if available[smallest] > share:
            break
        taken[smallest] = available[smallest]
        left -= available[smallest]
        open_strata.pop(0)
    if open_strata:
        share, rest = divmod(left, len(open_strata))
        larger_first = sorted(open_strata, key=lambda name: (-available[name], name))
        for place, name in enumerate(larger_first):
            taken[name] = share + (place < rest)
    return taken


def inclusion_probability(drawn: int, available: int) -> float:
    """Return the chance that each unit of a stratum had, 0 to 1: units drawn by units there are; 0 for an empty one."""
    return drawn / available if available else 0.0


def draw_number(seed: str, digest: bytes) -> bytes:
    """Return the place of a unit in the order that ``seed`` gives: SHA-256 of the seed in UTF-8 and the unit's digest.

    The units with the smallest numbers of a stratum are a simple random sample without replacement of it: for units of
    different content the numbers are as good as independent and uniform. The database orders by the same expression.
    """
    return hashlib.sha256(seed.encode() + digest).digest()
