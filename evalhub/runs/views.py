"""Runs: the list, starting them, one run as it moves, and what may be done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from evalhub.evalsets.models import EvalSetVersion, Upload
from evalhub.evalsets.receiving import receive
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role, User
from evalhub.runs.figures import figures_of
from evalhub.runs.forms import OutputsFileForm, RunFilterForm, published_versions
from evalhub.runs.models import Run
from evalhub.runs.pausing import StateError, cancel_run, pause_run, resume_run, retry_failed
from evalhub.runs.progress import progress_of
from evalhub.runs.start_views import UNREACHABLE
from evalhub.web.paging import page_of
from evalhub.web.rendering import render_page_or_fragment


def runs_of(project: Project) -> Any:
    return Run.objects.in_project(project).select_related("candidate", "version__eval_set", "started_by", "project")


@require_GET
@for_role(Role.LEAD)
def list_runs(request: MemberRequest, project: Project) -> HttpResponseBase:
    """The project's runs, latest first, narrowed by eval set, candidate and state."""
    form = RunFilterForm(project, request.GET)
    page = page_of(request, form.narrow(runs_of(project)), "-pk")
    figures = figures_of(page.rows)
    context = {
        "form": form,
        "page": page,
        "rows": [(run, figures.get(run.pk)) for run in page.rows],
        "is_filtered": any(request.GET.get(name) for name in form.fields),
    }
    return render(request, "runs/list.html", context)


@require_GET
@for_role(Role.LEAD)
def show(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    run = get_object_or_404(runs_of(project), pk=pk)
    return render(request, "runs/show.html", {"run": run, "progress": progress_of(run)})


@require_GET
@for_role(Role.LEAD)
def progress(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """The part of a run's page that moves; without htmx, the page."""
    run = get_object_or_404(runs_of(project), pk=pk)
    context = {"run": run, "progress": progress_of(run)}
    return render_page_or_fragment(request, "runs/show.html", "runs/_progress.html", context)


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


@require_GET
@for_role(Role.LEAD)
def summary(request: MemberRequest, project: Project) -> HttpResponseBase:
    """The part of the overview that tells of runs."""
    runs = Run.objects.in_project(project)
    counts = runs.aggregate(
        all=Count("pk"),
        running=Count("pk", filter=Q(state=Run.State.RUNNING)),
        paused=Count("pk", filter=Q(state=Run.State.PAUSED)),
    )
    latest = runs_of(project).order_by("-pk").first()
    context = {
        "counts": counts,
        "latest": latest,
        "figures": figures_of([latest]).get(latest.pk) if latest else None,
        "has_versions": EvalSetVersion.objects.in_project(project).published().exists(),
    }
    return render(request, "runs/_summary.html", context)
