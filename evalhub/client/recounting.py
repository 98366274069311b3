"""The counts of a report made anew from rows, without the server's code that counts: what is the same is so twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from evalhub.client.exported import Place, RunRows
from taxonomy.tree import Tree

PEOPLE, CHECK = "people", "check"
SKIPPED = "skipped"
RANKS = ("minor", "major", "critical")
Found = Mapping[str, Any]


class Looked(NamedTuple):
    """In which outputs of a run somebody looked for something, and in which of these it is."""

    at: frozenset[Place]
    has: frozenset[Place]


@dataclass(frozen=True)
class Pairs:
    """Two runs held against each other, output by output and example by example.

    ``means``: example -> (share of its repeats in the first run, in the second, how many repeats in each).
    """

    both: int
    first_only: int
    second_only: int
    neither: int
    alone: tuple[int, int]
    means: Mapping[str, tuple[float, float, int, int]] = field(repr=False)

    @property
    def n(self) -> int:
        return self.both + self.first_only + self.second_only + self.neither


def paired(first: Looked, second: Looked) -> Pairs:
    common = first.at & second.at
    one, two = first.has & common, second.has & common
    repeats: dict[str, tuple[list[bool], list[bool]]] = defaultdict(lambda: ([], []))
    for number, looked in enumerate((first, second)):
        for place in looked.at:
            repeats[place[0]][number].append(place in looked.has)
    means = {
        example: (sum(ones) / len(ones), sum(twos) / len(twos), len(ones), len(twos))
        for example, (ones, twos) in repeats.items()
        if ones and twos
    }
    return Pairs(
        len(one & two),
        len(one - two),
        len(two - one),
        len(common - one - two),
        (len(first.at - second.at), len(second.at - first.at)),
        means,
    )


class Recount:
    """What the rows say, by the version of the taxonomy that the report names, and its meanings of checks."""

    def __init__(self, basis: Found, runs: Mapping[int, RunRows]) -> None:
        self.runs = runs
        self.tree = Tree(basis["taxonomy"]["version"], basis["taxonomy"]["tree"])
        self.keys = {each.code: each.pk for each in self.tree.types.values()}
        self.checks = frozenset(check["check"] for check in basis["checks"])
        self.meant: dict[tuple[int | None, bool], set[int]] = defaultdict(set)
        for check in basis["checks"]:
            for meaning in check["meanings"]:
                for row in self.rows_of(meaning["error_type"]):
                    self.meant[row].add(check["check"])
        self.all_meant = {check["check"] for check in basis["checks"] if check["meanings"]}

    def rows_of(self, error_type: int | None) -> list[tuple[int | None, bool]]:
        """(row, own) in which a finding counts: its own row twice, then all above; unknown ones have a row apart."""
        rows = [] if error_type is None else self.tree.counts_in(error_type)
        return [(rows[0], True), *((row, False) for row in rows)] if rows else [(None, True), (None, False)]

    def rows_of_codes(self, codes: Iterable[str]) -> set[tuple[int | None, bool]]:
        return {row for code in codes for row in self.rows_of(self.keys.get(code))}

    def failed_by_people(self, run: int) -> Looked:
        verdicts = {place: each for place, each in self.runs[run].verdicts.items() if each.source == PEOPLE}
        return Looked(frozenset(verdicts), frozenset(p for p, each in verdicts.items() if each.outcome == "fail"))

    def mode(self, run: int, error_type: int | None, source: str, own: bool) -> Looked | None:
        """None where the scores are missing that say what checks looked at."""
        verdicts = self.runs[run].verdicts
        if source == PEOPLE:
            at = self.failed_by_people(run).at
            codes: Callable[[Place], Iterable[str]] = lambda place: verdicts[place].people  # noqa: E731 -- one line
        else:
            looked = self.judged_by(run, self.meant[error_type, own])
            if looked is None:
                return None
            at = looked
            codes = lambda place: verdicts[place].checks if place in verdicts else ()  # noqa: E731 -- one line
        return Looked(at, frozenset(p for p in at if (error_type, own) in self.rows_of_codes(codes(p))))

    def judged_by(self, run: int, checks: Iterable[int]) -> frozenset[Place] | None:
        """The outputs that at least one of the checks passed or failed."""
        rows, wanted = self.runs[run], set(checks)
        if wanted and not rows.has_scores:
            return None
        return frozenset(
            place for place, said in rows.scores.items() if any(said.get(check, SKIPPED) != SKIPPED for check in wanted)
        )

    def by_check(self, run: int, check: int) -> Looked | None:
        at = self.judged_by(run, [check])
        if at is None:
            return None
        return Looked(at, frozenset(place for place in at if self.runs[run].scores[place][check] == "failed"))

    def found_by_checks(self, run: int) -> Looked | None:
        """Of what checks judged that mean an error type, where they found one."""
        at = self.judged_by(run, self.all_meant)
        if at is None:
            return None
        verdicts = self.runs[run].verdicts
        return Looked(at, frozenset(place for place in at if place in verdicts and verdicts[place].checks))

    def wrong_by_checks(self, run: int) -> Looked | None:
        """Wrong: failed a check, or there is no answer. Not counted: not scored by all yet, or judged by none."""
        rows = self.runs[run]
        if not (rows.has_scores and rows.has_outputs) or not self.checks:
            return None
        wrong, right = set(rows.unanswered), set[Place]()
        for place in rows.outputs - rows.unanswered:
            said = [rows.scores.get(place, {}).get(check) for check in self.checks]
            if None not in said and set(said) != {SKIPPED}:
                (wrong if "failed" in said else right).add(place)
        return Looked(frozenset(wrong | right), frozenset(wrong))

    def worst(self, run: int) -> dict[str, int]:
        """Severity of the worst error type that people said -> outputs that they failed; "" where none is known."""
        counts: dict[str, int] = defaultdict(int)
        for verdict in self.runs[run].verdicts.values():
            if verdict.source == PEOPLE and verdict.outcome == "fail":
                rows = [self.tree.resolve(self.keys[code]) for code in verdict.people if code in self.keys]
                known = [self.tree.types[row].severity for row in rows if row is not None]
                counts[max(known, key=RANKS.index, default="")] += 1
        return dict(counts)

    def chances(self, run: int, looked: Looked) -> dict[float | None, tuple[int, int]]:
        """Chance of being chosen for review -> (outputs that people settled, those of them that have it)."""
        found: dict[float | None, tuple[int, int]] = {}
        for place in looked.at:
            chance = self.runs[run].verdicts[place].probability
            n, count = found.get(chance, (0, 0))
            found[chance] = (n + 1, count + (place in looked.has))
        return found
