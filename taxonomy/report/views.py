"""The report as a page, as JSON and as PDF."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from evalhub.errors import EvalHubError
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.runs.models import Run
from evalhub.web.paging import whole
from taxonomy.models import TaxonomyVersion
from taxonomy.report.data import Report, report_of
from taxonomy.report.linking import page_document, printed
from taxonomy.report.pdf import PAPERS

MOST_RUNS = 200
MOST_VERSIONS = 100


@require_GET
@for_role(Role.LEAD)
def report(request: MemberRequest, project: Project) -> HttpResponseBase:
    first, second = asked_runs(request, project)
    if first is None or second is None:
        return render(request, "taxonomy/report.html", {})
    made = report_or_refusal(project, first, second, asked_number(request, "as_of"))
    context = {
        "document": page_document(project, made),
        "version": first.version,
        "first": first,
        "second": second,
        "as_of": made.as_of,
        "runs": runs_over(first, second),
        "versions": list(TaxonomyVersion.objects.filter(project=project).defer("tree")[:MOST_VERSIONS]),
    }
    return render(request, "taxonomy/report.html", context)


@require_GET
@for_role(Role.LEAD)
def report_json(request: MemberRequest, project: Project) -> HttpResponseBase:
    made = asked_report(request, project)
    return attachment(made.canonical, "application/json", f"{made.file_name}.json")


@require_GET
@for_role(Role.LEAD)
def report_pdf(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Made in the request: it takes a few hundredths of a second."""
    paper = request.GET.get("paper", "a4")
    if paper not in PAPERS:
        raise BadRequest(f"“paper” must be {' or '.join(PAPERS)}")
    made = asked_report(request, project)
    return attachment(printed(project, made, paper), "application/pdf", f"{made.file_name}.pdf")


def attachment(content: bytes, content_type: str, name: str) -> HttpResponse:
    return HttpResponse(
        content, content_type=content_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def asked_report(request: MemberRequest, project: Project) -> Report:
    first, second = asked_runs(request, project)
    if first is None or second is None:
        raise BadRequest("There are no two runs to report on. Name them as first and second.")
    return report_or_refusal(project, first, second, asked_number(request, "as_of"))


def report_or_refusal(project: Project, first: Run, second: Run, as_of: int | None) -> Report:
    try:
        return report_of(project, first, second, as_of)
    except EvalHubError as error:
        raise BadRequest(str(error)) from error


def asked_runs(request: MemberRequest, project: Project) -> tuple[Run | None, Run | None]:
    """The two runs of the address; where none is named, the baseline's newest and the newest other one beside it."""
    runs = Run.objects.in_project(project).select_related("candidate", "version__eval_set")
    keys = [asked_number(request, name) for name in ("first", "second")]
    if None not in keys:
        first, second = (get_object_or_404(runs, pk=key) for key in keys)
        return first, second
    named = next((get_object_or_404(runs, pk=key) for key in keys if key is not None), None)
    newest = named or runs.exclude(state=Run.State.CANCELLED).order_by("-pk").first()
    if newest is None:
        return None, None
    beside = list(runs_over(newest, newest))
    others = [run for run in beside if run.candidate_id != newest.candidate_id]
    other = next((run for run in others if run.candidate.is_baseline), others[0] if others else None)
    if keys[0] is not None:
        return named, other
    return (newest, other) if newest.candidate.is_baseline and named is None else (other, newest)


def runs_over(first: Run, second: Run) -> Sequence[Run]:
    """The runs over the same version, newest first; the two are always among them."""
    found = Run.objects.filter(version=first.version_id).exclude(state=Run.State.CANCELLED)
    listed = list(found.select_related("candidate", "version__eval_set").order_by("-pk")[:MOST_RUNS])
    keys = {run.pk for run in listed}
    return listed + [run for run in {first.pk: first, second.pk: second}.values() if run.pk not in keys]


def asked_number(request: MemberRequest, name: str) -> int | None:
    """A whole number of the address; None if absent, a 400 page if it is something else."""
    text = request.GET.get(name)
    value = whole(text)
    if text and value is None:
        raise BadRequest(f"{name} must be a whole number")
    return value
