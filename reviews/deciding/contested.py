"""Adjudication: the contested items of a round in their order, what people said of each, who may settle them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest

from evalhub.errors import EvalHubError
from evalhub.evalsets.corrections import propose_correction
from evalhub.projects.models import Member, Project, Role, User
from evalhub.web.paging import PAGE_SIZE, Page, whole
from reviews.assessment import Assessment, assessment_of
from reviews.labelling import decide, locked
from reviews.models import Decision, Fault, Label, ReviewItem, Round
from reviews.status import Status, as_of
from reviews.verdicts import differ
from taxonomy.models import Severity
from taxonomy.versions import tree_of

TAKE_KEYS = "dghvz"
"""The key of each label, to take it over: letters that nothing else on the page has."""


class DecidingError(EvalHubError):
    """The item cannot be settled like that."""


class ChangedMeanwhile(DecidingError):
    """Somebody labelled or settled the item since the page was made."""


# Items, in the round's order, which is random: the order of the keys could tell the runs apart.


def contested_in(shown: Round) -> QuerySet[ReviewItem]:
    return ReviewItem.objects.filter(round=shown, status=Status.CONTESTED)


def decided_in(shown: Round) -> QuerySet[ReviewItem]:
    return ReviewItem.objects.filter(round=shown, decision__isnull=False)


def after(item: ReviewItem) -> Q:
    return Q(order__gt=item.order) | Q(order=item.order, pk__gt=item.pk)


def before(item: ReviewItem) -> Q:
    return Q(order__lt=item.order) | Q(order=item.order, pk__lt=item.pk)


def next_contested(shown: Round, person: User, item: ReviewItem | None = None) -> ReviewItem | None:
    """The contested item after this one, else the first of the round; those that the person labelled come last."""
    waiting = contested_in(shown).exclude(pk=item.pk if item else 0).order_by("order", "pk")
    own = Label.objects.filter(item=OuterRef("pk"), reviewer=person)
    for part in (waiting.exclude(Exists(own)), waiting.filter(Exists(own))):
        found = (part.filter(after(item)).first() if item else None) or part.first()
        if found:
            return found
    return None


def neighbour(item: ReviewItem, backwards: bool = False) -> ReviewItem | None:
    """The contested item beside this one, to go to without settling it."""
    beside = contested_in(item.round).filter(before(item) if backwards else after(item))
    return beside.order_by(*(("-order", "-pk") if backwards else ("order", "pk"))).first()


def page_in_order(
    request: HttpRequest, shown: Round, items: QuerySet[ReviewItem], size: int = PAGE_SIZE
) -> Page[ReviewItem]:
    """As ``page_of``, in the round's order: ``?after=`` and ``?before=`` are keys of items."""
    keys = {name: whole(request.GET.get(name)) for name in ("after", "before")}
    backwards = keys["after"] is None and keys["before"] is not None
    bound = ReviewItem.objects.filter(round=shown, pk=(keys["before"] if backwards else keys["after"]) or 0).first()
    rows = items.filter(before(bound) if backwards else after(bound)) if bound else items
    found = list(rows.order_by(*(("-order", "-pk") if backwards else ("order", "pk")))[: size + 1])
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    has_next, has_previous = (bool(found), more) if backwards else (more, bound is not None and bool(found))
    rest = request.GET.copy()
    for name in keys:
        rest.pop(name, None)
    return Page(
        rows=found,
        after=found[-1].pk if has_next else None,
        before=found[0].pk if has_previous else None,
        parameters=rest.urlencode(),
    )


@dataclass(frozen=True)
class Line:
    """One thing that people may say: its name, what each said in the order of the labels, whether they differ."""

    name: str
    values: Sequence[Any]
    differs: bool


@dataclass(frozen=True)
class Voice:
    """One person's label, and the key that takes it over."""

    label: Label
    key: str


def labels_of(item: ReviewItem) -> list[Label]:
    """Oldest first, each with its person and error types."""
    return list(item.labels.select_related("reviewer").prefetch_related("error_types").order_by("pk"))


def voices_of(labels: Sequence[Label]) -> list[Voice]:
    return [Voice(label, TAKE_KEYS[place] if place < len(TAKE_KEYS) else "") for place, label in enumerate(labels)]


