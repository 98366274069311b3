"""How far rounds are, and what waits in them for whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from evalhub.projects.models import Project, User
from reviews.models import ReviewItem, Round, Seat

MOST_ROUNDS = 50


def rounds_with_progress(project: Project) -> QuerySet[Round]:
    """The project's rounds, each with ``given``: how many of its ``labels_planned`` labels there are."""
    given = Seat.objects.filter(round=OuterRef("pk")).order_by().values("round").annotate(sum=Sum("labels"))
    return Round.objects.in_project(project).annotate(given=Coalesce(Subquery(given.values("sum")), 0))


def rounds_of(project: Project, person: User) -> QuerySet[Round]:
    """With ``mine`` too, the labels that this person gave; ``names_me``; ``is_mine``: that, or nobody is named."""
    mine = Seat.objects.filter(round=OuterRef("pk"), reviewer=person).values("labels")
    named = Round.reviewers.through.objects.filter(round=OuterRef("pk"))
    return rounds_with_progress(project).annotate(
        mine=Coalesce(Subquery(mine), 0),
        names_me=Exists(named.filter(user=person)),
        is_mine=Exists(named.filter(user=person)) | ~Exists(named),
    )


def may_label(shown: Round, person: User) -> bool:
    """Whether the person is named for the round, or nobody is."""
    people = list(shown.reviewers.values_list("pk", flat=True))
    return not people or person.pk in people


def waits_for(shown: Any) -> int:
    """Of one of ``rounds_of``: how many labels the person could give at most, from the counts alone."""
    if shown.closed_at or not shown.filled_at or not shown.is_mine:
        return 0
    return max(0, min(shown.labels_planned - shown.given, shown.item_count - shown.mine))


def waiting_rounds(project: Project, person: User) -> list[tuple[Round, int]]:
    """The rounds in which something waits for the person, with how much; practice first, then what names them.

    ``given_to_me`` on each: how many of these items a lead gave to them, or to them among others.
    """
    rounds: QuerySet[Any] = rounds_of(project, person)
    rounds = rounds.filter(closed_at=None, filled_at__isnull=False, is_mine=True)
    rounds = rounds.filter(given__lt=F("labels_planned"), mine__lt=F("item_count"))
    rounds = rounds.order_by("-is_practice", "-names_me", "-pk")[:MOST_ROUNDS]
    found = list(rounds)
    exact = open_items(person, [each for each in found if gives_items_to_some(each)])
    waiting = []
    for each in found:
        count, each.given_to_me = exact.get(each.pk, (0, 0)) if gives_items_to_some(each) else (waits_for(each), 0)
        waiting.append((each, count))
    return [(each, count) for each, count in waiting if count]


def gives_items_to_some(shown: Round) -> bool:
    """Whether a lead gave items of it to some people: then the round's counts do not tell what waits for whom."""
    return bool(shown.selection.get("assigned"))


def open_items(person: User, rounds: Sequence[Round]) -> dict[int, tuple[int, int]]:
    """How many items of each of these rounds the person may still label, and how many of those are given to some
    people, them among these; one statement, none without rounds."""
    if not rounds:
        return {}
    theirs = Q(assigned_to__contains=[person.pk])
    items = ReviewItem.objects.wanting_labels().filter(theirs | Q(assigned_to=[]), round__in=rounds)
    counts = (
        items.without_label_of(person)
        .order_by()
        .values("round")
        .annotate(all=Count("pk"), given=Count("pk", filter=theirs))
    )
    return {key: (all_of_them, given) for key, all_of_them, given in counts.values_list("round", "all", "given")}


def other_rounds(project: Project, person: User, shown: Iterable[Round], all_of_them: bool) -> QuerySet[Round]:
    """The rounds beside those shown already: all, or those that are the person's or hold labels of theirs."""
    rounds = rounds_of(project, person).exclude(pk__in=[each.pk for each in shown])
    return rounds if all_of_them else rounds.filter(Q(is_mine=True) | Q(mine__gt=0))


def status_counts(shown: Round) -> dict[str, int]:
    """How many of the round's items are in each status: one statement, on the index alone where that is fresh."""
    items = ReviewItem.objects.filter(round=shown).order_by()
    return dict(items.values_list("status").annotate(Count("pk")))
