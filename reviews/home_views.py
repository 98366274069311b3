"""A reviewer's home: what waits for them, and what they did."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from reviews.models import Label
from reviews.progress import rounds_of, waits_for

MOST_ROUNDS = 50


def home_context(request: MemberRequest, project: Project) -> dict[str, Any]:
    rounds = list(rounds_of(project, request.user).order_by("-pk")[:MOST_ROUNDS])
    waiting = [waits_for(each) for each in rounds]
    mine = Label.objects.filter(reviewer=request.user, item__round__project=project)
    return {
        "rounds": list(zip(rounds, waiting, strict=True)),
        "mine": mine.count(),
        "today": mine.filter(changed_at__gte=timezone.now() - timedelta(hours=24)).count(),
        "next": next(((each, count) for each, count in zip(rounds, waiting, strict=True) if count), None),
    }


@require_GET
@for_role(Role.REVIEWER)
def home(request: MemberRequest, project: Project) -> HttpResponseBase:
    return render(request, "reviews/home.html", home_context(request, project))


@require_GET
@for_role(Role.REVIEWER)
def summary(request: MemberRequest, project: Project) -> HttpResponseBase:
    return render(request, "reviews/_summary.html", home_context(request, project))
