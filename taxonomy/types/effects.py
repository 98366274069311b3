"""What a change of the taxonomy does to labels, findings and figures, counted before it is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.utils.module_loading import import_string

from evalhub.checks.describing import cause_title
from evalhub.projects.models import Project
from evalhub.runs.models import Run
from taxonomy.models import CheckMeaning, Source
from taxonomy.tallies import Tally, tallies_of
from taxonomy.tree import Tree, TreeType
from taxonomy.types.planning import Types, children, gravity, tree_from

MOST_NAMED = 5


@dataclass(frozen=True)
class Count:
    """Outputs with an error type: found as itself, and as it or any below it, each output once."""

    own: int = 0
    rolled_up: int = 0


@dataclass(frozen=True)
class BeforeAfter:
    before: Count
    after: Count

    @property
    def is_same(self) -> bool:
        return self.before == self.after


@dataclass(frozen=True)
class RowEffect:
    """A row of the breakdown, in figures over all runs of the project, by people and by checks."""

    each: TreeType
    depth: int
    by_people: BeforeAfter
    by_checks: BeforeAfter
    becomes: str


@dataclass(frozen=True)
class Pointing:
    """A check that finds one of the types: what its findings count as before and after."""

    meaning: CheckMeaning
    before: TreeType
    after: TreeType

    @property
    def is_loose(self) -> bool:
        """Whether it finds a type that nobody can choose any more."""
        return self.after.is_retired

    @property
    def cause(self) -> str:
        """As people read it; "" for every cause of the check."""
        return cause_title(self.meaning.by, self.meaning.cause)


@dataclass(frozen=True)
class Effects:
    """``touched``: the types whose findings count elsewhere, or that are offered otherwise, than before.

    ``milder``: those that are merged into one of a lesser severity, with that one.
    """

    touched: Sequence[TreeType]
    findings_by_people: int
    findings_by_checks: int
    outputs: int
    runs: int
    carried: Sequence[tuple[str, int]]
    rows: Sequence[RowEffect]
    pointing: Sequence[Pointing] = field(default_factory=list)
    second_look: Sequence[tuple[TreeType, int]] = field(default_factory=list)
    milder: Sequence[tuple[TreeType, TreeType]] = field(default_factory=list)

    @property
    def is_carried(self) -> bool:
        return bool(self.outputs or any(count for _, count in self.carried))

    @property
    def changes_figures(self) -> bool:
        return not all(row.by_people.is_same and row.by_checks.is_same for row in self.rows)

    @property
    def touched_names(self) -> str:
        """“A”, “B” or “C”; of many the first few."""
        names = [f"“{each.name}”" for each in self.touched]
        if len(names) > MOST_NAMED + 1:
            names[MOST_NAMED:] = [f"one of {len(names) - MOST_NAMED} others"]
        return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def counts_of(tree: Tree, tallies: Iterable[Tally], source: str) -> dict[int, Count]:
    """The outputs of each row of the tree, by this source; rows without any are left out."""
    own: Counter[int] = Counter()
    rolled: Counter[int] = Counter()
    rows_of: dict[int, tuple[int, ...]] = {}
    for tally in tallies:
        at_home, over = set(), set()
        for key in tally.side.types(source):
            if key not in rows_of:
                rows_of[key] = tuple(tree.counts_in(key))
            at_home |= set(rows_of[key][:1])
            over |= set(rows_of[key])
        for key in at_home:
            own[key] += tally.count
        for key in over:
            rolled[key] += tally.count
    return {key: Count(own[key], count) for key, count in rolled.items()}


def all_tallies(project: Project) -> list[Tally]:
    """Of all runs of the project."""
    return tallies_of(list(Run.objects.in_project(project).order_by("pk").values_list("pk", flat=True)))


def effects_of(project: Project, before: Types, after: Types) -> Effects:
    """Look ahead: nothing is written."""
    tallies = all_tallies(project)
    old, new = tree_from(before), tree_from(after)
    touched = touched_types(before, after, old, new)
    carriers = {key for key in before if old.resolve(key) in touched or key in touched}
    sides = [tally for tally in tallies if carriers & {*tally.side.people, *tally.side.checks}]
    return Effects(
        touched=[before[key] for key in before if key in touched],
        findings_by_people=sum(tally.count * len(carriers & {*tally.side.people}) for tally in sides),
        findings_by_checks=sum(tally.count * len(carriers & {*tally.side.checks}) for tally in sides),
        outputs=sum(tally.count for tally in sides),
        runs=len({tally.run for tally in sides}),
        carried=carried_by(carriers),
        rows=list(row_effects(tallies, before, after, old, new)),
        pointing=list(pointing_at(carriers, before, after, old, new)),
        second_look=list(waiting_for_a_second_look(tallies, before, after, new)),
        milder=list(made_milder(before, after, new)),
    )


def touched_types(before: Types, after: Types, old: Tree, new: Tree) -> set[int]:
    return {
        key
        for key, each in before.items()
        if old.counts_in(key) != new.counts_in(key)
        or each.is_retired != after[key].is_retired
        or each.merged_into != after[key].merged_into
        or bool(children(before, key)) != bool(children(after, key))
    }


def carried_by(keys: Collection[int]) -> list[tuple[str, int]]:
    """How many labels and the like carry one of these types: (word for them, number). Above this package."""
    found: list[tuple[str, int]] = import_string(settings.SAID_WITH_TYPES)(keys)
    return found


def row_effects(tallies: Sequence[Tally], before: Types, after: Types, old: Tree, new: Tree) -> Iterator[RowEffect]:
    """The rows in which anything is counted otherwise, or that are offered otherwise; in the order of the new tree."""
    counts = {
        source: (counts_of(old, tallies, source), counts_of(new, tallies, source))
        for source in (Source.PEOPLE, Source.CHECK)
    }
    shown = [(each, depth) for each, depth in new.rows]
    there = {each.pk for each, _ in shown}
    shown += [(each, 0) for each, _ in old.rows if each.pk not in there]
    for each, depth in shown:
        by_people, by_checks = (
            BeforeAfter(was.get(each.pk, Count()), now.get(each.pk, Count())) for was, now in counts.values()
        )
        becomes = what_becomes(before.get(each.pk), after[each.pk], after, bool(children(before, each.pk)))
        is_same = by_people.is_same and by_checks.is_same
        if not is_same or (becomes and each.pk in before):
            yield RowEffect(each, depth, by_people, by_checks, becomes)


def what_becomes(was: TreeType | None, now: TreeType, after: Types, was_heading: bool) -> str:
    if was is None:
        return "new"
    if now.merged_into != was.merged_into:
        return f"merged into “{after[now.merged_into].name}”" if now.merged_into is not None else "no longer merged"
    if now.is_retired != was.is_retired:
        return "retired" if now.is_retired else "offered again"
    if now.parent != was.parent:
        return f"below “{after[now.parent].name}”" if now.parent is not None else "at the top"
    is_heading = bool(children(after, now.pk))
    if is_heading != was_heading:
        return "a heading: reviewers choose one below it" if is_heading else "no longer a heading"
    return ""


def pointing_at(carriers: Collection[int], before: Types, after: Types, old: Tree, new: Tree) -> Iterator[Pointing]:
    meanings = CheckMeaning.objects.filter(error_type__in=carriers, by__retired_at=None)
    for meaning in meanings.select_related("by__eval_set").order_by("by__eval_set__name", "by__name", "cause"):
        was, now = old.resolve(meaning.error_type_id), new.resolve(meaning.error_type_id)
        if was is not None and now is not None:
            yield Pointing(meaning, before[was], after[now])


def waiting_for_a_second_look(
    tallies: Sequence[Tally], before: Types, after: Types, new: Tree
) -> Iterator[tuple[TreeType, int]]:
    """Types that become headings, with the number of outputs that people gave them as such."""
    counts = counts_of(new, tallies, Source.PEOPLE)
    for key in before:
        own = counts.get(key, Count()).own
        if own and children(after, key) and not children(before, key):
            yield after[key], own


def made_milder(before: Types, after: Types, new: Tree) -> Iterator[tuple[TreeType, TreeType]]:
    """Types that are merged, with those that they count as, where these are less severe."""
    for key, each in before.items():
        into = after[key].merged_into
        counts_as = new.resolve(key) if into is not None and into != each.merged_into else None
        if counts_as is not None and gravity(after[counts_as].severity) < gravity(each.severity):
            yield each, after[counts_as]
