"""Does a failure mode concentrate somewhere? Its rate by the values of a tag, and whether chance would do as much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taxonomy.statistics.alarms import benjamini_hochberg
from taxonomy.statistics.rates import Rate, rate_of

if TYPE_CHECKING:
    from numpy import ndarray

PERMUTATIONS = 9_999
SEED = 1927

Counts = Mapping[str, tuple[int, int]]
"""value of a tag -> (how many of its examples have the mode, how many examples)."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The examples with one value of a tag."""

    value: str
    rate: Rate
    lift: float | None
    """The rate here over that of all examples of the tag: 1 as everywhere, 2 twice. None: no example has the mode."""


@dataclass(frozen=True, slots=True)
class Concentration:
    """How the mode lies over the values of one tag."""

    tag: str
    p: float | None
    """Of a world where the tag has nothing to do with the mode. None where nothing can be tested: one value only, or
    all examples alike."""
    adjusted: float | None
    """``p`` after Benjamini and Hochberg's correction over the tags."""
    slices: tuple[Slice, ...]
    """The highest lift first."""


def lift_by_tag(tags: Mapping[str, Counts], permutations: int = PERMUTATIONS) -> list[Concentration]:
    """Whether the mode's rate differs between the values of each tag, in the order of ``tags``.

    A permutation test: the examples that have the mode are dealt out anew over the values, 9,999 times with a fixed
    seed, and p is the share of deals, this one among them, that lie at least as unevenly (Pearson's chi-square). Only
    counts are needed, for a deal is a draw from the multivariate hypergeometric distribution. Examples have to be
    independent: hand over each once, however many repeats it has.
    """
    ps = {tag: p_of(counts, permutations) for tag, counts in tags.items()}
    tested = [tag for tag in tags if ps[tag] is not None]
    adjusted = dict(zip(tested, benjamini_hochberg([p for p in ps.values() if p is not None]), strict=True))
    return [Concentration(tag, ps[tag], adjusted.get(tag), slices_of(counts)) for tag, counts in tags.items()]


def with_and_without(having: Counts, count: int, n: int) -> dict[str, Counts]:
    """For tags that an example has or has not, and may have several of: each as a tag with the values “yes” and “no”.

    ``count`` of all ``n`` examples have the mode.
    """
    return {tag: {"yes": (k, size), "no": (count - k, n - size)} for tag, (k, size) in having.items()}


def slices_of(counts: Counts) -> tuple[Slice, ...]:
    total, n = sum(count for count, _ in counts.values()), sum(n for _, n in counts.values())
    found = [
        Slice(value, rate_of(count, size), (count / size) / (total / n) if total else None)
        for value, (count, size) in counts.items()
        if size
    ]
    return tuple(sorted(found, key=lambda each: (-(each.lift or 0), each.value)))


def p_of(counts: Counts, permutations: int) -> float | None:
    import numpy as np  # here, for the import takes 0.1 s

    met = np.array([pair for pair in counts.values() if pair[1]], dtype=np.int64).reshape(-1, 2)
    having, sizes = met[:, 0], met[:, 1]
    total = int(having.sum())
    if len(met) < 2 or total in (0, sizes.sum()):
        return None
    expected = total * sizes / sizes.sum()
    dealt = np.random.default_rng(SEED).multivariate_hypergeometric(sizes, total, permutations, method="marginals")
    seen = unevenness(having, expected, sizes)
    as_uneven = int(np.count_nonzero(unevenness(dealt, expected, sizes) >= seen * (1 - 1e-9)))
    return (as_uneven + 1) / (permutations + 1)


def unevenness(having: ndarray, expected: ndarray, sizes: ndarray) -> Any:
    """Pearson's chi-square of each deal (deals x values), but for a factor that is the same for all of them."""
    return ((having - expected) ** 2 / sizes).sum(axis=-1)