def present_types(project: Project, sayings: Sequence[Assessment]) -> list[frozenset[int]]:
    """The error types of each as the present taxonomy has them: one that was merged is what it was merged into."""
    types = [said.error_types for said in sayings]
    if not differ(types):
        return types
    tree = tree_of(project)
    return [as_of(tree, each) for each in types]


def lines_of(labels: Sequence[Label], project: Project, hides_types: bool = False) -> list[Line]:
    """What the labels say, one thing a line; what nobody said is left out."""
    types = present_types(project, [*map(assessment_of, labels)])
    said: dict[str, list[Any]] = {
        "Error types": [sorted(each.name for each in label.error_types.all()) for label in labels],
        "Severity": [Severity(label.severity).label if label.severity else "" for label in labels],
        "Whose fault": [Fault(label.fault).label if label.fault else "" for label in labels],
        "First failing step": [label.failing_step for label in labels],
        "Note": [label.note for label in labels],
    }
    if hides_types:
        said.pop("Error types")
    compared: dict[str, list[Any]] = {**said, "Error types": types}
    return [
        Line(name, values, any(value != compared[name][0] for value in compared[name]))
        for name, values in said.items()
        if any(values)
    ]


def version_of(labels: Sequence[Label], decision: Decision | None) -> str:
    """Which state of an item a page showed; it comes back with what is decided there."""
    told = [f"{label.pk} {label.changed_at.isoformat()}" for label in labels]
    told += [f"decided {decision.decided_at.isoformat()}"] if decision else []
    return blake2b("\n".join(told).encode(), digest_size=12).hexdigest()


def other_leads(project: Project, item: ReviewItem, person: User) -> list[User]:
    """Leads and admins besides this person who did not label the item: who may settle it without judging themselves."""
    leads = [role for role in Role if role.may(Role.LEAD)]
    members = Member.objects.filter(project=project, role__in=leads, user__is_active=True).exclude(user=person)
    members = members.exclude(user__in=item.labels.values("reviewer"))
    return [member.user for member in members.select_related("user").order_by("user__name", "pk")]


def differs_from_all(labels: Sequence[Label], said: Assessment, project: Project) -> bool:
    """Whether no label says this outcome with what are now these error types."""
    *types, own = present_types(project, [*map(assessment_of, labels), said])
    return all((label.outcome, its) != (said.outcome, own) for label, its in zip(labels, types, strict=True))


@transaction.atomic
def settle(item: ReviewItem, person: User, said: Assessment, saw: str, correction: str | None = None) -> Decision:
    """Settle the item as the person says, over the labels that they ``saw`` (``version_of``).

    The same sent twice is one decision. ``correction``: of the expected answer, proposed if that is at fault.

    Raises ChangedMeanwhile when a label or the decision is another one by now, DecidingError without a reason where
    it differs from every label, NotYours when the round is closed, CorrectionError when a correction does not fit.
    """
    item = locked(item.pk)
    labels, decision = labels_of(item), Decision.objects.filter(item=item).select_related("decided_by").first()
    if version_of(labels, decision) != saw:
        if decision and decision.decided_by_id == person.pk and assessment_of(decision) == said:
            return decision
        raise ChangedMeanwhile(changed_sentence(decision))
    if not said.note.strip() and differs_from_all(labels, said, item.round.project):
        raise DecidingError("This differs from every label. Say why: write a note.")
    decision = decide(item, person, said)
    if said.fault == Fault.EXPECTED and correction is not None:
        propose_correction(item.output.example, person, said.note, correction)
    return decision


def changed_sentence(decision: Decision | None) -> str:
    if decision is None:
        return "A label of this item was changed meanwhile. Look again; press again to settle it."
    who = f"{decision.decided_by} settled this item as {decision.get_outcome_display().lower()} meanwhile"
    return f"{who}. What you said is still below; press again to replace that decision."


def as_taken(label: Label, note: str) -> Assessment:
    """What a label says, as said by the one who takes it over: with their own note, or, without any, with its note."""
    said = assessment_of(label)
    return replace(said, note=note.strip() or said.note)
