"""The wall of a round's notes."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from evalhub.candidates.models import Candidate
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role, User
from evalhub.web.paging import page_of, whole
from reviews.models import Label, Round
from reviews.notes.wall import by_type, in_full, notes_for
from taxonomy.models import ErrorType, Verdict

CARDS = 60
WITHOUT = "none"  # asked for in place of an error type: notes that carry none
ORDERS = {"": "newest first", "types": "by error type"}


@require_GET
@for_role(Role.REVIEWER)
def notes(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """What people wrote in a round: a reviewer reads their own notes until it is closed."""
    shown = get_object_or_404(Round.objects.in_project(project), pk=pk)
    is_lead = request.member.may(Role.LEAD)
    sees_others, names_candidates = is_lead or shown.closed_at is not None, is_lead or not shown.is_blind
    labels = notes_for(shown, request.user, is_lead)
    order = request.GET.get("order", "")
    if order not in ORDERS:
        raise BadRequest("order is not known")
    wanted = filters_of(request, sees_others, names_candidates)
    labels = narrowed_by(labels, wanted)
    context = {
        "round": shown,
        "order": order,
        "orders": ORDERS.items(),
        "wanted": wanted,
        "is_filtered": any(wanted.values()),
        "sees_others": sees_others,
        "names_candidates": names_candidates,
        "types": ErrorType.objects.in_project(project),
        "people": User.objects.filter(seats__round=shown, seats__labels__gt=0).order_by("name") if sees_others else [],
        "candidates": Candidate.objects.filter(pk__in=shown.runs.values("candidate")) if names_candidates else [],
        "is_lead_here": is_lead,
    }
    if order == "types":
        context["groups"] = by_type(labels)
    else:
        context["page"] = page_of(request, in_full(labels), "-pk", CARDS)
    return render(request, "reviews/notes.html", context)


def filters_of(request: MemberRequest, sees_others: bool, names_candidates: bool) -> dict[str, Any]:
    """What the address asks for; what the person may not know cannot be asked for either."""
    outcome, error_type = request.GET.get("outcome", ""), request.GET.get("error_type", "")
    if outcome and outcome not in Verdict.Outcome:
        raise BadRequest("outcome is not known")
    return {
        "outcome": outcome,
        "error_type": error_type if error_type == WITHOUT else whole(error_type),
        "person": whole(request.GET.get("person")) if sees_others else None,
        "candidate": whole(request.GET.get("candidate")) if names_candidates else None,
    }


def narrowed_by(labels: QuerySet[Label], wanted: dict[str, Any]) -> QuerySet[Label]:
    if wanted["outcome"]:
        labels = labels.filter(outcome=wanted["outcome"])
    if wanted["error_type"] is not None:
        labels = labels.filter(error_types=None if wanted["error_type"] == WITHOUT else wanted["error_type"])
    if wanted["person"] is not None:
        labels = labels.filter(reviewer=wanted["person"])
    if wanted["candidate"] is not None:
        labels = labels.filter(item__output__run__candidate=wanted["candidate"])
    return labels
