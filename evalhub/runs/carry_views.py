"""Taking the outputs of a run over to a later version."""

from __future__ import annotations

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from evalhub.evalsets.models import EvalSetVersion
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.runs.carrying import carry_outputs, later_version
from evalhub.runs.list_views import runs_of
from evalhub.runs.starting import StartingError
from evalhub.web.paging import whole


@require_POST
@for_role(Role.LEAD)
def take_over(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Make the run that has these outputs over the version that is named, or the newest, and show it."""
    run = get_object_or_404(runs_of(project), pk=pk)
    wanted = whole(request.POST.get("version"))
    versions = EvalSetVersion.objects.in_project(project).listed().select_related("eval_set")
    version = get_object_or_404(versions, pk=wanted) if wanted else later_version(run)
    if version is None:
        messages.error(request, "There is no later version that these outputs could be taken over to.")
        return redirect("runs:show", project.slug, run.pk)
    try:
        made = carry_outputs(run, version, request.user)
    except StartingError as error:
        messages.error(request, str(error))
        return redirect("runs:show", project.slug, run.pk)
    messages.success(request, f"The outputs are taken over to {version}. The run before keeps its own scores.")
    return redirect("runs:show", project.slug, made.pk)
