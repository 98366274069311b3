"""A reviewer's home: what waits for them, how they get on, and what they did. Nothing of others' labels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.core.exceptions import BadRequest
from django.db.models import F
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.web.charts import Column, ColumnChart, column_chart
from evalhub.web.paging import page_of, whole
from evalhub.web.templatetags.ui import address
from reviews.calibration.practice import practice_first
from reviews.desk.pace import Pace, deferrals_of, labels_of, labels_on, pace_of, returned_to
from reviews.models import Round
from reviews.rounds.progress import other_rounds, waiting_rounds
from taxonomy.models import Verdict

MOST_OTHERS = 20
FIRST_FEW = 5
MOST_IN_CHOICE = 200


def home_context(request: MemberRequest, project: Project) -> dict[str, Any]:
    waiting = waiting_rounds(project, request.user)
    pace = pace_of(project, request.user)
    return {"waiting": waiting, "next": first_of(waiting, practice_first(request.member)), "pace": pace}


def first_of(waiting: Sequence[tuple[Round, int]], practice: Round | None) -> tuple[Round, int] | None:
    """What the main button leads to: practice for who has to begin with it, for others only when nothing else waits."""
    held_up = (pair for pair in waiting if pair[0] == practice)
    others = (pair for pair in waiting if not pair[0].is_practice)
    return next(held_up, None) or next(others, None) or (waiting[0] if waiting else None)


@require_GET
@for_role(Role.REVIEWER)
def home(request: MemberRequest, project: Project) -> HttpResponseBase:
    context = home_context(request, project)
    shown = [each for each, _ in context["waiting"]]
    others = other_rounds(project, request.user, shown, all_of_them=request.member.may(Role.LEAD))
    deferred = deferrals_of(project, request.user).order_by("-pk")
    returned = returned_to(project, request.user).order_by("-pk")
    seconds = context["pace"].seconds
    return render(
        request,
        "reviews/home.html",
        {
            **context,
            "waiting": [(each, count, seconds and seconds * count) for each, count in context["waiting"]],
            "others": page_of(request, others, "-pk", MOST_OTHERS),
            "deferred": deferred[: FIRST_FEW + 1],
            "returned": returned[: FIRST_FEW + 1],
            "few": FIRST_FEW,
            "chart": chart_of(project, context["pace"]),
        },
    )


def chart_of(project: Project, pace: Pace) -> ColumnChart:
    return column_chart(
        "Your labels on each of the last 28 days",
        [
            Column(f"{day:%-d %b}", count, address("reviews:history", project.slug, day=day.isoformat()))
            for day, count in pace.days
        ],
    )


@require_GET
@for_role(Role.REVIEWER)
def summary(request: MemberRequest, project: Project) -> HttpResponseBase:
    """For the overview: what waits, in a sentence."""
    context = home_context(request, project)
    return render(request, "reviews/_summary.html", {**context, "has_rounds": has_rounds(project)})


def has_rounds(project: Project) -> bool:
    return Round.objects.in_project(project).exists()


@require_GET
@for_role(Role.REVIEWER)
def history(request: MemberRequest, project: Project) -> HttpResponseBase:
    """One's own labels, newest first, narrowed by round, outcome and day; each leads to its item."""
    labels = labels_of(project, request.user).select_related("item__round").prefetch_related("error_types")
    wanted, outcome, day = whole(request.GET.get("round")), request.GET.get("outcome", ""), day_in(request)
    if outcome and outcome not in Verdict.Outcome:
        raise BadRequest("outcome is not known")
    if wanted is not None:
        labels = labels.filter(item__round=wanted)
    if outcome:
        labels = labels.filter(outcome=outcome)
    if day:
        labels = labels_on(labels, day, day)
    mine = Round.objects.in_project(project).filter(seats__reviewer=request.user, seats__labels__gt=0)
    context = {
        "page": page_of(request, labels.annotate(example_key=F("item__output__example__key")), "-pk"),
        "rounds": mine.only("name")[:MOST_IN_CHOICE],
        "wanted": wanted,
        "outcome": outcome,
        "day": day,
        "is_filtered": wanted is not None or outcome or day,
    }
    return render(request, "reviews/history.html", context)


def day_in(request: MemberRequest) -> date | None:
    text = request.GET.get("day", "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as fault:
        raise BadRequest("day is not a date") from fault


@require_GET
@for_role(Role.REVIEWER)
def deferred(request: MemberRequest, project: Project) -> HttpResponseBase:
    """All that one put off and can still label."""
    page = page_of(request, deferrals_of(project, request.user), "-pk")
    return render(request, "reviews/set_aside.html", {"page": page, "is_returned": False})


@require_GET
@for_role(Role.REVIEWER)
def returned(request: MemberRequest, project: Project) -> HttpResponseBase:
    """All labels that leads returned to one and that one has not given again."""
    page = page_of(request, returned_to(project, request.user), "-pk")
    return render(request, "reviews/set_aside.html", {"page": page, "is_returned": True})
