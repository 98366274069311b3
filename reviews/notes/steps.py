"""The geometry of a curve that climbs in steps. Pure: counts in, places out; ``_notes_curve.html`` draws it as SVG.

Places are percentages of the width and height of the drawing, as in evalhub.web.charts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

LINES = 4


@dataclass(frozen=True, slots=True)
class Line:
    """A piece of the curve, or a line of the scale."""

    x1: float
    y1: float
    x2: float
    y2: float
    count: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """Where the curve rises by one: at the item ``place``, of so many, to ``count``."""

    x: float
    y: float
    place: int
    count: int


@dataclass(frozen=True, slots=True)
class StepChart:
    name: str
    lines: Sequence[Line]
    scale: Sequence[Line]
    steps: Sequence[Step]
    quiet_from: float
    """Where the part begins in which nothing new came, to the right edge."""

    @property
    def quiet_width(self) -> float:
        return round(100 - self.quiet_from, 2)


def step_chart(name: str, rises: Sequence[int], total: int) -> StepChart:
    """A curve over ``total`` (at least 1) items that rises by one at each of these places, from 1 on and rising."""
    top, distance = top_of(len(rises))
    lines, steps = [], []
    x, y = 0.0, 100.0
    for count, place in enumerate(rises, start=1):
        across, up = round(100 * place / total, 2), round(100 - 100 * count / top, 2)
        lines += [Line(x, y, across, y), Line(across, y, across, up)]
        steps.append(Step(across, up, place, count))
        x, y = across, up
    lines.append(Line(x, y, 100.0, y))
    scale = [
        Line(0, round(100 - 100 * count / top, 2), 100, round(100 - 100 * count / top, 2), count)
        for count in range(0, top + 1, distance)
    ]
    return StepChart(name, [line for line in lines if (line.x1, line.y1) != (line.x2, line.y2)], scale, steps, x)


def top_of(highest: int) -> tuple[int, int]:
    """Where the scale ends and how far apart its lines are: (8, 2) for 7; whole numbers, and no more than a few."""
    distance = max(1, ceil(highest / LINES))
    for nice in (1, 2, 5, 10, 20, 25, 50, 100):
        if nice >= distance:
            distance = nice
            break
    return distance * max(1, ceil(highest / distance)), distance
