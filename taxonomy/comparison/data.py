"""A candidate against a baseline, paired on the same examples: every figure that the page and the report show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from evalhub.checks.models import Check
from evalhub.errors import EvalHubError
from evalhub.runs.models import Run
from taxonomy.comparison.answers import Answers, Facts, answers_of
from taxonomy.comparison.caveats import caveats_of
from taxonomy.comparison.counting import Counted, Key, Said, Scope, Tally, count_pairs
from taxonomy.comparison.figures import Figure, Subject, critical_of, figure_of, judged, scoped_of
from taxonomy.comparison.wording import Headline, headlines_of
from taxonomy.models import CheckMeaning, Source, Verdict
from taxonomy.statistics.alarms import Answer as Standing
from taxonomy.tree import Tree

UNKNOWN = "Not in this version"


class ComparisonError(EvalHubError):
    """These two runs cannot be compared."""


@dataclass(frozen=True)
class Comparison:
    """``first`` is the baseline, ``second`` the candidate that might replace it. Both ran over the same version.

    ``totals``: by people, by the checks, then each check. ``modes``: in the order of the tree, people before checks,
    a type's own findings behind it where there are types below.
    """

    first: Run
    second: Run
    tree: Tree
    totals: tuple[Figure, ...]
    modes: tuple[Figure, ...]
    caveats: tuple[str, ...] = ()

    @cached_property
    def regressions(self) -> tuple[Figure, ...]:
        """Modes shown to be worse, the surest first; not those that only repeat a mode below them."""
        worse = [mode for mode in self.tested if mode.standing == Standing.WORSE]
        return tuple(sorted(worse, key=lambda mode: (mode.adjusted, -mode.more)))

    @cached_property
    def improvements(self) -> tuple[Figure, ...]:
        better = [mode for mode in self.tested if mode.standing == Standing.BETTER]
        return tuple(sorted(better, key=lambda mode: (mode.adjusted, mode.more)))

    @cached_property
    def critical(self) -> tuple[Figure, ...]:
        """Critical modes that the second has on outputs on which the first has not, shown to be more often or not."""
        return tuple(critical_of(self.tested))

    @cached_property
    def cannot_tell(self) -> tuple[Figure, ...]:
        """Modes of which the pairs show neither that they became worse nor that they became better."""
        return tuple(mode for mode in self.tested if mode.standing == Standing.CANNOT_TELL)

    @cached_property
    def tested(self) -> tuple[Figure, ...]:
        """The modes that were tested: with pairs, rolled up, and not the same as one below them."""
        return tuple(m for m in self.modes if m.n and not m.subject.is_own and not m.is_twin)

    @cached_property
    def headlines(self) -> tuple[Headline, ...]:
        return headlines_of(self.totals, self.tested, self.first, self.second, self.tree.number)

    def figure(self, key: str) -> Figure | None:
        """By the key of its subject."""
        return next((figure for figure in (*self.totals, *self.modes) if figure.subject.key == key), None)

    def as_json(self) -> dict[str, Any]:
        """All figures, in the order of their names; written out, always the same bytes."""
        return {
            "baseline": run_as_json(self.first),
            "candidate": run_as_json(self.second),
            "cannot_tell": [mode.subject.key for mode in self.cannot_tell],
            "caveats": list(self.caveats),
            "critical": [mode.subject.key for mode in self.critical],
            "headlines": [headline.as_json() for headline in self.headlines],
            "modes": [mode.as_json() for mode in self.modes],
            "regressions": [mode.subject.key for mode in self.regressions],
            "taxonomy_version": self.tree.number,
            "totals": [total.as_json() for total in self.totals],
        }


def run_as_json(run: Run) -> dict[str, Any]:
    return {
        "candidate": run.candidate.name,
        "repeats": run.repeats,
        "run": run.pk,
        "version": str(run.version),
        "version_hash": run.version.content_hash,
    }


def comparison_of(first: Run, second: Run, tree: Tree) -> Comparison:
    """Compare ``second`` with the baseline ``first``; what counts where is decided by ``tree``.

    Raises ComparisonError when no two outputs of the runs answer the same example.
    """
    if first.pk == second.pk:
        raise ComparisonError("A run cannot be compared with itself. Choose another one as the baseline.")
    if first.version_id != second.version_id:
        raise ComparisonError(
            f"{first.candidate.name} ran over {first.version}, {second.candidate.name} over {second.version}: no two of"
            " their outputs answer the same example. Start a run of one of them over the other one's version."
        )
    checks = list(Check.objects.active().filter(eval_set__versions=first.version_id))
    plan = plan_of(checks, tree)
    answers = answers_of(first, second)
    figures = plan.figures(answers, over_examples=answers.shares_clusters or max(first.repeats, second.repeats) > 1)
    found = judged(figures)
    totals = tuple(figure for figure in found if figure.subject.is_total)
    modes = tuple(figure for figure in found if not figure.subject.is_total)
    return Comparison(first, second, tree, totals, modes, caveats_of(first, second, totals, modes))


@dataclass
class Plan:
    """Which figures there are, and what an answer says of them."""

    checks: Sequence[Check]
    tree: Tree
    meant: dict[Key, frozenset[int]]
    """(error type, own) -> the checks that can find it."""
    rows: dict[tuple[str, int], tuple[Key, ...]] = field(default_factory=dict)
    """(source, error type that was found) -> the keys in which it counts."""
    scope_of: dict[Key, Scope] = field(default_factory=dict)

    def subjects(self) -> list[tuple[Key, Subject]]:
        found: list[tuple[Key, Subject]] = [("people", Subject("people", "By people", Source.PEOPLE))]
        if self.checks:
            found.append(("checks", Subject("checks", "By the checks", Source.CHECK)))
        found += [
            (("check", check.pk), Subject("check", check.name, Source.CHECK, check=check.pk)) for check in self.checks
        ]
        parents = set(self.tree.parents.values())
        for source in (Source.PEOPLE, Source.CHECK):
            for each, depth in self.tree.rows:
                found.append(((source, each.pk, False), Subject.of_type(each, source, depth)))
                if each.pk in parents:
                    found.append(((source, each.pk, True), Subject.of_type(each, source, depth, is_own=True)))
            found.append(((source, None, False), Subject("mode", UNKNOWN, source)))
        return found

    def figures(self, answers: Answers, over_examples: bool) -> list[Figure]:
        subjects = self.subjects()
        for key, subject in subjects:
            self.scope_of[key] = self.scope(key, subject)
        by_verdict = count_pairs(answers.by_verdict, self.said_by_verdict, self.scope_of)
        by_check = count_pairs(answers.by_check, self.said_by_scores, self.scope_of)
        figures = []
        for key, subject in subjects:
            counted: Counted = by_check if subject.kind in {"checks", "check"} else by_verdict
            tally = counted.tallies.get(key)
            if tally is not None or self.is_shown(key, subject):
                scoped = scoped_of(counted.scopes, self.scope_of[key])
                figures.append(figure_of(subject, scoped, tally or Tally(), over_examples))
        return figures

    def is_shown(self, key: Key, subject: Subject) -> bool:
        """Whether it has a figure though nothing was found: an active type by people, and what a check can find."""
        if subject.is_total:
            return True
        if subject.is_own or subject.is_retired or subject.error_type is None:
            return False
        return subject.source == Source.PEOPLE or bool(self.scope_of[key])

    def scope(self, key: Key, subject: Subject) -> Scope:
        if subject.is_total:
            return key
        if subject.source == Source.PEOPLE:
            return "people"
        return self.meant.get((subject.error_type, subject.is_own), frozenset())

    def said_by_verdict(self, facts: Facts) -> Said:
        side = facts.side
        judged_by = frozenset(facts.judged)
        scopes: set[Scope] = {meant for meant in self.meant.values() if meant & judged_by}
        has: set[Key] = set()
        if side and side.source == Source.PEOPLE:
            scopes.add("people")
            has |= {"people"} if side.outcome == Verdict.Outcome.FAIL else set()
            for error_type in side.people:
                has.update(self.keys_of(Source.PEOPLE, error_type))
        for error_type in side.checks if side else ():
            has.update(self.keys_of(Source.CHECK, error_type))
        return Said(frozenset(scopes), frozenset(has))

    def said_by_scores(self, facts: Facts) -> Said:
        scopes: set[Scope] = {("check", check) for check in facts.judged}
        has: set[Key] = {("check", check) for check in facts.failed}
        if facts.is_right is not None:
            scopes.add("checks")
            has |= set() if facts.is_right else {"checks"}
        return Said(frozenset(scopes), frozenset(has))

    def keys_of(self, source: str, error_type: int) -> tuple[Key, ...]:
        if (source, error_type) not in self.rows:
            self.rows[source, error_type] = tuple((source, *row) for row in rows_of(self.tree, error_type))
        return tuple(key for key in self.rows[source, error_type] if key in self.scope_of)


def rows_of(tree: Tree, error_type: int) -> list[tuple[int | None, bool]]:
    """(row, own) in which a finding of a type counts; types that the version does not know have a row of their own."""
    rows = tree.counts_in(error_type)
    return [(rows[0], True), *((row, False) for row in rows)] if rows else [(None, False)]


def plan_of(checks: Sequence[Check], tree: Tree) -> Plan:
    meant: dict[Key, set[int]] = defaultdict(set)
    meanings = CheckMeaning.objects.filter(by__in=[check.pk for check in checks])
    for check, error_type in meanings.values_list("by_id", "error_type_id"):
        for row in rows_of(tree, error_type):
            meant[row].add(check)
    return Plan(checks, tree, {row: frozenset(found) for row, found in meant.items()})
