"""How far people agree. Pure: it is handed what each person said of each item, and imports numpy alone.

Items on which the same people said the same count together (a tally), so an interval from a thousand resamples costs
what the different patterns cost, not what the items cost.

Sources: J. Cohen, A coefficient of agreement for nominal scales (1960); K. Krippendorff, Computing Krippendorff's
alpha-reliability (2011); R. Passonneau, Measuring agreement on set-valued items (2006), for MASI.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from operator import itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy import ndarray

Value = Hashable
"""What somebody said: an outcome, yes or no, a frozenset of error types."""
Pattern = tuple[tuple[int, Value], ...]
"""One item: (person, what they said), by person in rising order."""
Tally = Mapping[Pattern, int]
"""How many items have each pattern."""
Distance = Callable[[Sequence[Any]], "ndarray"]
"""Makes, of V different values, the V x V matrix of their distances: 0 the same, 1 nothing in common."""

RESAMPLES = 1000
SEED = 1960
LEVEL = 0.95
CELLS_AT_ONCE = 4_000_000  # of resamples x patterns: 32 MB


@dataclass(frozen=True)
class Figure:
    """A value, at most 1, and the interval in which it lies for 95 % of the resamples of the items.

    ``value`` None: undefined, since everybody said one and the same. ``low`` and ``high`` None: no interval, since
    resampling items changes nothing (all alike, all different, or one item).
    """

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Agreement:
    """Of the items on which at least two people said something."""

    items: int
    differing: int
    """Items on which not all said the same."""
    raw: Figure
    """0 to 1: of the pairs of people, the share who said the same, mean over the items. Two: percent agreement."""
    kappa: Figure | None
    """Cohen's, 1 to below 0; None unless it is about two people."""
    alpha: Figure
    """Krippendorff's, 1 to below 0."""


@dataclass(frozen=True)
class Table:
    """A tally in numbers: K patterns, V different values. All are float arrays, so that resamples are products."""

    counts: ndarray
    """K: the items of each pattern."""
    labels: ndarray
    """K: how many labels an item of the pattern has (at least 2)."""
    same: ndarray
    """K: the share of its pairs of labels that are equal."""
    apart: ndarray
    """K: the sum of the distances of its ordered pairs of labels, over one less than its labels."""
    values: ndarray
    """K x V: how many labels of an item say the value."""
    distances: ndarray
    """V x V."""
    first: ndarray | None
    """K x V: 1 where the first of two people said the value; None unless there are two people."""


def tally(items: Iterable[Mapping[int, Value]]) -> Counter[Pattern]:
    """Count items by what each person said of them."""
    return Counter(tuple(sorted(said.items(), key=itemgetter(0))) for said in items)


def seen_as(tallied: Tally, question: Callable[[Any], Value]) -> Counter[Pattern]:
    """The same items, when only the answer to a question about each label matters."""
    found: Counter[Pattern] = Counter()
    for pattern, count in tallied.items():
        found[tuple((person, question(value)) for person, value in pattern)] += count
    return found


def only_of(tallied: Tally, people: Collection[int]) -> Counter[Pattern]:
    """The same items, when only what these people said matters."""
    found: Counter[Pattern] = Counter()
    for pattern, count in tallied.items():
        found[tuple((person, value) for person, value in pattern if person in people)] += count
    return found


def pairs_in(tallied: Tally) -> list[tuple[int, int]]:
    """The pairs of people who have at least one item in common, in rising order."""
    return sorted({pair for pattern in tallied for pair in combinations((person for person, _ in pattern), 2)})


def nominal(values: Sequence[Any]) -> ndarray:
    """Values are the same or they are not."""
    import numpy as np  # slow to import

    return 1.0 - np.eye(len(values))


def masi(values: Sequence[Any]) -> ndarray:
    """Between sets: 1 - (common / all) x m, m = 1 for equal sets, 2/3 if one holds the other, 1/3 if they overlap.

    Two empty sets are equal: 0. An empty set and another have nothing in common: 1.
    """
    import numpy as np  # slow to import

    members = {member: place for place, member in enumerate(sorted({m for value in values for m in value}, key=repr))}
    held = np.zeros((len(values), max(1, len(members))))
    for row, value in enumerate(values):
        held[row, [members[member] for member in value]] = 1.0
    common = held @ held.T
    sizes = held.sum(axis=1)
    united = sizes[:, None] + sizes[None, :] - common
    smaller = np.minimum(sizes[:, None], sizes[None, :])
    share = np.divide(common, united, out=np.ones_like(common), where=united > 0)
    kind = np.where(common == united, 1.0, np.where(common == smaller, 2 / 3, 1 / 3))
    return 1.0 - share * kind


