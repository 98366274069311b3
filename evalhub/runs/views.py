"""One run as it moves, what may be done with it, and runs of recorded outputs."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from evalhub.evalsets.models import Upload
from evalhub.evalsets.receiving import receive
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role, User
from evalhub.runs.forms import OutputsFileForm, RaiseForm, published_versions
from evalhub.runs.list_views import runs_of
from evalhub.runs.models import Run
from evalhub.runs.pausing import StateError, cancel_run, pause_run, resume_run, retry_failed
from evalhub.runs.progress import progress_of
from evalhub.runs.raising import RaisingError, raise_budget
from evalhub.runs.start_views import UNREACHABLE
from evalhub.web.rendering import render_page_or_fragment, wants_fragment

RAISED = "The budget is raised, and the run goes on."


@require_GET
@for_role(Role.LEAD)
def show(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    return render(request, "runs/show.html", context_of(get_object_or_404(runs_of(project), pk=pk)))


@require_GET
@for_role(Role.LEAD)
def progress(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """The part of a run's page that moves; without htmx, the page."""
    run = get_object_or_404(runs_of(project), pk=pk)
    return render_page_or_fragment(request, "runs/show.html", "runs/_progress.html", context_of(run))


def context_of(run: Run, raise_form: RaiseForm | None = None) -> dict[str, Any]:
    return {"run": run, "progress": progress_of(run), "raise_form": raise_form or RaiseForm()}


def change_state(
    request: MemberRequest, project: Project, pk: int, change: Callable[[Run, User], object], done: str
) -> HttpResponseBase:
    """Make one of the changes of ``pausing``; one that no longer applies is a 409 that says how it stands."""
    run = get_object_or_404(runs_of(project), pk=pk)
    try:
        result = change(run, request.user)
    except StateError as error:
        return render(request, "runs/conflict.html", {"run": run, "error": error}, status=409)
    if run.is_announced:
        messages.success(request, done.format(result))
    else:
        messages.warning(request, UNREACHABLE)
    if wants_fragment(request):  # the part is swapped in place, so that nothing jumps and the focus stays
        return render(request, "runs/_progress.html", context_of(run))
    return redirect("runs:show", project.slug, run.pk)


@require_POST
@for_role(Role.LEAD)
def pause(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    return change_state(request, project, pk, pause_run, "Paused. Calls in flight are still stored.")


@require_POST
@for_role(Role.LEAD)
def resume(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    return change_state(request, project, pk, resume_run, "The run goes on.")


@require_POST
@for_role(Role.LEAD)
def cancel(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    return change_state(request, project, pk, cancel_run, "Cancelled. What was answered stays.")


@require_POST
@for_role(Role.LEAD)
def retry(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    return change_state(request, project, pk, retry_failed, "{} failed outputs are asked for again.")


@require_POST
@for_role(Role.LEAD)
def raise_and_resume(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Give a paused run more money, and let it go on."""
    run = get_object_or_404(runs_of(project), pk=pk)
    form = RaiseForm(request.POST)
    if form.is_valid():
        try:
            return change_state(request, project, pk, partial(raised_and_resumed, form.cleaned_data["budget"]), RAISED)
        except RaisingError as error:
            form.add_error("budget", str(error))
            run.refresh_from_db()
    return render(request, "runs/show.html", context_of(run, form), status=422)


@transaction.atomic
def raised_and_resumed(amount: Decimal, run: Run, user: User) -> None:
    raise_budget(run, amount, user)
    resume_run(run, user)


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def upload(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Outputs that were recorded elsewhere: the first step; the others are those of every upload."""
    form = OutputsFileForm(project, request)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        received = receive(project, Upload.Purpose.OUTPUTS, file, form.target(), request.user)
        return redirect("evalsets:upload", project.slug, received.pk)
    has_versions = published_versions(project).exists()
    context = {"form": form, "has_versions": has_versions}
    return render(request, "runs/upload.html", context, status=422 if form.errors else 200)
