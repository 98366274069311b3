"""The outputs behind a figure."""

from __future__ import annotations

from django.core.exceptions import BadRequest
from django.db.models import Prefetch
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.runs.models import Run
from evalhub.web.paging import page_of, whole
from taxonomy.breakdown.counting import CountedError, NoSuchTypeError, counted_of
from taxonomy.models import Finding


@require_GET
@for_role(Role.LEAD)
def outputs(request: MemberRequest, project: Project) -> HttpResponseBase:
    """The outputs of a run that a figure of the breakdown counts."""
    run = get_object_or_404(
        Run.objects.in_project(project).select_related("candidate", "version__eval_set"),
        pk=whole(request.GET.get("run")),
    )
    try:
        counted = counted_of(project, run, request.GET.dict())
    except NoSuchTypeError as error:
        raise Http404(str(error)) from error
    except CountedError as error:
        raise BadRequest(str(error)) from error
    found = counted.outputs()
    findings = Finding.objects.select_related("error_type").order_by("error_type__position", "error_type", "source")
    rows = found.select_related("example", "verdict").prefetch_related(Prefetch("verdict__findings", findings))
    context = {"run": run, "counted": counted, "page": page_of(request, rows), "count": found.count()}
    return render(request, "taxonomy/outputs.html", context)