def agreement_of(
    tallied: Tally, distance: Distance = nominal, *, resamples: int = RESAMPLES, seed: int = SEED
) -> Agreement | None:
    """How far people agree; None when no two of them said anything of the same item.

    The interval resamples items with a fixed ``seed``, so the same labels always give the same figures.
    """
    table = table_of(tallied, distance)
    if table is None:
        return None
    import numpy as np  # slow to import

    items = int(table.counts.sum())
    drawn: list[list[Any]] = [[], [], []]
    chance = np.random.default_rng(seed)
    step = max(1, CELLS_AT_ONCE // len(table.counts))
    for begin in range(0, resamples, step):
        weights = chance.multinomial(items, table.counts / items, size=min(step, resamples - begin))
        for kept, figure in zip(drawn, figures_of(table, weights.astype(float)), strict=True):
            kept.append(figure)
    exact = figures_of(table, table.counts[None, :])
    raw, kappa, alpha = (
        None if value is None else figure_of(float(value[0]), np.concatenate(many))
        for value, many in zip(exact, drawn, strict=True)
    )
    if raw is None or alpha is None:
        raise AssertionError("raw agreement and alpha are there whenever two people met")
    return Agreement(items, int(table.counts[table.same < 1].sum()), raw, kappa, alpha)


def table_of(tallied: Tally, distance: Distance) -> Table | None:
    """The patterns with two labels or more, in numbers; None when there is none."""
    met = {pattern: count for pattern, count in tallied.items() if len(pattern) > 1 and count}
    if not met:
        return None
    import numpy as np  # slow to import

    places: dict[Any, int] = {}
    for pattern in met:
        for _, value in pattern:
            places.setdefault(value, len(places))
    two = len({person for pattern in met for person, _ in pattern}) == 2
    values, first = np.zeros((len(met), len(places))), np.zeros((len(met), len(places)))
    for row, pattern in enumerate(met):
        first[row, places[pattern[0][1]]] = 1.0
        for _, value in pattern:
            values[row, places[value]] += 1.0
    labels, distances = values.sum(axis=1), distance(list(places))
    return Table(
        counts=np.array(list(met.values()), dtype=float),
        labels=labels,
        same=(values * (values - 1)).sum(axis=1) / (labels * (labels - 1)),
        apart=((values @ distances) * values).sum(axis=1) / (labels - 1),
        values=values,
        distances=distances,
        first=first if two else None,
    )


def figures_of(table: Table, weights: ndarray) -> tuple[ndarray, ndarray | None, ndarray]:
    """Raw agreement, kappa, alpha for each row of ``weights`` (B x K: how often each pattern counts); NaN: undefined.

    Each row of weights has the same sum, the number of items.
    """
    import numpy as np  # slow to import

    items = weights.sum(axis=1)
    raw = weights @ table.same / items
    sums = weights @ table.values
    expected = ((sums @ table.distances) * sums).sum(axis=1)
    labels = weights @ table.labels
    with np.errstate(divide="ignore", invalid="ignore"):
        alpha = np.where(expected > 0, 1 - (labels - 1) * (weights @ table.apart) / expected, np.nan)
        if table.first is None:
            return raw, None, alpha
        first = weights @ table.first
        by_chance = (first * (sums - first)).sum(axis=1) / items**2
        kappa = np.where(by_chance < 1, (raw - by_chance) / (1 - by_chance), np.nan)
    return raw, kappa, alpha


def figure_of(value: float, drawn: ndarray) -> Figure:
    """A value with the interval that its resamples span. Resamples in which it is undefined are left out."""
    import numpy as np  # slow to import

    if np.isnan(value):
        return Figure(None)
    defined = drawn[~np.isnan(drawn)]
    if 2 * len(defined) < len(drawn):
        return Figure(value)
    low, high = (float(each) for each in np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    return Figure(value) if high - low < 1e-12 else Figure(value, low, high)
