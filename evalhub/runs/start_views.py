"""Starting runs: choose, see what it would come to, start."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from evalhub.candidates.models import Candidate
from evalhub.errors import EvalHubError
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.runs.estimate import Totals, estimate
from evalhub.runs.forms import StartForm, published_versions
from evalhub.runs.models import Run
from evalhub.runs.starting import start_runs
from evalhub.web.rendering import wants_fragment

UNREACHABLE = "Queued; the workers cannot be reached at the moment. It goes on by itself when they can."


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def new(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Choose, see what it would come to (a button named “preview”, and by htmx at each change), start.

    An address may choose already: ``?version=ID&candidates=ID&candidates=ID``.
    """
    if request.method == "GET":
        chosen = {"version": request.GET.get("version"), "candidates": request.GET.getlist("candidates")}
        return show_choice(request, project, StartForm(project, initial=chosen))
    if "preview" in request.POST:
        form = StartForm(project, request.POST, looks_ahead=True)
        # Half a choice, on the way to a whole one, is no fault while the page only looks ahead.
        is_fine = form.is_valid() or wants_fragment(request)
        return show_choice(request, project, form, status=200 if is_fine else 422)
    form = StartForm(project, request.POST)
    if form.is_valid():
        try:
            runs = start_runs(user=request.user, **form.cleaned_data)
        except EvalHubError as error:
            form.add_error(None, str(error))
        else:
            tell_started(request, runs)
            only = runs[0] if len(runs) == 1 else None
            return redirect("runs:show", project.slug, only.pk) if only else redirect("runs:list", project.slug)
    return show_choice(request, project, form, status=422)


def totals_of(form: StartForm) -> Totals | None:
    """What the choice comes to; None while it is not a whole one, or something in it cannot be meant."""
    if not form.is_bound or form.faults_in_what_was_typed():
        return None
    chosen = form.cleaned_data
    if not (chosen.get("version") and chosen.get("candidates")):
        return None
    return Totals(estimate(chosen["version"], chosen["candidates"], chosen["repeats"]), chosen["budget"])


def show_choice(request: MemberRequest, project: Project, form: StartForm, status: int = 200) -> HttpResponseBase:
    totals = totals_of(form)
    context: dict[str, Any] = {"form": form, "totals": totals}
    if wants_fragment(request) and "preview" in request.POST:
        context["faults"] = form.faults_in_what_was_typed()
        return render(request, "runs/_estimate.html", context)
    context |= {
        "has_versions": published_versions(project).exists(),
        "has_candidates": Candidate.objects.in_project(project).active().exclude(endpoint=None).exists(),
    }
    return render(request, "runs/new.html", context, status=status)


def tell_started(request: MemberRequest, runs: list[Run]) -> None:
    if all(run.is_announced for run in runs):
        messages.success(request, "The run is started." if len(runs) == 1 else f"{len(runs)} runs are started.")
    else:
        messages.warning(request, UNREACHABLE)
