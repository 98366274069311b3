"""The error types: their tree, and what leads change in it."""

from __future__ import annotations

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from taxonomy.models import ErrorType
from taxonomy.tree import in_tree_order
from taxonomy.types import editing
from taxonomy.types.forms import ErrorTypeForm


@require_GET
@for_role(Role.REVIEWER)
def error_types(request: MemberRequest, project: Project) -> HttpResponseBase:
    active = {found.pk: found for found in ErrorType.objects.in_project(project).active()}
    parents = {key: found.parent_id for key, found in active.items()}
    context = {
        "rows": [(active[key], depth) for key, depth in in_tree_order(parents, active)],
        "retired": ErrorType.objects.in_project(project).exclude(retired_at=None),
    }
    return render(request, "taxonomy/error_types.html", context)


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def new_error_type(request: MemberRequest, project: Project) -> HttpResponseBase:
    form = ErrorTypeForm(request.POST or None, project=project)
    if request.method == "POST" and form.is_valid():
        editing.add_error_type(form.save(commit=False), request.user)
        return redirect("taxonomy:error_types", project.slug)
    return render(request, "taxonomy/error_type.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def edit_error_type(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    error_type = get_object_or_404(ErrorType.objects.in_project(project), pk=pk)
    form = ErrorTypeForm(request.POST or None, instance=error_type, project=project)
    if request.method == "POST" and form.is_valid():
        editing.change_error_type(form.save(commit=False), request.user)
        messages.success(request, "Saved.")
        return redirect("taxonomy:error_types", project.slug)
    context = {"form": form, "error_type": ErrorType.objects.get(pk=pk)}
    return render(request, "taxonomy/error_type.html", context, status=422 if form.errors else 200)


@require_POST
@for_role(Role.LEAD)
def move(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    error_type = get_object_or_404(ErrorType.objects.in_project(project).active(), pk=pk)
    editing.move_error_type(error_type, -1 if request.POST.get("direction") == "up" else 1, request.user)
    return redirect("taxonomy:error_types", project.slug)


@require_POST
@for_role(Role.LEAD)
def retire(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    error_type = get_object_or_404(ErrorType.objects.in_project(project).active(), pk=pk)
    try:
        editing.retire_error_type(error_type, request.user)
        messages.success(request, f"“{error_type}” is retired. Labels that carry it keep it.")
    except editing.TaxonomyError as error:
        messages.error(request, str(error))
    return redirect("taxonomy:error_types", project.slug)


@require_POST
@for_role(Role.LEAD)
def restore(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    error_type = get_object_or_404(ErrorType.objects.in_project(project).exclude(retired_at=None), pk=pk)
    try:
        editing.restore_error_type(error_type, request.user)
        messages.success(request, f"“{error_type}” is back in the reviewers' list.")
    except editing.TaxonomyError as error:
        messages.error(request, str(error))
    return redirect("taxonomy:error_types", project.slug)
