"""Labels made elsewhere: the first step of their import; the others are those of every upload."""

from __future__ import annotations

from django.db.models import Exists, OuterRef
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from evalhub.evalsets.models import EvalSetVersion, Upload
from evalhub.evalsets.receiving import receive
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.runs.models import Run
from evalhub.web.paging import whole
from reviews.importing.forms import LabelsFileForm


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def import_labels(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Choose a file, the round and the runs. The address may choose already: ``?version=``, ``?run=``, ``?round=``."""
    runs = Run.objects.in_project(project).exclude(state=Run.State.CANCELLED)
    chosen_run = whole(request.GET.get("run"))
    versions = (
        EvalSetVersion.objects.in_project(project)
        .filter(Exists(runs.filter(version=OuterRef("pk"))))
        .select_related("eval_set")
        .order_by("-pk")
    )
    wanted = whole(request.GET.get("version"))
    if chosen_run is not None:
        wanted = get_object_or_404(runs, pk=chosen_run).version_id
    version = get_object_or_404(versions, pk=wanted) if wanted is not None else versions.first()
    form = LabelsFileForm(
        project,
        version,
        request,
        round=whole(request.GET.get("round")),
        runs=[chosen_run] if chosen_run is not None else [run.pk for run in runs.filter(version=version)],
    )
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        received = receive(project, Upload.Purpose.LABELS, file, form.target(), request.user)
        return redirect("evalsets:upload", project.slug, received.pk)
    context = {"form": form, "versions": versions, "version": version}
    return render(request, "reviews/import_labels.html", context, status=422 if form.errors else 200)
