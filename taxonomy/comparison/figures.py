"""One figure in two runs on the same examples: shares, difference, interval, p. Pure: counts in, figures out.

Everywhere “has it” means has the error: of a total that the output failed. So a difference above 0 is worse.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from statistics import NormalDist
from typing import Any

from taxonomy.comparison.counting import Key, Scoped, Tally
from taxonomy.comparison.robust import robust_difference
from taxonomy.statistics.alarms import NOTABLE, PairCounts, holm, needed_of
from taxonomy.statistics.alarms import Answer as Standing
from taxonomy.statistics.intervals import Interval
from taxonomy.statistics.paired import difference, mcnemar
from taxonomy.statistics.power import LEVEL, POWER, smallest_difference
from taxonomy.tree import TreeType

DIGITS = 9  # of what is written as JSON: the last ones of a float are another machine's
FEW_CLUSTERS = 10


@dataclass(frozen=True, slots=True)
class Subject:
    """What a figure is of: a total by people or by the checks, one check, or a mode (error type and source).

    ``severity`` is that of the error type; ``error_type`` None in a mode: types that this version does not know.
    ``is_own``: findings of the type itself, without those below it.
    """

    kind: str
    """“people”, “checks”, “check” or “mode”."""
    name: str
    source: str
    check: int | None = None
    error_type: int | None = None
    severity: str = ""
    depth: int = 0
    is_own: bool = False
    is_retired: bool = False

    @property
    def key(self) -> str:
        """Its name in addresses and files."""
        if self.kind == "mode":
            return f"{self.error_type or 'unknown'}-{self.source}{'-own' if self.is_own else ''}"
        return f"check-{self.check}" if self.check else self.kind

    @property
    def is_total(self) -> bool:
        return self.kind != "mode"

    @property
    def is_critical(self) -> bool:
        return self.severity == "critical"

    @classmethod
    def of_type(cls, each: TreeType, source: str, depth: int, is_own: bool = False) -> Subject:
        return cls(
            "mode",
            each.name,
            source,
            error_type=each.pk,
            severity=each.severity,
            depth=depth,
            is_own=is_own,
            is_retired=each.is_retired,
        )


@dataclass(frozen=True, slots=True)
class Figure:
    """A subject in both runs. ``counts`` are pairs of outputs; shares are 0 to 1, None where nothing was paired.

    With repeats or clusters the shares are means over examples of the means over their repeats, and the difference is
    tested over clusters or examples. ``clusters``: how many there are, where examples share some.
    """

    subject: Subject
    counts: PairCounts
    examples: int
    alone: tuple[int, int]
    first: float | None
    second: float | None
    difference: Interval | None
    p: float
    adjusted: float
    standing: Standing
    needed: int | None = None
    """Where it cannot be told: how many pairs (or examples) would show the rise that was seen, or one of 2 points; None
    where no rise was seen and one of 2 points would have been."""
    shows: float | None = None
    """The smallest rise that so many pairs show in 80 % of the cases; None: they are too few for any."""
    clusters: int | None = None
    is_twin: bool = False
    """Whether a mode below it has the same pairs, so that it says nothing that is not said there."""

    @property
    def n(self) -> int:
        return self.counts.n

    @property
    def differs(self) -> bool:
        """Whether any pair, or any example's rate, is not the same in both runs."""
        return bool(self.counts.discordant or self.p < 1)

    @property
    def is_tested(self) -> bool:
        """Whether it says anything of its own of what became worse or better."""
        return bool(self.n) and not self.subject.is_own and not self.is_twin

    @property
    def more(self) -> int:
        """So many more outputs of the second have it; below 0: fewer."""
        return self.counts.second_only - self.counts.first_only

    @property
    def has_few_clusters(self) -> bool:
        return self.clusters is not None and self.clusters < FEW_CLUSTERS

    def as_json(self) -> dict[str, Any]:
        subject = self.subject
        return {
            "adjusted_p": rounded(self.adjusted),
            "alone": list(self.alone),
            "both": self.counts.both,
            "check": subject.check,
            "clusters": self.clusters,
            "depth": subject.depth,
            "difference": rounded(self.difference.value) if self.difference else None,
            "error_type": subject.error_type,
            "examples": self.examples,
            "first": rounded(self.first),
            "first_only": self.counts.first_only,
            "high": rounded(self.difference.high) if self.difference else None,
            "key": subject.key,
            "low": rounded(self.difference.low) if self.difference else None,
            "name": subject.name,
            "needed": self.needed,
            "neither": self.counts.neither,
            "own": subject.is_own,
            "p": rounded(self.p),
            "pairs": self.n,
            "second": rounded(self.second),
            "second_only": self.counts.second_only,
            "severity": subject.severity,
            "shows": rounded(self.shows),
            "source": subject.source,
            "standing": str(self.standing),
            "tested": self.is_tested,
        }


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS) + 0.0  # no -0.0


