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
PEOPLE, CHECK, FAIL = Source.PEOPLE.value, Source.CHECK.value, Verdict.Outcome.FAIL.value
RANKS = Severity.values
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
    review (None: not known) -> what people settled; filled only where it is asked for.
    """

    settled: int = 0
    failed: int = 0
    own: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    rolled: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    worst: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    parts: dict[float | None, Part] = field(default_factory=lambda: defaultdict(Part))


class Roller:
    """Counts verdicts into the rows of one version of the taxonomy. ``tells_chances``: fill ``RunCounts.parts`` too."""

    def __init__(self, tree: Tree, found: Mapping[int, Found], tells_chances: bool = False) -> None:
        self.tree = tree
        self.tells_chances = tells_chances
        self.with_below = frozenset(above for above in tree.parents.values() if above is not None)
        self.above = {key: tuple(tree.counts_in(key)) for key in tree.types}
        self.rows = {
            key: {PEOPLE: self.rows_of(each.people), CHECK: self.rows_of(each.checks)} for key, each in found.items()
        }
        # Prepared for each FindingSet, since there are far fewer of them than counts.
        self.own = {
            key: [(source, row) for source in rows for row in rows[source].own] for key, rows in self.rows.items()
        }
        self.rolled = {
            key: [(source, row) for source in rows for row in rows[source].rolled if row != ANY or source == CHECK]
            for key, rows in self.rows.items()
        }
        self.severities = {key: self.worst_of(each.people) for key, each in found.items()}

    def rows_of(self, types: Iterable[int]) -> Rows:
        ways = [self.above.get(key) or (NOT_IN_VERSION,) for key in types]
        own = frozenset(way[0] for way in ways)
        rolled = frozenset(row for way in ways for row in way)
        return Rows(own, rolled | {ANY} if rolled else rolled)

    def worst_of(self, types: Iterable[int]) -> str:
        """The severity of the worst of these types, as this version has it; NO_TYPE if it knows none of them."""
        known = [self.tree.types[way[0]].severity for key in types if (way := self.above.get(key))]
        return max(known, key=RANKS.index, default=NO_TYPE)

    def count(self, counts: Iterable[Count]) -> dict[int, RunCounts]:
        """run -> its outputs, counted; runs without verdicts have no entry."""
        found: dict[int, RunCounts] = defaultdict(RunCounts)
        for each in counts:
            self.add(found[each.run], each)
        return dict(found)

    def add(self, into: RunCounts, each: Count) -> None:
        count, own, rolled = each.outputs, into.own, into.rolled
        for key in self.own[each.found]:
            own[key] += count
        for key in self.rolled[each.found]:
            rolled[key] += count
        if each.source == PEOPLE:
            into.settled += count
            if each.outcome == FAIL:
                into.failed += count
                rolled[PEOPLE, ANY] += count
                into.worst[self.severities[each.found]] += count
            if self.tells_chances:
                self.add_part(into.parts[each.probability], each)

    def add_part(self, part: Part, each: Count) -> None:
        rows, count = self.rows[each.found][PEOPLE], each.outputs
        part.n += count
        for row in rows.rolled - {ANY}:
            part.rolled[row] += count
        for row in rows.own:
            part.own[row] += count
        if each.outcome == FAIL:
            part.rolled[ANY] += count
