"""Review rounds: made by a lead, with a look at what they will hold."""

from __future__ import annotations

import secrets
from typing import Any

from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from evalhub.evalsets.models import EvalSetVersion
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.runs.models import Run
from evalhub.web.paging import whole
from evalhub.web.rendering import render_page_or_fragment
from reviews.making.forms import RoundForm
from reviews.making.planning import plan_round
from reviews.making.preview import preview_round
from reviews.models import Round
from reviews.tasks import fill_round_task


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def new_round(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Choose a version that has runs, then the runs, the reasons and the people's part; “preview” makes nothing yet."""
    versions = (
        EvalSetVersion.objects.in_project(project).filter(runs__isnull=False).distinct().select_related("eval_set")
    )
    versions = versions.order_by("-pk")
    wanted = whole(request.POST.get("version") or request.GET.get("version"))
    version = get_object_or_404(versions, pk=wanted) if wanted else versions.first()
    if version is None:
        return render(request, "reviews/new.html", {"version": None})
    looks_ahead = "preview" in request.POST
    form = RoundForm(
        request.POST or None,
        project=project,
        version=version,
        looks_ahead=looks_ahead,
        initial=first_values(project, version),
    )
    is_good = request.method == "POST" and form.is_valid()
    if is_good and not looks_ahead:
        made = make_round(request, project, form)
        return redirect("reviews:round", project.slug, made.pk)
    context: dict[str, Any] = {"form": form, "versions": versions, "version": version}
    if looks_ahead:
        context |= {"preview": preview_of(project, form)} if is_good else {"faults": form.faults()}
    elif form.errors:
        context["faults"] = form.faults()
        form.focus_first_fault()
    # To htmx, which swaps the preview alone, faults are what there is to show.
    status = 422 if form.errors and not request.htmx else 200
    return render_page_or_fragment(request, "reviews/new.html", "reviews/_preview.html", context, status)


def first_values(project: Project, version: EvalSetVersion) -> dict[str, Any]:
    """What the form holds at first: a seed too, so that the preview shows the very outputs that will be chosen."""
    runs = Run.objects.in_project(project).filter(version=version).exclude(state=Run.State.CANCELLED)
    return {
        "name": f"{version}: disagreements"[:100],
        "runs": list(runs.values_list("pk", flat=True)),
        "seed": secrets.token_hex(4),
    }


def make_round(request: MemberRequest, project: Project, form: RoundForm) -> Round:
    data, selection = form.cleaned_data, form.selection()
    made = plan_round(
        project,
        data["name"],
        data["runs"],
        data["wanted"],
        request.user,
        seed=selection.seed,
        checks=selection.checks,
        tags=selection.tags,
        measures=selection.measures,
        known=selection.known,
        **form.work(),
    )
    fill_round_task.delay_on_commit(made.pk)
    return made


def preview_of(project: Project, form: RoundForm) -> Any:
    data = form.cleaned_data
    return preview_round(
        project, data["runs"], form.selection(), data["labels_wanted"], data["shared_percent"], form.people()
    )
