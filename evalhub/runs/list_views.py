"""The list of a project's runs, as it moves, and what the overview says of them."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http.response import HttpResponseBase
from django.shortcuts import get_list_or_404, render
from django.views.decorators.http import require_GET

from evalhub.evalsets.models import EvalSetVersion
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.runs.figures import figures_of
from evalhub.runs.forms import RunFilterForm
from evalhub.runs.models import Run
from evalhub.runs.standing import in_short
from evalhub.web.paging import PAGE_SIZE, page_of


def runs_of(project: Project) -> QuerySet[Run]:
    return Run.objects.in_project(project).select_related("candidate", "version__eval_set", "started_by", "project")


def rows_of(runs: list[Run]) -> dict[str, Any]:
    """What the list shows of each run, and which of them move."""
    figures, shorts = figures_of(runs), in_short(runs)
    return {
        "rows": [(run, figures.get(run.pk), shorts.get(run.pk, "")) for run in runs],
        "moving": [run.pk for run in runs if run.state == Run.State.RUNNING],
    }


@require_GET
@for_role(Role.LEAD)
def list_runs(request: MemberRequest, project: Project) -> HttpResponseBase:
    """The project's runs, latest first, narrowed by eval set, candidate and state."""
    form = RunFilterForm(project, request.GET)
    page = page_of(request, form.narrow(runs_of(project)), "-pk")
    context = {
        "form": form,
        "page": page,
        "is_filtered": any(request.GET.get(name) for name in form.fields),
        **rows_of(list(page.rows)),
    }
    return render(request, "runs/list.html", context)


@require_GET
@for_role(Role.LEAD)
def moving(request: MemberRequest, project: Project) -> HttpResponseBase:
    """The rows of the list that moved when it was shown (``?run=ID&run=ID``), as they are now."""
    wanted = [int(text) for text in request.GET.getlist("run")[:PAGE_SIZE] if text.isdecimal() and len(text) < 19]
    runs = get_list_or_404(runs_of(project).order_by("-pk"), pk__in=wanted)
    return render(request, "runs/_moving.html", rows_of(runs) | {"is_answer": True})


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