def figure_of(subject: Subject, scoped: Scoped, tally: Tally, over_examples: bool) -> Figure:
    """The figure, not yet judged. ``over_examples``: repeats or clusters, so that outputs are not independent."""
    seen = tally.both + tally.first_only + tally.second_only
    counts = PairCounts(tally.both, tally.first_only, tally.second_only, scoped.pairs - seen)
    n = scoped.examples if over_examples else counts.n
    clusters = None
    if not n:
        p, found, first, second = 1.0, None, None, None
    elif over_examples:
        robust = robust_difference(tally.examples, scoped.sizes)
        found, p, first, second = robust.interval, robust.p, robust.first, robust.second
        clusters = robust.units if any(cluster for cluster, _ in scoped.sizes) else None
    else:
        found, p = difference(*counts), mcnemar(counts.first_only, counts.second_only)
        first, second = counts.first / n, counts.second / n
    return Figure(
        subject,
        counts,
        scoped.examples,
        (scoped.alone[0], scoped.alone[1]),
        first,
        second,
        found,
        p,
        p,
        Standing.CANNOT_TELL,
        clusters=clusters,
    )


def judged(figures: Sequence[Figure]) -> list[Figure]:
    """Each with its p after correction, and what is shown, by the rules of ``taxonomy.statistics.alarms``.

    Of modes that are the same as one below them only that one is corrected for; critical modes and totals are tested
    alone; what a type has without those below it (``is_own``) is not tested.
    """
    twins = twins_in(figures)
    family = [f for f in figures if f.differs and not is_alone(f.subject) and f.subject not in twins]
    adjusted = dict(zip((f.subject for f in family), holm([f.p for f in family]), strict=True))
    planned = LEVEL / max(len(family), 1)
    return [
        judge(
            figure,
            adjusted.get(twins.get(figure.subject, figure.subject), figure.p),
            LEVEL if is_alone(figure.subject) else planned,
            figure.subject in twins,
        )
        for figure in figures
    ]


def is_alone(subject: Subject) -> bool:
    return subject.is_total or subject.is_critical or subject.is_own


def twins_in(figures: Sequence[Figure]) -> dict[Subject, Subject]:
    """Modes whose pairs are the same as those of a mode below them, which is then the one that is tested.

    In tree order, modes below another follow it and are deeper. A type's pairs hold those of every type below it, so
    that equal numbers are the same pairs.
    """
    twins: dict[Subject, Subject] = {}
    for source in {figure.subject.source for figure in figures}:
        modes = [f for f in figures if f.subject.source == source and not is_alone(f.subject)]
        for place, figure in enumerate(modes):
            for other in modes[place + 1 :]:
                if other.subject.depth <= figure.subject.depth:
                    break
                if figure.n and (other.counts, other.examples) == (figure.counts, figure.examples):
                    twins[figure.subject] = other.subject  # the last one is the deepest
    return twins


def judge(figure: Figure, adjusted: float, planned: float, is_twin: bool) -> Figure:
    if figure.subject.is_own:
        return figure
    standing = standing_of(figure, adjusted)
    needed = needed_for(figure, planned) if standing == Standing.CANNOT_TELL and figure.n else None
    shows = smallest_difference(figure.n, figure.counts.discordant / figure.n, planned) if figure.n else None
    return replace(figure, adjusted=adjusted, standing=standing, needed=needed, shows=shows, is_twin=is_twin)


def standing_of(figure: Figure, adjusted: float) -> Standing:
    if figure.difference is None or adjusted > LEVEL or not figure.difference.value:
        return Standing.CANNOT_TELL
    return Standing.WORSE if figure.difference.value > 0 else Standing.BETTER


def needed_for(figure: Figure, level: float) -> int | None:
    """How many pairs (examples, where they have repeats or share clusters) would show the rise; see ``Figure.needed``.

    Where outputs are not independent, from the standard error that the interval says there is, which falls with the
    root of the number of examples.
    """
    assert figure.difference is not None
    if figure.clusters is None and figure.examples == figure.n:
        return needed_of(figure.counts, level)
    normal = NormalDist()
    error = (figure.difference.high - figure.difference.low) / 2 / normal.inv_cdf(1 - LEVEL / 2)
    rise = figure.difference.value
    factor = (normal.inv_cdf(1 - level / 2) + normal.inv_cdf(POWER)) * error / (rise if rise > 0 else NOTABLE)
    needed = ceil(figure.examples * factor**2)
    return max(needed, figure.examples + 1) if rise > 0 else needed if needed > figure.examples else None


def scoped_of(scopes: Mapping[Key, Scoped], scope: Key) -> Scoped:
    return scopes.get(scope) or Scoped()


def critical_of(figures: Collection[Figure]) -> list[Figure]:
    """Critical modes that the second has where the first has not: shown to be more often, or a single one."""
    return [figure for figure in figures if figure.subject.is_critical and figure.counts.second_only]
