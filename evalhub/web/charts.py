"""The geometry of charts. Pure: shares in, places out; the templates in ``charts/`` draw them as SVG.

Places are percentages of the width of the drawing, so that text stays HTML and keeps its size on a narrow screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

SERIES = 6  # colours that can be told apart, --series-1 to --series-6
HEAT_STEPS = 6
# Ends of the scale, each with the distance of its lines.
SCALES = ((0.02, 0.005), (0.05, 0.01), (0.1, 0.02), (0.2, 0.05), (0.3, 0.1), (0.5, 0.1), (1.0, 0.25))


@dataclass(frozen=True, slots=True)
class Bar:
    """One share to draw: ``count`` of ``n``, both whole; with n = 0 there is nothing to draw but the name.

    ``interval`` is that of the share, each end from 0 to 1. ``url`` leads to what is counted. ``series`` is the colour,
    from 1 on; the same candidate has the same one in every group. ``estimate``: the share of more than was counted,
    worked out from it; it is drawn instead.
    """

    label: str
    count: int
    n: int
    interval: tuple[float, float] | None = None
    url: str = ""
    series: int = 1
    estimate: float | None = None

    @property
    def share(self) -> float | None:
        if self.estimate is not None:
            return self.estimate
        return self.count / self.n if self.n else None

    @property
    def is_at_most(self) -> bool:
        """Whether none was counted, so that only the upper end of the interval says something."""
        return self.estimate is None and self.count == 0 and self.interval is not None


@dataclass(frozen=True, slots=True)
class Mark:
    """A bar with its places: how far it goes and where its whisker begins and ends, in percent of the width."""

    bar: Bar
    end: float
    low: float | None
    high: float | None

    @property
    def colour(self) -> int:
        return (self.bar.series - 1) % SERIES + 1


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the scale: its place in percent of the width, and the share it stands for."""

    place: float
    share: float


@dataclass(frozen=True, slots=True)
class Group:
    """Bars under one heading; without a name they stand alone."""

    name: str
    marks: Sequence[Mark]


@dataclass(frozen=True, slots=True)
class BarChart:
    """Horizontal bars with the whiskers of their intervals. ``name`` says what is shown, for those who hear it."""

    name: str
    groups: Sequence[Group]
    lines: Sequence[Line]
    has_small_steps: bool


def bar_chart(name: str, groups: Iterable[tuple[str, Sequence[Bar]]], top: float | None = None) -> BarChart:
    """Place the bars of each named group. The scale begins at 0 and ends at ``top``, or just past the highest end.

    ``top`` is a share from 0 (excluded) to 1; what reaches beyond it ends there.
    """
    groups = list(groups)
    top, step = scale((bar for _, bars in groups for bar in bars), top)
    return BarChart(
        name,
        [Group(heading, [mark_of(bar, top) for bar in bars]) for heading, bars in groups],
        [Line(place(step * number, top), round(step * number, 4)) for number in steps(top, step)],
        has_small_steps=step < 0.01,
    )


def scale(bars: Iterable[Bar], top: float | None) -> tuple[float, float]:
    """Where the scale ends and how far apart its lines are: (0.1, 0.02) for bars that reach 8 %."""
    if top:
        return top, next((step for end, step in SCALES if end >= top), 0.25)
    reach = max((bar.interval[1] if bar.interval else bar.share or 0.0 for bar in bars), default=1.0)
    return next(((end, step) for end, step in SCALES if end >= reach), SCALES[-1])


def mark_of(bar: Bar, top: float) -> Mark:
    if bar.share is None or bar.interval is None:
        return Mark(bar, place(bar.share or 0.0, top), None, None)
    return Mark(bar, place(bar.share, top), place(bar.interval[0], top), place(bar.interval[1], top))


def place(share: float, top: float) -> float:
    """The place of a share in percent of the width, to a hundredth: finer than any screen."""
    return round(100 * min(1.0, max(0.0, share / top)), 2)


def heat_step(share: float | None, top: float = 1.0) -> int:
    """The step of a heat map's colour: 0 for no share or none at all, else 1 to 6 in equal parts up to ``top``."""
    if not share or share < 0:
        return 0
    return min(HEAT_STEPS, ceil(round(share / top * HEAT_STEPS, 9)))


@dataclass(frozen=True, slots=True)
class Column:
    """A count to draw as a standing bar, such as one of each day. ``url`` leads to what is counted."""

    label: str
    count: int
    url: str = ""


@dataclass(frozen=True, slots=True)
class ColumnMark:
    """A column with its place: from the left, how wide, from the top and how high, in percent of the drawing."""

    column: Column
    left: float
    width: float
    top: float
    height: float


@dataclass(frozen=True, slots=True)
class ColumnChart:
    """Standing bars side by side, the highest as high as the drawing. ``name`` says what is shown."""

    name: str
    marks: Sequence[ColumnMark]
    most: int


def column_chart(name: str, columns: Sequence[Column]) -> ColumnChart:
    """Place the columns, a fifth of each one's room left free. The scale begins at 0 and ends at the highest."""
    most = max((column.count for column in columns), default=0)
    room = 100 / len(columns) if columns else 0.0
    marks = []
    for number, column in enumerate(columns):
        height = place(column.count, most) if most else 0.0
        marks.append(
            ColumnMark(column, round((number + 0.1) * room, 2), round(0.8 * room, 2), round(100 - height, 2), height)
        )
    return ColumnChart(name, marks, most)


@dataclass(frozen=True, slots=True)
class Moment:
    """One share of a time series; the bar's label says what it is of, ``label`` the same in a few letters."""

    bar: Bar
    label: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A share with its places in percent of the drawing: from the left, and from the top with its interval's ends.

    ``before``: the place of the dot before it, to which a line leads; None at the first, and behind a gap.
    """

    moment: Moment
    left: float
    top: float | None
    low: float | None
    high: float | None
    before: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Series:
    """Shares one after the other, each with its interval. ``lines`` are of the scale, from the top in percent."""

    name: str
    dots: Sequence[Dot]
    lines: Sequence[Line]
    has_small_steps: bool


def series_chart(name: str, moments: Sequence[Moment]) -> Series:
    """Place the moments at even distances, in their order. The scale begins at 0 and ends past the highest interval."""
    top, step = scale((moment.bar for moment in moments), None)
    dots: list[Dot] = []
    for number, moment in enumerate(moments):
        left = round(100 * (number + 0.5) / len(moments), 2)
        mark = mark_of(moment.bar, top)
        is_there = moment.bar.share is not None
        above = None if not is_there else from_top(mark.end)
        previous = dots[-1] if dots else None
        before = (previous.left, previous.top) if previous and previous.top is not None and is_there else None
        dots.append(Dot(moment, left, above, from_top(mark.low), from_top(mark.high), before))
    lines = [Line(round(100 - place(step * number, top), 2), round(step * number, 4)) for number in steps(top, step)]
    return Series(name, dots, lines, has_small_steps=step < 0.01)


def from_top(place_from_bottom: float | None) -> float | None:
    return None if place_from_bottom is None else round(100 - place_from_bottom, 2)


def steps(top: float, step: float) -> range:
    return range(round(top / step) + 1)
