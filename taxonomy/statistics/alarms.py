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
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Generic, NamedTuple, TypeVar

from taxonomy.statistics.intervals import Interval
from taxonomy.statistics.paired import difference, mcnemar
from taxonomy.statistics.power import LEVEL, pairs_needed, smallest_difference

Key = TypeVar("Key", bound=Hashable)

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


@dataclass(frozen=True, slots=True)
class Judged(Generic[Key]):
    """What is said of one mode, or of the total (key None)."""

    key: Key | None
    counts: PairCounts
    p: float
    adjusted: float
    """``p`` after Holm's correction; as it is for critical modes and the total."""
    answer: Answer
    is_critical: bool
    level: float
    """At which a later set of pairs would have to show it: the first step of Holm's, so the strictest."""

    @property
    def difference(self) -> Interval | None:
        """Second minus first; above 0 is worse. None without pairs."""
        return difference(*self.counts)

    @property
    def needed(self) -> int | None:
        """Where it cannot be told: how many pairs would show, in 80 % of the cases and at ``level``, the rise that was
        seen, or one of 2 points where none was. None where it can be told."""
        return needed_of(self.counts, self.level) if self.answer == Answer.CANNOT_TELL else None

    @property
    def shows(self) -> float | None:
        """The smallest rise, 0 to 1, that as many pairs as there are would have shown; None: too few for any."""
        n = self.counts.n
        return smallest_difference(n, self.counts.discordant / n, self.level) if n else None


@dataclass(frozen=True)
class Judgement(Generic[Key]):
    """What is said of all modes, in the order in which they were handed over."""

    total: Judged[Key]
    modes: tuple[Judged[Key], ...]

    @property
    def is_total_worse(self) -> bool:
        return self.total.answer == Answer.WORSE

    @cached_property
    def worse(self) -> tuple[Judged[Key], ...]:
        """All modes shown to be worse, critical ones among them."""
        return tuple(mode for mode in self.modes if mode.answer == Answer.WORSE)

    @property
    def hidden(self) -> tuple[Judged[Key], ...]:
        """The hidden regressions: shown to be worse, and the total is not."""
        return () if self.is_total_worse else self.worse

    @cached_property
    def critical(self) -> tuple[Judged[Key], ...]:
        """Critical modes shown to be worse."""
        return tuple(mode for mode in self.worse if mode.is_critical)

    @cached_property
    def newly_critical(self) -> tuple[Judged[Key], ...]:
        """Critical modes that the candidate has on examples on which the baseline has not, shown to be worse or not."""
        return tuple(mode for mode in self.modes if mode.is_critical and mode.counts.second_only)

    @cached_property
    def cannot_tell(self) -> tuple[Judged[Key], ...]:
        return tuple(mode for mode in self.modes if mode.answer == Answer.CANNOT_TELL)


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


def judge_modes(
    total: PairCounts, modes: Mapping[Key, PairCounts], critical: Collection[Key] = (), level: float = LEVEL
) -> Judgement[Key]:
    """Hold each mode of the second candidate against the first, the baseline; see the top of this module.

    ``total``: pairs by whether the output failed at all. ``modes``: error types; those that are counted in ``critical``
    are tested alone. Modes may overlap, and a mode may have other pairs than the total (another source).
    """
    ps = {key: mcnemar(counts.first_only, counts.second_only) for key, counts in modes.items()}
    corrected = [key for key in modes if key not in critical and modes[key].discordant]
    adjusted = ps | dict(zip(corrected, holm([ps[key] for key in corrected]), strict=True))
    of_family = level / max(len(corrected), 1)
    judged = tuple(
        Judged(
            key,
            counts,
            ps[key],
            adjusted[key],
            answer_of(counts, adjusted[key], level),
            key in critical,
            level if key in critical else of_family,
        )
        for key, counts in modes.items()
    )
    alone = mcnemar(total.first_only, total.second_only)
    return Judgement(Judged(None, total, alone, alone, answer_of(total, alone, level), False, level), judged)


def answer_of(counts: PairCounts, p: float, level: float) -> Answer:
    if p > level or counts.first_only == counts.second_only:
        return Answer.CANNOT_TELL
    return Answer.WORSE if counts.second_only > counts.first_only else Answer.BETTER


def needed_of(counts: PairCounts, level: float) -> int:
    """More than there are: what they could show, they would have shown."""
    rise = (counts.second_only - counts.first_only) / counts.n if counts.n else 0.0
    discordant = counts.discordant / counts.n if counts.n else NOTABLE
    return max(pairs_needed(rise if rise > 0 else NOTABLE, discordant, level), counts.n + 1)
