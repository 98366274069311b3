"""How far the people of a round agree: figures with n and interval, and the items behind each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import BadRequest
from django.db.models import Prefetch
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role, User
from evalhub.runs.models import Run
from evalhub.web.paging import PAGE_SIZE, page_of, whole
from reviews.agreement.data import (
    MASI,
    OUTCOME,
    TYPES,
    LabelsInCommon,
    Question,
    agreement_on,
    question_about,
    said_in,
    shared_items,
)
from reviews.agreement.measures import Agreement, Figure, only_of, pairs_in
from reviews.importing.rows import is_stand_in
from reviews.models import Label, ReviewItem, Round
from taxonomy.models import ErrorType
from taxonomy.versions import tree_of

MOST_PAIRS = 66  # twelve people
DRAWN_FROM, DRAWN_TO = -0.2, 1.0  # of a coefficient; one below stands at the edge


@dataclass(frozen=True)
class Drawn:
    """A figure with the places of its marks on a line from 0 to 100."""

    figure: Figure
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Line:
    """One line of a table of agreement: of what, and the addresses of the figures' items."""

    name: str
    found: Agreement | None
    selects: str
    """The address of this page narrowed to the line."""
    differing: str
    alike: str
    has_kappa: bool = True
    is_selected: bool = False

    @cached_property
    def raw(self) -> Drawn | None:
        return drawn(self.found.raw, 0.0) if self.found else None

    @cached_property
    def kappa(self) -> Drawn | None:
        return drawn(self.found.kappa, DRAWN_FROM) if self.found and self.found.kappa and self.has_kappa else None

    @cached_property
    def alpha(self) -> Drawn | None:
        return drawn(self.found.alpha, DRAWN_FROM) if self.found else None


@dataclass(frozen=True)
class Lines:
    """One table; ``has_kappa``: somewhere in it two people are compared."""

    lines: list[Line]

    @property
    def has_kappa(self) -> bool:
        return any(line.kappa for line in self.lines)


def drawn(figure: Figure, lowest: float) -> Drawn:
    def place(value: float | None) -> float:
        return round(100 * (max(lowest, value or 0.0) - lowest) / (DRAWN_TO - lowest), 1)

    return Drawn(figure, place(figure.value), place(figure.low), place(figure.high))


class Chosen:
    """A round's labels, and what the address narrows them to: ``?question=&run=&people=ID-ID``."""

    def __init__(self, request: MemberRequest, shown: Round) -> None:
        self.round = shown
        self.labels = LabelsInCommon(said_in(shared_items(shown), tree_of(request.project)))
        self.people = User.objects.in_bulk(self.labels.people())
        runs = shown.runs.select_related("candidate").order_by("candidate__name", "pk")
        self.runs = {run.pk: run for run in runs}
        self.types = list(ErrorType.objects.in_project(request.project).filter(pk__in=self.labels.types()))
        self.questions = {question.key: question for question in self.asked()}
        self.run = self.run_of(request)
        self.pair = self.pair_of(request)
        self.question = self.questions.get(request.GET.get("question") or OUTCOME.key, OUTCOME)

    def asked(self) -> list[Question]:
        """What this round's labels can be asked; error types only where somebody saw one."""
        return [OUTCOME, TYPES, MASI, *map(question_about, self.types)] if self.types else [OUTCOME]

    def run_of(self, request: MemberRequest) -> Run | None:
        wanted = whole(request.GET.get("run"))
        if wanted is not None and wanted not in self.runs:
            raise BadRequest("run is none of the round's")
        return self.runs[wanted] if wanted is not None else None

    def pair_of(self, request: MemberRequest) -> tuple[int, ...]:
        asked = request.GET.get("people", "")
        pair = tuple(sorted(whole(part) or 0 for part in asked.split("-"))) if asked else ()
        if pair and (len(set(pair)) != 2 or not self.people.keys() >= set(pair)):
            raise BadRequest("people are not two who labelled in this round")
        return pair

    @property
    def run_key(self) -> int | None:
        return self.run.pk if self.run else None

    def names(self, pair: tuple[int, ...]) -> str:
        return " and ".join(str(self.people[person]) for person in pair)

    def query(self, **changed: Any) -> str:
        query = {
            "question": self.question.key if self.question is not OUTCOME else "",
            "run": self.run_key,
            "people": "-".join(map(str, self.pair)),
        } | changed
        return "?" + urlencode({key: value for key, value in query.items() if value not in (None, "")})

    def line(self, name: str, found: Agreement | None, asked: Question, is_selected: bool, /, **changed: Any) -> Line:
        items = self.query(**changed)
        joint = "&" if items != "?" else ""
        return Line(
            name=name,
            found=found,
            selects=items,
            differing=f"items/{items}",
            alike=f"items/{items}{joint}show=alike",
            has_kappa=asked.has_kappa,
            is_selected=is_selected,
        )

    def by_question(self) -> list[Line]:
        tallied = self.labels.tallied(self.run_key, self.pair)
        return [
            self.line(
                question.name,
                agreement_on(question, tallied),
                question,
                question.key == self.question.key,
                question=question.key if question is not OUTCOME else "",
            )
            for question in self.questions.values()
        ]

    def by_run(self) -> list[Line]:
        names = [run.candidate.name for run in self.runs.values()]
        return [
            self.line(
                run.candidate.name if names.count(run.candidate.name) == 1 else f"{run.candidate.name}, run {run.pk}",
                agreement_on(self.question, self.labels.tallied(run.pk, self.pair)),
                self.question,
                run == self.run,
                run=run.pk,
            )
            for run in self.runs.values()
        ]

    def by_pair(self) -> list[Line]:
        tallied = self.labels.tallied(self.run_key)
        pairs = pairs_in(tallied)[:MOST_PAIRS]
        return [
            self.line(
                self.names(pair),
                agreement_on(self.question, only_of(tallied, pair)),
                self.question,
                pair == self.pair,
                people=f"{pair[0]}-{pair[1]}",
            )
            for pair in pairs
        ]

    def context(self) -> dict[str, Any]:
        return {
            "round": self.round,
            "chosen": self,
            "questions": self.questions.values(),
            "pairs": [(f"{pair[0]}-{pair[1]}", self.names(pair)) for pair in pairs_in(self.labels.tallied())],
            "pair_key": "-".join(map(str, self.pair)),
            "pair_names": self.names(self.pair),
        }


