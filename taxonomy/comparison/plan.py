"""Which figures a comparison has, and what an output says of each of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from evalhub.checks.models import Check
from evalhub.runs.models import Run
from taxonomy.comparison.answers import Answers, Facts
from taxonomy.comparison.counting import Counted, Key, Said, Scope, Tally, count_pairs
from taxonomy.comparison.figures import Figure, Subject, figure_of, scoped_of
from taxonomy.models import CheckMeaning, Source, Verdict
from taxonomy.tree import Tree

UNKNOWN = "Not in this version"


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

    def subject(self, key: str) -> Subject | None:
        """By its name in addresses."""
        return next((subject for _, subject in self.subjects() if subject.key == key), None)

    def figures(self, answers: Answers, over_examples: bool) -> list[Figure]:
        subjects = self.subjects()
        for key, subject in subjects:
            self.scope_of[key] = self.scope(key, subject)
        by_verdict = count_pairs(answers.by_verdict, self.said_by_verdict, self.scope_of, over_examples)
        by_check = count_pairs(answers.by_check, self.said_by_scores, self.scope_of, over_examples)
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


def plan_for(run: Run, tree: Tree) -> Plan:
    """For runs over the same version as this one."""
    return plan_of(list(Check.objects.active().filter(eval_set__versions=run.version_id)), tree)


def plan_of(checks: Sequence[Check], tree: Tree) -> Plan:
    meant: dict[Key, set[int]] = defaultdict(set)
    meanings = CheckMeaning.objects.filter(by__in=[check.pk for check in checks])
    for check, error_type in meanings.values_list("by_id", "error_type_id"):
        for row in rows_of(tree, error_type):
            meant[row].add(check)
    return Plan(checks, tree, {row: frozenset(found) for row, found in meant.items()})
