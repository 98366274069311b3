"""The API keys of a project: made, shown once, listed, revoked."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.forms import ApiKeyForm
from evalhub.projects.keys import make_key, revoke_key
from evalhub.projects.models import ApiKey, Member, Project, Role
from evalhub.web.paging import page_of


def show_keys(request: MemberRequest, project: Project, **more: Any) -> HttpResponseBase:
    keys = ApiKey.objects.in_project(project).select_related("user", "revoked_by")
    page = page_of(request, keys, "-pk")
    roles = dict(
        Member.objects.filter(project=project, user__in=[key.user_id for key in page.rows]).values_list("user", "role")
    )
    context: dict[str, Any] = {
        "page": page,
        "rows": [(key, may_less(key, roles.get(key.user_id))) for key in page.rows],
        "form": ApiKeyForm(initial={"role": Role.LEAD}),
        "server": request.build_absolute_uri("/").rstrip("/"),
    } | more
    return render(request, "projects/keys.html", context, status=422 if context["form"].errors else 200)


def may_less(key: ApiKey, role: str | None) -> str:
    """The role that the key's maker has now, where that is less than the key's."""
    return Role(role).label if role and not Role(role).may(Role(key.role)) else ""


@require_http_methods(["GET", "POST"])
@for_role(Role.ADMIN)
def keys(request: MemberRequest, project: Project) -> HttpResponseBase:
    """All keys, and the form for another. A new key is shown once, in the answer to the form."""
    if request.method == "GET":
        return show_keys(request, project)
    form = ApiKeyForm(request.POST)
    if not form.is_valid():
        return show_keys(request, project, form=form)
    token = make_key(request.member, form.cleaned_data["name"], Role(form.cleaned_data["role"]))
    return show_keys(request, project, token=token, token_name=form.cleaned_data["name"])


@require_POST
@for_role(Role.ADMIN)
def revoke(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    key = get_object_or_404(ApiKey.objects.in_project(project), pk=pk)
    if revoke_key(key, request.user):
        messages.success(request, f"{key} is revoked: it opens nothing any more.")
    else:
        messages.error(request, f"{key} was revoked already.")
    return redirect("projects:keys", project.slug)
