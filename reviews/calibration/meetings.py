"""What people said of outputs whose answer is known, held against it. Mixing them in is ``making.mixing``'s."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Q

from evalhub.checks.rates import wilson
from evalhub.projects.models import Project, User
from reviews.models import ItemEvent, KnownAnswer, Label, ReviewItem
from reviews.status import Said, as_of, said_as_of
from taxonomy.models import ErrorType
from taxonomy.tree import Tree
from taxonomy.versions import tree_of

TYPES = ArrayAgg("error_types", filter=Q(error_types__isnull=False), default=[])


@dataclass(frozen=True)
class Meeting:
    """What a person said of a known item, and what is known. In practice: what they said first, before the feedback."""

    reviewer: int
    item: int
    output: int
    is_practice: bool
    said: Said
    known: Said
    compares_types: bool = True

    @property
    def is_right(self) -> bool:
        return self.said[0] == self.known[0]

    @property
    def differs_in_types(self) -> bool:
        return self.compares_types and self.said[1] != self.known[1]


def meetings_of(
    project: Project, reviewer: User | None = None, outputs: Collection[int] | None = None, closed_only: bool = False
) -> list[Meeting]:
    """Every label of a known item, newest first: of one person or all, of some outputs or all. Error types are those
    of the present taxonomy.

    ``closed_only``: outside practice only those in closed rounds, which tell their reviewer nothing that they could
    still use: while a round is open, nobody learns which of its items are known.
    """
    items = Q(item__is_known=True, item__round__project=project)
    if reviewer is not None:
        items &= Q(reviewer=reviewer)
    if outputs is not None:
        items &= Q(item__output__in=outputs)
    known, tree = known_sayings(project), tree_of(project)
    meetings = [*blind_meetings(items, closed_only), *practice_meetings(items)]
    return [
        replace(met, said=said, known=right)
        for met in meetings
        if met.output in known
        for said, right in [said_as_of(tree, [met.said, known[met.output]])]
    ]


def known_sayings(project: Project) -> dict[int, Said]:
    """What is known, by the key of the output."""
    rows = KnownAnswer.objects.filter(project=project).annotate(types=TYPES).values_list("output", "outcome", "types")
    return {output: (outcome, frozenset(types)) for output, outcome, types in rows}


NOTHING: Said = ("", frozenset())


def blind_meetings(items: Q, closed_only: bool) -> Iterator[Meeting]:
    labels = Label.objects.filter(items, item__round__is_practice=False)
    if closed_only:
        labels = labels.exclude(item__round__closed_at=None)
    rows = labels.annotate(types=TYPES).order_by("-pk")
    for row in rows.values_list(
        "reviewer", "item", "item__output", "item__round__hides_types", "outcome", "types", named=True
    ):
        said = (row.outcome, frozenset(row.types))
        yield Meeting(row.reviewer, row.item, row.item__output, False, said, NOTHING, not row.item__round__hides_types)


def practice_meetings(items: Q) -> Iterator[Meeting]:
    first = ItemEvent.objects.filter(items, item__round__is_practice=True, action=ItemEvent.Action.LABELLED)
    first = first.order_by("item", "reviewer", "pk").distinct("item", "reviewer")
    rows = first.values_list("reviewer", "item", "item__output", "item__round__hides_types", "said", "pk")
    for person, item, output, hides_types, said, _ in sorted(rows, key=lambda row: -row[-1]):
        yield Meeting(
            person, item, output, True, (said["outcome"], frozenset(said["error_types"])), NOTHING, not hides_types
        )


@dataclass(frozen=True)
class TypeTally:
    """Of one error type: how often it was there and seen, there and not seen, seen and not there."""

    hits: int
    misses: int
    extra: int


@dataclass(frozen=True)
class Standing:
    """How one person compares with what is known: counts of items."""

    n: int
    right: int
    too_lenient: int
    too_strict: int
    types: dict[int, TypeTally]

    @property
    def share(self) -> float | None:
        return self.right / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 %, Wilson."""
        return wilson(self.right, self.n)


def standing_of(meetings: Sequence[Meeting]) -> Standing:
    """Add up one person's meetings. Too lenient: passed what fails. Error types are compared where people see them."""
    compared = [met for met in meetings if met.compares_types]
    types = {error_type for met in compared for error_type in met.said[1] | met.known[1]}
    return Standing(
        n=len(meetings),
        right=sum(met.is_right for met in meetings),
        too_lenient=sum(met.known[0] == "fail" and met.said[0] == "pass" for met in meetings),
        too_strict=sum(met.known[0] == "pass" and met.said[0] == "fail" for met in meetings),
        types={
            error_type: TypeTally(
                hits=sum(error_type in met.said[1] & met.known[1] for met in compared),
                misses=sum(error_type in met.known[1] - met.said[1] for met in compared),
                extra=sum(error_type in met.said[1] - met.known[1] for met in compared),
            )
            for error_type in sorted(types)
        },
    )


@dataclass(frozen=True)
class Feedback:
    """After a label in practice: what the person said, what is known, and where they differ."""

    label: Label
    known: KnownAnswer
    said_types: list[ErrorType]
    known_types: list[ErrorType]
    compares_types: bool

    @property
    def is_right(self) -> bool:
        return self.label.outcome == self.known.outcome

    @property
    def missed(self) -> list[ErrorType]:
        return [each for each in self.known_types if self.compares_types and each not in self.said_types]

    @property
    def extra(self) -> list[ErrorType]:
        return [each for each in self.said_types if each not in self.known_types]

    @property
    def agrees(self) -> bool:
        return self.is_right and not self.missed and not self.extra


def feedback_on(item: ReviewItem, reviewer: User) -> Feedback | None:
    """What to tell the person of their label on this item of a practice round; None elsewhere and before the label."""
    if not item.round.is_practice:
        return None
    label = Label.objects.filter(item=item, reviewer=reviewer).prefetch_related("error_types").first()
    answers = KnownAnswer.objects.filter(output=item.output_id).select_related("project")
    known = answers.prefetch_related("error_types").first()
    if label is None or known is None:
        return None
    said_types, known_types = list(label.error_types.all()), list(known.error_types.all())
    if said_types != known_types:
        tree = tree_of(known.project)
        said_types, known_types = types_as_of(tree, said_types), types_as_of(tree, known_types)
    return Feedback(label, known, said_types, known_types, compares_types=not item.round.hides_types)


def types_as_of(tree: Tree, types: list[ErrorType]) -> list[ErrorType]:
    keys = as_of(tree, (each.pk for each in types))
    return types if keys == {each.pk for each in types} else list(ErrorType.objects.filter(pk__in=keys))
