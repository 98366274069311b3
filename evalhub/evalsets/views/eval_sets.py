"""Eval sets and what belongs to all their versions."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import Count
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from evalhub.evalsets.comparing import changed_in, count_changes, differences, only_in
from evalhub.evalsets.excerpts import expected_excerpt, request_excerpt
from evalhub.evalsets.forms import EvalSetForm
from evalhub.evalsets.models import EvalSet, EvalSetVersion, Upload
from evalhub.evalsets.pool import facts_of_pool
from evalhub.evalsets.proposals import counts_of
from evalhub.evalsets.views.samples import PAGING, refuse_unknown
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.projects.trail import record_event
from evalhub.web.paging import page_of, whole

CHANGES = ("changed", "added", "removed")
CHANGES_ON_A_PAGE = 20


@require_GET
@for_role(Role.LEAD)
def list_eval_sets(request: MemberRequest, project: Project) -> HttpResponseBase:
    eval_sets = EvalSet.objects.in_project(project).annotate(version_count=Count("versions"))
    page = page_of(request, eval_sets, "-pk")
    latest = latest_versions(page.rows)
    rows = [(eval_set, latest.get(eval_set.pk)) for eval_set in page.rows]
    return render(request, "evalsets/list.html", {"page": page, "rows": rows})


def latest_versions(eval_sets: Any) -> dict[int, EvalSetVersion]:
    """The newest version of each, in one query."""
    versions = EvalSetVersion.objects.filter(eval_set__in=[eval_set.pk for eval_set in eval_sets]).listed()
    newest = versions.order_by("eval_set_id", "-number").distinct("eval_set_id")
    return {version.eval_set_id: version for version in newest}


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def new_eval_set(request: MemberRequest, project: Project) -> HttpResponseBase:
    form = EvalSetForm(request.POST or None, project=project)
    if request.method == "POST" and form.is_valid():
        eval_set = form.save()
        record_event(project, request.user, "made the eval set", eval_set)
        return redirect("evalsets:show", project.slug, eval_set.pk)
    return render(request, "evalsets/new.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def edit_eval_set(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    eval_set = get_object_or_404(EvalSet.objects.in_project(project), pk=pk)
    form = EvalSetForm(request.POST or None, project=project, instance=eval_set)
    if request.method == "POST" and form.is_valid():
        form.save()
        record_event(project, request.user, "changed name or description of", eval_set)
        messages.success(request, "Saved.")
        return redirect("evalsets:show", project.slug, pk)
    context = {"form": form, "eval_set": EvalSet.objects.get(pk=pk)}
    return render(request, "evalsets/edit.html", context, status=422 if form.errors else 200)


@require_GET
@for_role(Role.LEAD)
def show_eval_set(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    eval_set = get_object_or_404(EvalSet.objects.in_project(project), pk=pk)
    versions = eval_set.versions.listed().select_related("created_by", "published_by", "upload")
    context = {
        "eval_set": eval_set,
        "page": page_of(request, versions.defer("facts"), "-number"),
        "readable": list(eval_set.versions.readable().only("number", "state", "eval_set")[:100]),
        "uploads": Upload.objects.waiting_in(project, Upload.Purpose.EXAMPLES, eval_set=pk),
        "has_samples": facts_of_pool(project).samples > 0,
        "corrections": counts_of(eval_set),
    }
    return render(request, "evalsets/show.html", context)


@require_GET
@for_role(Role.LEAD)
def compare_versions(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    refuse_unknown(request, PAGING | {"old", "new", "show"})
    eval_set = get_object_or_404(EvalSet.objects.in_project(project), pk=pk)
    asked, numbers = request.GET.get("show", ""), [whole(request.GET.get(name)) for name in ("old", "new")]
    if None in numbers or asked not in {*CHANGES, ""}:
        raise BadRequest("The address does not say which versions to compare.")
    old, new = (get_object_or_404(eval_set.versions.readable(), number=number) for number in numbers)
    counts = count_changes(old, new)
    shown = asked or next((change for change in CHANGES if getattr(counts, change)), CHANGES[0])
    context = {
        "eval_set": eval_set,
        "old": old,
        "new": new,
        "counts": counts,
        "shown": shown,
        "changes": [(change, getattr(counts, change)) for change in CHANGES],
    }
    if shown == "changed":
        page = page_of(request, changed_in(new, old), "position", CHANGES_ON_A_PAGE)
        context["differences"] = differences(page.rows, old)
    else:
        examples = only_in(new, old) if shown == "added" else only_in(old, new)
        excerpts = examples.annotate(excerpt=request_excerpt(), expected_text=expected_excerpt())
        page = page_of(request, excerpts.defer("request", "expected"), "position")
    return render(request, "evalsets/compare.html", context | {"page": page})


@require_GET
@for_role(Role.LEAD)
def summary(request: MemberRequest, project: Project) -> HttpResponseBase:
    """What the overview says of eval sets."""
    versions = EvalSetVersion.objects.in_project(project).published().select_related("eval_set").defer("facts")
    context = {
        "samples": facts_of_pool(project).samples,
        "eval_set_count": EvalSet.objects.in_project(project).count(),
        "eval_set": EvalSet.objects.in_project(project).order_by("-pk").first(),
        "latest": versions.order_by("-published_at").first(),
    }
    return render(request, "evalsets/_summary.html", context)
