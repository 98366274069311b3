"""What people said of the same items, fetched as narrow rows, and the questions that agreement is asked about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Q, QuerySet, Value

from reviews.agreement.measures import (
    Agreement,
    Distance,
    Pattern,
    agreement_of,
    masi,
    nominal,
    only_of,
    seen_as,
    tally,
)
from reviews.models import Label, ReviewItem, Round
from reviews.status import as_of
from taxonomy.models import ErrorType, Verdict
from taxonomy.tree import Tree

Said = tuple[str, frozenset[int]]
"""Of one label: its outcome and the keys of its error types."""
OF_NO_TYPE = 0
"""Stands for the error type of a failure that was given none, so that it differs from a pass."""


class SaidRow(NamedTuple):
    """One label."""

    item: int
    run: int
    person: int
    said: Said


@dataclass(frozen=True)
class Question:
    """What two labels are asked to agree on."""

    key: str
    """In addresses: “outcome”, “types”, “masi”, or an error type as “type-7”."""
    name: str
    answer: Callable[[Said], Any] = field(repr=False)
    distance: Distance = nominal
    has_kappa: bool = True


def outcome_of(said: Said) -> str:
    return said[0]


def types_of(said: Said) -> frozenset[int]:
    outcome, types = said
    return types or (frozenset({OF_NO_TYPE}) if outcome == Verdict.Outcome.FAIL else types)


OUTCOME = Question("outcome", "Pass or fail", outcome_of)
TYPES = Question("types", "Error types, the whole set", types_of)
MASI = Question("masi", "Error types, with credit for a part (MASI)", types_of, masi, has_kappa=False)


def question_about(error_type: ErrorType) -> Question:
    return Question(f"type-{error_type.pk}", error_type.name, lambda said: error_type.pk in said[1])


def shared_items(shown: Round) -> QuerySet[ReviewItem]:
    """The items of a round that two people or more labelled. Known items compare people with what is known instead."""
    return ReviewItem.objects.filter(round=shown, is_known=False, label_count__gte=2)


def said_in(items: QuerySet[ReviewItem], tree: Tree) -> list[SaidRow]:
    """Every label of the items, in one query and by item: no texts, no outputs. Error types as the tree has them."""
    types = ArrayAgg("error_types", filter=Q(error_types__isnull=False), default=Value([]))
    labels = Label.objects.filter(item__in=items.order_by()).order_by("item_id", "reviewer_id")
    rows = labels.values_list("item_id", "item__output__run_id", "reviewer_id", "outcome").annotate(types=types)
    return [SaidRow(item, run, person, (outcome, as_of(tree, keys))) for item, run, person, outcome, keys in rows]


class LabelsInCommon:
    """What people said of the same items, ready to be narrowed to a run and to some of the people."""

    def __init__(self, rows: Iterable[SaidRow]) -> None:
        self.items: dict[int, dict[int, Said]] = {}
        self.runs: dict[int, int] = {}
        for row in rows:
            self.items.setdefault(row.item, {})[row.person] = row.said
            self.runs[row.item] = row.run

    def tallied(self, run: int | None = None, people: Collection[int] = ()) -> Counter[Pattern]:
        """Items by what was said of them; of one run, by some people, or of all and by all."""
        found = tally(said for item, said in self.items.items() if run is None or self.runs[item] == run)
        return only_of(found, people) if people else found

    def people(self) -> list[int]:
        return sorted({person for said in self.items.values() for person in said})

    def types(self) -> set[int]:
        """The error types that somebody saw."""
        return {key for said in self.items.values() for _, types in said.values() for key in types}

    def items_where(
        self, question: Question, *, differ: bool, run: int | None = None, people: Sequence[int] = ()
    ) -> list[int]:
        """The items behind a figure, in rising order: where people do not all answer the question alike, or do."""
        found = []
        for item, said in self.items.items():
            if run is not None and self.runs[item] != run:
                continue
            answers = [question.answer(each) for person, each in said.items() if not people or person in people]
            if len(answers) > 1 and (len(set(answers)) > 1) == differ:
                found.append(item)
        return sorted(found)


def agreement_on(question: Question, tallied: Counter[Pattern]) -> Agreement | None:
    """How far people agree on a question; None when nobody labelled an item in common."""
    return agreement_of(seen_as(tallied, question.answer), question.distance)
