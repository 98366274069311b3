"""What a comparison comes to, in sentences that lead to the outputs they count. Pure: figures in, words out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from evalhub.runs.models import Run
from evalhub.web.templatetags.ui import number, percent
from taxonomy.comparison.changes import Change
from taxonomy.comparison.figures import Figure, critical_of
from taxonomy.models import Source
from taxonomy.statistics.alarms import NOTABLE
from taxonomy.statistics.alarms import Answer as Standing

FOUND_BY = {Source.PEOPLE: "found by people", Source.CHECK: "found by checks"}
CHANCE = "The difference may be chance."
WOULD_HAVE_SHOWN = f"a rise of {100 * NOTABLE:.1f} points would have shown"


@dataclass(frozen=True)
class Part:
    """Words of a sentence; with ``query``, a link to the pairs of outputs that they count."""

    text: str
    query: Mapping[str, str | int] = field(default_factory=dict)
    count: int | None = None
    """How many pairs the link opens."""

    @property
    def query_string(self) -> str:
        return urlencode(self.query)


@dataclass(frozen=True)
class Headline:
    """One sentence. ``kind``: “regression” (of which ``is_hidden`` by a total), “critical”, “total”, “improvement”,
    “cannot_tell” or “nothing”; ``figure``: the key of the figure that it is about."""

    kind: str
    parts: tuple[Part, ...]
    figure: str = ""
    is_hidden: bool = False

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts)

    def as_json(self) -> dict[str, Any]:
        return {
            "figure": self.figure,
            "hidden": self.is_hidden,
            "kind": self.kind,
            "links": [{"count": part.count, "query": part.query_string} for part in self.parts if part.query],
            "text": self.text,
        }


def headlines_of(
    totals: Sequence[Figure], tested: Sequence[Figure], first: Run, second: Run, as_of: int
) -> tuple[Headline, ...]:
    """Hidden regressions first, then other ones, new critical failures, totals, what became better, what is unknown."""
    words = Words(totals, first, second, as_of)
    worse = sorted((m for m in tested if m.standing == Standing.WORSE), key=lambda m: (m.adjusted, -m.more))
    better = sorted((m for m in tested if m.standing == Standing.BETTER), key=lambda m: (m.adjusted, m.more))
    unknown = [m for m in tested if m.standing == Standing.CANNOT_TELL]
    regressions = [words.regression(mode) for mode in worse]
    found = [
        *sorted(regressions, key=lambda headline: not headline.is_hidden),
        *(words.new_critical(mode) for mode in critical_of(tested) if mode.standing != Standing.WORSE),
        *(words.total(total) for total in totals if total.n and total.subject.kind != "check"),
        *(words.improvement(mode) for mode in better),
        *words.unknown(unknown),
    ]
    return tuple(found) or (words.nothing(),)


@dataclass(frozen=True)
class Words:
    """The sentences of one comparison. “More” is always what the second run has more than the first."""

    totals: Sequence[Figure]
    first: Run
    second: Run
    as_of: int

    def pairs(self, text: str, figure: Figure, change: Change) -> Part:
        if not (count := count_of(figure, change)):
            return Part(text)
        return Part(text, query_of(self.first.pk, self.second.pk, self.as_of, figure, change), count)

    def regression(self, mode: Figure) -> Headline:
        behind, is_hidden = self.behind(mode)
        start = [Part(f"{overall(behind)}, {'but' if is_hidden else 'and'} ")] if behind else []
        critical = [Part("critical: " if start else "Critical: ")] if mode.subject.is_critical else []
        parts = (*start, *critical, Part(f"{named(mode)} rose {moved(mode)}: "), *self.change(mode), Part(tested(mode)))
        return Headline("regression", parts, mode.subject.key, is_hidden)

    def behind(self, mode: Figure) -> tuple[Figure | None, bool]:
        """The total that hides the mode: by people or by all checks, who found the mode first; else the one check that
        rose most.

        Hidden is what no reader of that total alone would look for: the total is not shown to be worse. Where all are
        shown to be worse, the first of them, which hides nothing.
        """
        counted = [total for total in self.totals if total.n]
        main = [total for total in counted if total.subject.kind != "check"]
        main.sort(key=lambda total: total.subject.source != mode.subject.source)
        single = sorted((t for t in counted if t.subject.kind == "check"), key=rise)
        for total in (*main, *(each for each in single if rise(each) < 0)):
            if total.standing != Standing.WORSE:
                return total, True
        return (main[0] if main else None), False

    def change(self, mode: Figure) -> Iterator[Part]:
        """“24 outputs more”; where some have it no longer, also how many are new and gone, each a link."""
        more = f"{outputs(abs(mode.more))} {'more' if mode.more > 0 else 'fewer'}"
        new, gone = mode.counts.second_only, mode.counts.first_only
        if not (new and gone):
            yield self.pairs(more, mode, Change.BROKEN if new else Change.FIXED)
            return
        yield Part(f"{more} (")
        yield self.pairs(f"{number(new)} new", mode, Change.BROKEN)
        yield Part(", ")
        yield self.pairs(f"{number(gone)} gone", mode, Change.FIXED)
        yield Part(")")

    def new_critical(self, mode: Figure) -> Headline:
        new, n = mode.counts.second_only, number(mode.n)
        parts = (
            Part(f"Critical: {named(mode)} on "),
            self.pairs(f"{outputs(new)} of {self.second.candidate.name}", mode, Change.BROKEN),
            Part(
                f" where {self.first.candidate.name} does not have it ({number(mode.counts.second)} of {n} against"
                f" {number(mode.counts.first)} of {n}). Whether it became more frequent cannot be told"
                f"{tested(mode, start=': ')}"
            ),
        )
        return Headline("critical", parts, mode.subject.key)

    def total(self, total: Figure) -> Headline:
        assert total.difference is not None
        interval = f"{points(-total.difference.high)} to {points(-total.difference.low)}"
        chance = f" {CHANCE}" if total.standing == Standing.CANNOT_TELL and total.difference.value else ""
        parts = [
            Part(f"{overall(total)}: {points(-total.difference.value)} points (95 % interval {interval}), "),
            self.pairs(f"{number(total.counts.first_only)} fixed", total, Change.FIXED),
            Part(" and "),
            self.pairs(f"{number(total.counts.second_only)} broken", total, Change.BROKEN),
            Part(f" of {number(total.n)} pairs, {p_text(total.p)}.{chance}"),
        ]
        return Headline("total", tuple(parts), total.subject.key)

    def improvement(self, mode: Figure) -> Headline:
        critical = "Critical: " if mode.subject.is_critical else ""
        parts = (Part(f"{critical}{named(mode)} fell {moved(mode)}: "), *self.change(mode), Part(tested(mode)))
        return Headline("improvement", parts, mode.subject.key)

    def unknown(self, modes: Sequence[Figure]) -> Iterator[Headline]:
        if not modes:
            return
        what = f"{number(len(modes))} failure mode{'' if len(modes) == 1 else 's'}"
        nearest = min(modes, key=lambda mode: (mode.needed is None, mode.needed or 0, mode.subject.key))
        text = (
            f"Cannot tell for {what} whether {'it' if len(modes) == 1 else 'they'} became more or less frequent: "
            f"{need_text(nearest) if nearest.needed else f'{WOULD_HAVE_SHOWN}.'}"
        )
        yield Headline("cannot_tell", (Part(text),), nearest.subject.key)

    def nothing(self) -> Headline:
        text = (
            "Nothing can be compared yet: people settled no pair of outputs of these two runs, and no active check"
            " judged one. Review both runs in one round, or add a check to the eval set."
        )
        return Headline("nothing", (Part(text),))


def need_text(mode: Figure) -> str:
    """“with 300 pairs ... would take about 2 100.”: what it would take to tell."""
    assert mode.difference is not None
    seen = mode.difference.value
    what = f"a rise of {points_alone(seen)} points, as seen," if seen > 0 else f"one of {points_alone(NOTABLE)} points"
    unit = "pairs" if mode.clusters is None and mode.examples == mode.n else "examples"
    have = mode.n if unit == "pairs" else mode.examples
    return f"to show {what} in {named(mode)} would take about {number(mode.needed)} {unit}; there are {number(have)}."


def overall(total: Figure) -> str:
    """“Better overall, by people (72.0 % right against 70.0 %, 360 against 350 of 500)”."""
    assert total.first is not None and total.second is not None
    by = f"by the check “{total.subject.name}”" if total.subject.kind == "check" else f"overall, {by_whom(total)}"
    one, two = number(total.n - total.counts.first), number(total.n - total.counts.second)
    if rise(total) == 0:
        return f"Equal {by} ({percent(1 - total.first)} right in both, {one} of {number(total.n)})"
    how = "Better" if rise(total) < 0 else "Worse" if total.standing == Standing.WORSE else "Not shown to be worse"
    shares = f"{percent(1 - total.second)} right against {percent(1 - total.first)}"
    return f"{how} {by} ({shares}, {two} against {one} of {number(total.n)})"


def by_whom(total: Figure) -> str:
    return "by people" if total.subject.kind == "people" else "by the checks"


def rise(figure: Figure) -> float:
    return figure.difference.value if figure.difference else 0.0


def named(mode: Figure) -> str:
    return f"“{mode.subject.name}” ({FOUND_BY[Source(mode.subject.source)]})"


def moved(mode: Figure) -> str:
    return f"from {percent(mode.first)} to {percent(mode.second)}"


def tested(mode: Figure, start: str = ", ") -> str:
    how = "tested alone" if mode.subject.is_critical else "after correction"
    return f"{start}{p_text(mode.adjusted)} {how}."


def outputs(count: int) -> str:
    return f"{number(count)} output{'' if count == 1 else 's'}"


def points(share: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    return f"{share * 100:+.1f}".replace("-", "−").replace("+0.0", "0.0").replace("−0.0", "0.0")


def points_alone(share: float) -> str:
    return f"{share * 100:.1f}"


def p_text(p: float) -> str:
    if p < 0.0001:
        return "p < 0.0001"
    return f"p = {p:.4f}" if p < 0.01 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def query_of(first: int, second: int, as_of: int, figure: Figure, change: Change) -> dict[str, str | int]:
    """Of the comparison's page: the pairs that count. Runs by key; ``as_of`` says what counts as a mode."""
    of_mode = {} if figure.subject.is_total else {"as_of": as_of}
    return {"first": first, "second": second, "figure": figure.subject.key, **of_mode, "change": str(change)}


def count_of(figure: Figure, change: Change) -> int:
    counts = figure.counts
    return {
        Change.BROKEN: counts.second_only,
        Change.FIXED: counts.first_only,
        Change.BOTH_WRONG: counts.both,
        Change.BOTH_RIGHT: counts.neither,
    }[change]
