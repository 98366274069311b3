"""How far rounds are."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from evalhub.projects.models import Project, User
from reviews.models import Round, Seat


def rounds_with_progress(project: Project) -> QuerySet[Round]:
    """The project's rounds, each with ``given``: how many of its ``labels_planned`` labels there are."""
    given = Seat.objects.filter(round=OuterRef("pk")).order_by().values("round").annotate(sum=Sum("labels"))
    return Round.objects.in_project(project).annotate(given=Coalesce(Subquery(given.values("sum")), 0))


def rounds_of(project: Project, person: User) -> QuerySet[Round]:
    """With ``mine`` too, the labels that this person gave, and ``is_mine``: they are named for it, or nobody is."""
    mine = Seat.objects.filter(round=OuterRef("pk"), reviewer=person).values("labels")
    named = Round.reviewers.through.objects.filter(round=OuterRef("pk"))
    return rounds_with_progress(project).annotate(
        mine=Coalesce(Subquery(mine), 0), is_mine=Exists(named.filter(user=person)) | ~Exists(named)
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
