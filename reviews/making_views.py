"""Review rounds: made by a lead."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from evalhub.evalsets.models import EvalSetVersion
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.runs.models import Run
from evalhub.web.paging import whole
from reviews.round_forms import RoundForm
from reviews.rounds import plan_round
from reviews.tasks import fill_round_task


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def new_round(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Choose a version that has runs, then the runs, the reasons and the people's part."""
    versions = (
        EvalSetVersion.objects.in_project(project).filter(runs__isnull=False).distinct().select_related("eval_set")
    )
    versions = versions.order_by("-pk")
    wanted = whole(request.POST.get("version") or request.GET.get("version"))
    version = get_object_or_404(versions, pk=wanted) if wanted else versions.first()
    if version is None:
        return render(request, "reviews/new.html", {"version": None})
    chosen = [
        run.pk for run in Run.objects.in_project(project).filter(version=version).exclude(state=Run.State.CANCELLED)
    ]
    initial = {"name": f"{version}: disagreements", "runs": chosen}
    form = RoundForm(request.POST or None, project=project, version=version, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        keep = ("guidelines", "is_blind", "labels_wanted", "seed")
        planned = plan_round(
            project, data["name"], data["runs"], data["wanted"], request.user, **{name: data[name] for name in keep}
        )
        fill_round_task.delay_on_commit(planned.pk)
        return redirect("reviews:round", project.slug, planned.pk)
    context = {"form": form, "versions": versions, "version": version}
    return render(request, "reviews/new.html", context, status=422 if form.errors else 200)
