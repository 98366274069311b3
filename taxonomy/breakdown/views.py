"""The breakdown of candidates by error type, and the outputs behind its figures."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import BadRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from evalhub.checks.shares import shares_right
from evalhub.evalsets.models import EvalSetVersion
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.runs.models import Output, Run
from evalhub.web.charts import Bar, bar_chart
from evalhub.web.paging import page_of, whole
from evalhub.web.templatetags.ui import address
from taxonomy.breakdown.counting import CountedError, counted_outputs
from taxonomy.breakdown.matrix import (
    Cell,
    cause_rows,
    compared_versions,
    failed_cells,
    finding_rows,
    newest_runs,
    settled_elsewhere,
    share_cell,
)
from taxonomy.models import ErrorType, Verdict


def asked_number(request: MemberRequest, name: str) -> int | None:
    """A whole number of the address; None if absent, a 400 page if it is something else."""
    text = request.GET.get(name)
    value = whole(text)
    if text and value is None:
        raise BadRequest(f"{name} must be a whole number")
    return value


def chosen_version(request: MemberRequest, versions: list[EvalSetVersion]) -> EvalSetVersion | None:
    """The version that ``?version=`` names, or the one with the newest run; None when there is no run yet."""
    wanted = asked_number(request, "version")
    if wanted is None:
        return versions[0] if versions else None
    found = next((version for version in versions if version.pk == wanted), None)
    if found is None:
        raise BadRequest("no run over such a version")
    return found


def right_bar(project: Project, cell: Cell) -> Bar:
    interval = (cell.low, cell.high) if cell.low is not None and cell.high is not None else None
    name = f"{cell.run.candidate.name}{' (baseline)' if cell.run.candidate.is_baseline else ''}"
    url = address("taxonomy:outputs", project.slug, run=cell.run.pk, right="yes")
    return Bar(name, cell.count, cell.n, interval, url)


def figures_of(project: Project, runs: list[Run]) -> dict[str, Any]:
    """All that the breakdown shows for these runs."""
    shares = shares_right(runs)
    settled = failed_cells(runs)
    right = [share_cell(run, shares[run.pk].right, shares[run.pk].counted) for run in runs]
    return {
        "runs": runs,
        "right": right,
        "chart": bar_chart(
            "Outputs that are right by the checks", [("", [right_bar(project, cell) for cell in right])], 1
        ),
        "settled": settled,
        "finding_rows": finding_rows(project, runs, settled),
        "settled_total": sum(cell.n for cell in settled),
        "cause_rows": cause_rows(runs),
    }


@require_GET
@for_role(Role.LEAD)
def breakdown(request: MemberRequest, project: Project) -> HttpResponseBase:
    versions = compared_versions(project)
    version = chosen_version(request, versions)
    preferred = [key for text in request.GET.getlist("run") if (key := whole(text)) is not None]
    runs = newest_runs(version, preferred) if version else []
    context = {
        "versions": versions,
        "version": version,
        "elsewhere": settled_elsewhere(version, runs) if version else [],
        "has_repeats": any(run.repeats > 1 for run in runs),
        **figures_of(project, runs),
    }
    return render(request, "taxonomy/breakdown.html", context)


@require_GET
@for_role(Role.LEAD)
def summary(request: MemberRequest, project: Project) -> HttpResponseBase:
    versions = compared_versions(project)
    runs = newest_runs(versions[0]) if versions else []
    context = {"version": versions[0] if versions else None, **figures_of(project, runs)}
    return render(request, "taxonomy/_summary.html", context)


@require_GET
@for_role(Role.LEAD)
def outputs(request: MemberRequest, project: Project) -> HttpResponseBase:
    """The outputs of a run that a figure of the breakdown counts."""
    run = get_object_or_404(
        Run.objects.in_project(project).select_related("candidate"), pk=asked_number(request, "run")
    )
    error_type = None
    if (wanted := asked_number(request, "error_type")) is not None:
        error_type = get_object_or_404(ErrorType.objects.in_project(project), pk=wanted)
    right, outcome = request.GET.get("right", ""), request.GET.get("outcome", "")
    try:
        found = counted_outputs(run, error_type, outcome, right)
    except CountedError as error:
        raise BadRequest(str(error)) from error
    rows = found.select_related("example", "verdict").prefetch_related("verdict__findings__error_type")
    context = {
        "run": run,
        "error_type": error_type,
        "outcome": outcome,
        "right": right,
        "page": page_of(request, rows),
        "count": found.count(),
    }
    return render(request, "taxonomy/outputs.html", context)


@require_GET
@for_role(Role.LEAD)
def output_verdict(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Part of an output's page: the settled verdict and its findings."""
    output = get_object_or_404(Output.objects.in_project(project), pk=pk)
    verdicts = Verdict.objects.filter(output=output).select_related("decided_by")
    verdict = verdicts.prefetch_related("findings__error_type").first()
    return render(request, "taxonomy/_output_verdict.html", {"verdict": verdict})
