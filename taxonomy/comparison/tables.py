"""The lines of the page's tables: figures with their words, drawings and links. Pure but for the addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalhub.web.templatetags.ui import address, number, percent
from taxonomy.comparison.changes import Change
from taxonomy.comparison.data import Comparison
from taxonomy.comparison.figures import Figure
from taxonomy.comparison.forest import Forest, ForestMark, forest_of, mirrored
from taxonomy.comparison.wording import WOULD_HAVE_SHOWN, count_of, p_text, points, query_of
from taxonomy.statistics.alarms import Answer as Standing
from taxonomy.statistics.intervals import Interval
from taxonomy.statistics.rates import rate_of

SAYS = {Standing.WORSE: "Worse", Standing.BETTER: "Better", Standing.CANNOT_TELL: "Cannot tell"}


@dataclass(frozen=True, slots=True)
class Share:
    """One run's share, as it is written: with how many of how many, and its interval where outputs are independent."""

    share: float
    count: str
    interval: str


@dataclass(frozen=True, slots=True)
class Opened:
    """How many pairs there are with a change, and where they are listed."""

    count: int
    url: str


@dataclass(frozen=True, slots=True)
class Row:
    """A figure as a line of a table. Of totals all is said of the share that is right, of modes of the one with it."""

    figure: Figure
    first: Share | None
    second: Share | None
    points: str
    interval: str
    mark: ForestMark | None
    p: str
    says: str
    need: str
    opened: Mapping[Change, Opened]

    @property
    def opened_cells(self) -> list[Opened]:
        """As the columns stand: what was fixed before what was broken of totals, new before gone of modes."""
        moved = [Change.FIXED, Change.BROKEN] if self.figure.subject.is_total else [Change.BROKEN, Change.FIXED]
        return [self.opened[change] for change in (*moved, Change.BOTH_WRONG, Change.BOTH_RIGHT)]

    @property
    def direction(self) -> Change:
        """Which pairs made the difference: those that the mark of the drawing opens."""
        counts = self.figure.counts
        return Change.BROKEN if counts.second_only >= counts.first_only else Change.FIXED

    @property
    def moved(self) -> Opened:
        return self.opened[self.direction]

    @property
    def moved_name(self) -> str:
        names = ("broken", "fixed") if self.figure.subject.is_total else ("new", "gone")
        return names[self.direction != Change.BROKEN]


@dataclass(frozen=True, slots=True)
class Table:
    rows: Sequence[Row]
    forest: Forest


def table_of(comparison: Comparison, figures: Sequence[Figure], slug: str) -> Table:
    """``figures`` are all totals or all modes; they share one scale."""
    shown = {figure.subject.key: shown_difference(figure) for figure in figures}
    forest = forest_of(found for found in shown.values() if found)
    return Table([row_of(comparison, figure, forest, slug) for figure in figures], forest)


def shown_difference(figure: Figure) -> Interval | None:
    found = figure.difference
    return mirrored(found) if found and figure.subject.is_total else found


def row_of(comparison: Comparison, figure: Figure, forest: Forest, slug: str) -> Row:
    found = shown_difference(figure)
    return Row(
        figure,
        share_of(figure, figure.first, figure.counts.first),
        share_of(figure, figure.second, figure.counts.second),
        points(found.value) if found else "",
        f"{points(found.low)} to {points(found.high)}" if found else "",
        forest.mark(found) if found else None,
        p_text(figure.adjusted).removeprefix("p = ").removeprefix("p "),
        SAYS[figure.standing],
        need_of(figure),
        {change: opened(comparison, figure, change, slug) for change in Change},
    )


def share_of(figure: Figure, share: float | None, count: int) -> Share | None:
    if share is None:
        return None
    if figure.subject.is_total:
        share, count = 1 - share, figure.n - count
    interval = ""
    if figure.clusters is None and figure.examples == figure.n:
        rate = rate_of(count, figure.n)
        interval = (
            f"at most {percent(rate.high)}" if rate.is_at_most else f"{percent(rate.low)} to {percent(rate.high)}"
        )
    return Share(share, f"{number(count)} of {number(figure.n)}", interval)


def need_of(figure: Figure) -> str:
    if figure.standing != Standing.CANNOT_TELL or not figure.n:
        return ""
    if figure.needed is None:
        return WOULD_HAVE_SHOWN
    unit = "pairs" if figure.clusters is None and figure.examples == figure.n else "examples"
    return f"about {number(figure.needed)} {unit} would tell"


def opened(comparison: Comparison, figure: Figure, change: Change, slug: str) -> Opened:
    asked = query_of(comparison.first.pk, comparison.second.pk, comparison.tree.number, figure, change)
    return Opened(count_of(figure, change), address("taxonomy:comparison", slug, **asked) + "#pairs")
