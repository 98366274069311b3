"""Systematic or random: does an example that failed once fail in every repeat?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum
from typing import NamedTuple

from taxonomy.statistics.rates import Rate, rate_of


class Repeats(NamedTuple):
    """``examples`` with ``failed`` of ``repeats`` repeats having the mode."""

    failed: int
    repeats: int
    examples: int = 1


@dataclass(frozen=True, slots=True)
class Repeated:
    """Of the examples that failed at least once, how many failed in every repeat."""

    always: Rate
    by_chance: float | None
    """The share that would, 0 to 1, if all examples were equally likely to fail; None where none failed."""


def repeated_share(tallies: Iterable[Repeats]) -> Repeated | None:
    """Near 1 the mode is systematic; near ``by_chance`` it strikes at random. None without examples of two repeats.

    Examples with one repeat say nothing of this and are left out; ``always.n`` says how many were counted. With rate r
    in all repeats, chance alone gives sum of r ** repeats over sum of 1 - (1 - r) ** repeats.
    """
    met = [each for each in (Repeats(*tally) for tally in tallies) if each.repeats > 1]
    if not met:
        return None
    once = sum(each.examples for each in met if each.failed)
    always = sum(each.examples for each in met if each.failed == each.repeats)
    rate = sum(each.failed * each.examples for each in met) / sum(each.repeats * each.examples for each in met)
    if not once:
        return Repeated(rate_of(0, 0), None)
    expected_always = fsum(each.examples * rate**each.repeats for each in met)
    expected_once = fsum(each.examples * (1 - (1 - rate) ** each.repeats) for each in met)
    return Repeated(rate_of(always, once), expected_always / expected_once)
