"""Differences drawn as points with their intervals around zero. Pure: shares in, places in percent of the width out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evalhub.web.charts import SCALES
from taxonomy.statistics.intervals import Interval


@dataclass(frozen=True, slots=True)
class ForestMark:
    """Where the point and the ends of its interval lie, in percent of the width; zero is at 50."""

    place: float
    low: float
    high: float

    @property
    def width(self) -> float:
        return round(self.high - self.low, 2)


@dataclass(frozen=True, slots=True)
class ForestLine:
    """A line of the scale, with what is written at it: percentage points with a sign."""

    place: float
    share: float

    @property
    def text(self) -> str:
        return f"{self.share * 100:+.3g}".replace("-", "−") if self.share else "0"


@dataclass(frozen=True, slots=True)
class Forest:
    """The scale that all marks share: from -reach to reach, with its lines."""

    reach: float
    lines: Sequence[ForestLine]

    def mark(self, difference: Interval) -> ForestMark:
        return ForestMark(*(place(share, self.reach) for share in (difference.value, difference.low, difference.high)))


def forest_of(differences: Iterable[Interval]) -> Forest:
    """A scale on which all intervals end within the drawing; without any, from -10 to 10 points."""
    reach = max((max(abs(each.low), abs(each.high)) for each in differences), default=0.1)
    end = next((end for end, _ in SCALES if end >= reach), 1.0)
    return Forest(end, [ForestLine(place(share, end), share) for share in (-end, 0.0, end)])


def place(share: float, reach: float) -> float:
    return round(min(100.0, max(0.0, 50 + 50 * share / reach)), 2)


def mirrored(difference: Interval) -> Interval:
    """Of the share that is right, where it was of the share that failed."""
    return Interval(-difference.value, -difference.high, -difference.low)
