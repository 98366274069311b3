"""Review rounds: watched by a lead, closed and opened again."""

from __future__ import annotations

from datetime import timedelta

from django.core.exceptions import BadRequest
from django.db.models import Count, Q
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.web.paging import page_of
from evalhub.web.rendering import render_page_or_fragment
from reviews.models import Label, Reason, ReviewItem, Round
from reviews.progress import rounds_with_progress
from reviews.rounds import close_round, reopen_round
from reviews.tasks import fill_round_task

STUCK = timedelta(seconds=60)


@require_GET
@for_role(Role.LEAD)
def show_round(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """How far the round is, by candidate and by person, and its items."""
    shown = get_object_or_404(rounds_with_progress(project), pk=pk)
    status = request.GET.get("status", "")
    if status and status not in ReviewItem.Status:
        raise BadRequest("status is not known")
    items = ReviewItem.objects.filter(round=shown).select_related("output__example", "output__run__candidate")
    page = page_of(request, (items.filter(status=status) if status else items).prefetch_related("labels__reviewer"))
    statuses = dict(ReviewItem.objects.filter(round=shown).order_by().values_list("status").annotate(Count("pk")))
    people = (
        Label.objects.filter(item__round=shown)
        .values("reviewer__name")
        .annotate(labels=Count("pk"), failed=Count("pk", filter=Q(outcome="fail")))
        .order_by("-labels")
    )
    context = {
        "round": shown,
        "runs": shown.runs.select_related("candidate", "version__eval_set"),
        "wanted": [(Reason(key).label, count) for key, count in shown.selection.get("wanted", {}).items()],
        "statuses": [(choice, statuses.get(choice, 0)) for choice in ReviewItem.Status],
        "status": status,
        "people": people,
        "page": page,
        "is_stuck": not shown.filled_at and timezone.now() - shown.created_at > STUCK,
    }
    return render_page_or_fragment(request, "reviews/round.html", "reviews/_round.html", context)


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
