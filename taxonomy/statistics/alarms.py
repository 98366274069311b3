"""Which failure modes of a candidate are shown to be worse than the baseline's, though the average hides it.

**What is tested.** For each mode the exact McNemar test on the pairs in which one of the two has it, two-sided; an
alarm needs a difference towards worse. Holm's correction goes over all modes that are not critical and in which the
two differ at all: where no pair is discordant nothing can be shown at any level, and the tests hold given how many
pairs are (R. Tarone, A modified Bonferroni method for discrete data, 1990). Critical ones are tested alone at the
level: a false alarm costs less there than a missed one.

**What is promised.** In a world without regression, that is, where no mode is likelier in the candidate than in the
baseline, however the modes hang together with each other and the two candidates' errors on the same example, some mode
that is not critical is called worse in at most 5 % of the cases: Holm holds that for both directions together, so
that towards worse it is about half, 2.5 %, and each critical mode adds at most 2.5 %. With one critical mode it is
therefore at most 5 % together. It holds for pairs that are independent of each other.

**“The total is not worse”** means that the total is not *shown* to be worse by the same test alone at the level: then
whoever reads only the total sees no reason to stop.

**What is not said.** A mode that is neither shown to be worse nor shown to be better is one of which nothing can be
told; never that there is no regression.

The rules are carried out by ``taxonomy.comparison.figures.judged``.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from taxonomy.statistics.power import pairs_needed

NOTABLE = 0.02
"""The rise that is planned for where none was seen: 2 percentage points."""


class PairCounts(NamedTuple):
    """How many examples have the error with both candidates, with the first alone, the second alone, with neither."""

    both: int
    first_only: int
    second_only: int
    neither: int

    @property
    def n(self) -> int:
        return sum(self)

    @property
    def first(self) -> int:
        return self.both + self.first_only

    @property
    def second(self) -> int:
        return self.both + self.second_only

    @property
    def discordant(self) -> int:
        return self.first_only + self.second_only


class Answer(StrEnum):
    """What the pairs show of the second candidate."""

    WORSE = "worse"
    BETTER = "better"
    CANNOT_TELL = "cannot_tell"


def holm(ps: Sequence[float]) -> list[float]:
    """The p-values after Holm's correction (1979), each at most 1, in the order given."""
    adjusted, highest = [0.0] * len(ps), 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[place]))
        adjusted[place] = highest
    return adjusted


def benjamini_hochberg(ps: Sequence[float]) -> list[float]:
    """The p-values adjusted so that, of those at most 5 %, 5 % are false on average (Benjamini and Hochberg 1995)."""
    adjusted, lowest = [0.0] * len(ps), 1.0
    ranked = sorted(range(len(ps)), key=ps.__getitem__)
    for rank, place in reversed(list(enumerate(ranked, start=1))):
        lowest = min(lowest, len(ps) / rank * ps[place])
        adjusted[place] = lowest
    return adjusted


def needed_of(counts: PairCounts, level: float) -> int | None:
    """How many pairs would show, in 80 % of the cases at ``level``, the rise that was seen; without one, of 2 points.

    More than there are: what they could show, they would have shown. None: no rise was seen, and there are enough pairs
    that one of 2 points would have been.
    """
    rise = (counts.second_only - counts.first_only) / counts.n if counts.n else 0.0
    discordant = counts.discordant / counts.n if counts.n else NOTABLE
    needed = pairs_needed(rise if rise > 0 else NOTABLE, discordant, level)
    return max(needed, counts.n + 1) if rise > 0 else needed if needed > counts.n else None
