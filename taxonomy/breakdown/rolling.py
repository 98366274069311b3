"""From counted verdicts to the rows of the tree. Pure: it is handed its counts and the tree.

An output counts once in a row, however many of its findings count there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from taxonomy.breakdown.tallying import Count, Found
from taxonomy.models import Severity, Source, Verdict
from taxonomy.tree import Tree

NOT_IN_VERSION = 0
"""The row of findings whose error type a version of the taxonomy does not know yet."""
ANY = -1
"""The row of outputs with whatever fault: people failed them, or a check found something."""
NO_TYPE = "none"
"""The severity of an output that people failed without naming an error type."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Where the findings of one FindingSet count, by one source: keys of rows."""

    own: frozenset[int]
    rolled: frozenset[int]


@dataclass(slots=True)
class Part:
    """Outputs that people settled and that all had one chance of being chosen: how many, and how many in each row."""

    n: int = 0
    rolled: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    own: dict[int, int] = field(default_factory=lambda: defaultdict(int))


@dataclass(slots=True)
class RunCounts:
    """One run's outputs, counted. ``own`` and ``rolled``: (source, row) -> outputs.

    ``worst``: severity of the worst finding -> outputs that people failed. ``parts``: chance of being chosen for
    review (None: not known) -> what people settled; told apart only where the counts do so.
    """

    settled: int = 0
    failed: int = 0
    own: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    rolled: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    worst: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    parts: dict[float | None, Part] = field(default_factory=lambda: defaultdict(Part))


class Roller:
    """Counts verdicts into the rows of one version of the taxonomy."""

    def __init__(self, tree: Tree, found: Mapping[int, Found]) -> None:
        self.tree = tree
        self.above = {key: tuple(tree.counts_in(key)) for key in tree.types}
        self.rows = {
            key: {Source.PEOPLE.value: self.rows_of(each.people), Source.CHECK.value: self.rows_of(each.checks)}
            for key, each in found.items()
        }
        self.severities = {key: self.worst_of(each.people) for key, each in found.items()}

    def rows_of(self, types: Iterable[int]) -> Rows:
        ways = [self.above.get(key) or (NOT_IN_VERSION,) for key in types]
        own = frozenset(way[0] for way in ways)
        rolled = frozenset(row for way in ways for row in way)
        return Rows(own, rolled | {ANY} if rolled else rolled)

    def worst_of(self, types: Iterable[int]) -> str:
        """The severity of the worst of these types, as this version has it; NO_TYPE if it knows none of them."""
        ranks = list(Severity.values)
        known = [self.tree.types[way[0]].severity for key in types if (way := self.above.get(key))]
        return max(known, key=ranks.index, default=NO_TYPE)

    def count(self, counts: Iterable[Count]) -> dict[int, RunCounts]:
        """run -> its outputs, counted; runs without verdicts have no entry."""
        found: dict[int, RunCounts] = defaultdict(RunCounts)
        for each in counts:
            self.add(found[each.run], each)
        return dict(found)

    def add(self, into: RunCounts, each: Count) -> None:
        rows, count = self.rows[each.found], each.outputs
        for source, found in rows.items():
            for row in found.own:
                into.own[source, row] += count
            for row in found.rolled:
                if row != ANY or source == Source.CHECK:
                    into.rolled[source, row] += count
        if each.source == Source.PEOPLE:
            self.add_settled(into, each)

    def add_settled(self, into: RunCounts, each: Count) -> None:
        count, part = each.outputs, into.parts[each.probability]
        into.settled += count
        part.n += count
        rows = self.rows[each.found][Source.PEOPLE]
        for row in rows.rolled - {ANY}:
            part.rolled[row] += count
        for row in rows.own:
            part.own[row] += count
        if each.outcome == Verdict.Outcome.FAIL:
            into.failed += count
            into.rolled[Source.PEOPLE.value, ANY] += count
            into.worst[self.severities[each.found]] += count
            part.rolled[ANY] += count