@require_GET
@for_role(Role.LEAD)
def agreement(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Agreement on each question, by candidate and by pair of people; each line narrows the page."""
    shown = get_object_or_404(Round.objects.in_project(project), pk=pk)
    chosen = Chosen(request, shown)
    context = chosen.context()
    if chosen.labels.items:
        pairs = chosen.by_pair()
        context |= {
            "by_question": Lines(chosen.by_question()),
            "by_run": Lines(chosen.by_run()) if len(chosen.runs) > 1 else None,
            "by_pair": Lines(pairs) if len(chosen.people) > 2 else None,
            "stand_ins": [person for person in chosen.people.values() if is_stand_in(person)],
            "pairs_left_out": len(context["pairs"]) > MOST_PAIRS,
        }
    return render(request, "reviews/agreement.html", context)


@require_GET
@for_role(Role.LEAD)
def agreement_summary(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """For the round's page: agreement so far, in two figures."""
    shown = get_object_or_404(Round.objects.in_project(project), pk=pk)
    labels = LabelsInCommon(said_in(shared_items(shown), tree_of(project)))
    tallied = labels.tallied()
    questions = [OUTCOME, TYPES] if labels.types() else [OUTCOME]
    figures = [(question, found) for question in questions if (found := agreement_on(question, tallied))]
    return render(request, "reviews/_agreement_summary.html", {"round": shown, "figures": figures})


@require_GET
@for_role(Role.LEAD)
def agreement_items(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """The items behind a figure, with what each person said: where people differ, or with ``show=alike`` agree."""
    shown = get_object_or_404(Round.objects.in_project(project), pk=pk)
    chosen = Chosen(request, shown)
    is_alike = request.GET.get("show") == "alike"
    found = chosen.labels.items_where(chosen.question, differ=not is_alike, run=chosen.run_key, people=chosen.pair)
    labels = Label.objects.select_related("reviewer").prefetch_related("error_types").order_by("reviewer_id")
    if chosen.pair:
        labels = labels.filter(reviewer__in=chosen.pair)
    items = ReviewItem.objects.filter(pk__in=near(request, found)).select_related(
        "output__example", "output__run__candidate", "decision__decided_by"
    )
    items = items.defer("output__text", "output__raw", "output__tool_calls", "output__example__request")
    page = page_of(request, items.prefetch_related(Prefetch("labels", labels, to_attr="said")))
    context = chosen.context() | {"page": page, "is_alike": is_alike, "count": len(found), "back": chosen.query()}
    return render(request, "reviews/agreement_items.html", context)


def near(request: MemberRequest, found: list[int]) -> list[int]:
    """Of keys in rising order those that the asked page and the look beyond it need, so that few are sent."""
    after, before = whole(request.GET.get("after")), whole(request.GET.get("before"))
    if after is not None:
        found = [key for key in found if key > after]
    elif before is not None:
        return [key for key in found if key < before][-PAGE_SIZE - 1 :]
    return found[: PAGE_SIZE + 1]
