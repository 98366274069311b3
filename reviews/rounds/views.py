"""A review round as its leads watch it: how far it is, its items, and what can be done with many of them at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.exceptions import BadRequest
from django.db.models import Prefetch, Q, QuerySet
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role, User
from evalhub.web.paging import page_of
from evalhub.web.rendering import render_page_or_fragment
from evalhub.web.templatetags.ui import address
from reviews.models import Label, Reason, ReviewItem, Round
from reviews.rounds.bulk import people_of
from reviews.rounds.closing import close_round, reopen_round
from reviews.rounds.figures import figures_of
from reviews.rounds.forms import MORE, ItemFilterForm
from reviews.rounds.narrowing import NarrowingError, filters_in, narrowed
from reviews.rounds.progress import rounds_with_progress, status_counts
from reviews.tasks import fill_round_task
from taxonomy.models import ErrorType

STUCK = timedelta(seconds=60)
# More items than this are changed only by somebody who says again that they mean them all.
MANY = 200


@require_GET
@for_role(Role.LEAD)
def show_round(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """How far the round is, and its items, narrowed by anything in the address."""
    shown = get_object_or_404(rounds_with_progress(project), pk=pk)
    given = filters_of(request)
    statuses = status_counts(shown)
    items = narrowed(shown, given)
    runs = list(shown.runs.select_related("candidate", "version__eval_set"))
    everybody = people_around(shown)
    context = {
        "round": shown,
        "runs": runs,
        "wanted": [(Reason(key).label, count) for key, count in shown.selection.get("wanted", {}).items()],
        "statuses": [(choice, statuses.get(choice, 0)) for choice in ReviewItem.Status],
        "total": sum(statuses.values()),
        "given": given,
        "bulk_url": address("reviews:bulk", project.slug, pk, **given),
        "fitting": fitting(items, given, statuses),
        "many": MANY,
        "form": filter_form(given, project, runs, everybody),
        "more": MORE,
        "is_more_open": any(name in given for name in MORE),
        "labellers": people_of(shown),
        "everybody": everybody,
        "page": page_of(request, with_what_is_listed(items), "output_id"),
        "is_stuck": not shown.filled_at and timezone.now() - shown.created_at > STUCK,
    }
    return render_page_or_fragment(request, "reviews/round.html", "reviews/_round.html", context)


def filters_of(request: MemberRequest) -> dict[str, str]:
    try:
        return filters_in(request.GET.dict())
    except NarrowingError as fault:
        raise BadRequest(str(fault)) from fault


def fitting(items: QuerySet[ReviewItem], given: Mapping[str, str], statuses: Mapping[str, int]) -> int:
    """How many items fit; by status alone that is known already."""
    if not set(given) - {"status"}:
        return statuses.get(given["status"], 0) if given else sum(statuses.values())
    return items.count()


def people_around(shown: Round) -> list[User]:
    """The project's members, and who else has a place in the round: those who labelled and left."""
    here = Q(memberships__project=shown.project_id) | Q(seats__round=shown)
    return list(User.objects.filter(here).distinct().order_by("name", "pk"))


def filter_form(given: Mapping[str, str], project: Project, runs: list[Any], people: list[User]) -> ItemFilterForm:
    candidates = {run.candidate_id: run.candidate.name for run in runs}
    types = ErrorType.objects.in_project(project).values_list("pk", "name")
    return ItemFilterForm(given, candidates.items(), [(person.pk, person.name) for person in people], types)


def with_what_is_listed(items: QuerySet[ReviewItem]) -> QuerySet[ReviewItem]:
    """The rows of the table, without the texts of requests and answers."""
    labels = Label.objects.select_related("reviewer").prefetch_related("error_types").order_by("pk")
    listed = items.select_related("output__example", "output__run__candidate", "decision__decided_by")
    listed = listed.prefetch_related(Prefetch("labels", labels))
    heavy = ("text", "raw", "tool_calls", "error", "example__request", "example__expected", "example__metadata")
    return listed.defer(*(f"output__{name}" for name in heavy), "output__run__plan", "output__run__figures")


@require_GET
@for_role(Role.LEAD)
def round_progress(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """The round by person and by reason, how quickly it goes and what is left."""
    shown = get_object_or_404(rounds_with_progress(project), pk=pk)
    context = {"round": shown, "figures": figures_of(shown)}
    return render_page_or_fragment(request, "reviews/round_progress.html", "reviews/_round_progress.html", context)


@require_POST
@for_role(Role.LEAD)
def change_round(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Close, open again, or choose the outputs once more when the worker that should have done it was lost."""
    changed = get_object_or_404(Round.objects.in_project(project), pk=pk)
    action = request.POST.get("action")
    if action == "close":
        close_round(changed, request.user)
    elif action == "reopen":
        reopen_round(changed, request.user)
    elif action == "fill" and not changed.filled_at:
        fill_round_task.delay_on_commit(changed.pk)
    return redirect("reviews:round", project.slug, pk)
