"""Endpoints: leads see them, admins keep them and their keys."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.db.models import Count
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from evalhub.candidates.forms import EndpointForm
from evalhub.candidates.keys import clear_key, put_key
from evalhub.candidates.models import Endpoint
from evalhub.candidates.standing import StandingError
from evalhub.candidates.standing import delete_endpoint as delete_unused_endpoint
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.projects.trail import record_event
from evalhub.web.paging import page_of


@require_GET
@for_role(Role.LEAD)
def list_endpoints(request: MemberRequest, project: Project) -> HttpResponseBase:
    endpoints = Endpoint.objects.in_project(project).annotate(candidate_count=Count("candidates"))
    return render(request, "candidates/endpoints.html", {"page": page_of(request, endpoints)})


@sensitive_post_parameters("key")
@require_http_methods(["GET", "POST"])
@for_role(Role.ADMIN)
def new(request: MemberRequest, project: Project) -> HttpResponseBase:
    form = EndpointForm(request.POST or None, project=project, instance=Endpoint(project=project))
    if request.method == "POST" and form.is_valid():
        endpoint = form.save(commit=False)
        put_key(endpoint, form.cleaned_data["key"], former_url="")
        endpoint.save()
        record_event(project, request.user, "added the endpoint", endpoint)
        messages.success(request, f"“{endpoint.name}” saved. Make a candidate that uses it, and try it.")
        return redirect("candidates:endpoints", project.slug)
    return render(request, "candidates/endpoint.html", {"form": form}, status=422 if form.errors else 200)


@sensitive_post_parameters("key")
@require_http_methods(["GET", "POST"])
@for_role(Role.ADMIN)
@transaction.atomic
def edit(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Locked while it changes: a new address and an old key must never meet."""
    endpoint = get_object_or_404(Endpoint.objects.in_project(project).select_for_update(), pk=pk)
    form = EndpointForm(request.POST or None, project=project, instance=endpoint)
    if request.method == "POST" and form.is_valid():
        endpoint = form.save(commit=False)
        is_dropped = put_key(endpoint, form.cleaned_data["key"], form.former_url)
        endpoint.save()
        record_event(project, request.user, "changed the endpoint", endpoint)
        if is_dropped:
            messages.warning(request, "Saved. The address is another one, so the key was removed. Enter the new one.")
            return redirect("candidates:edit_endpoint", project.slug, pk)
        messages.success(request, f"“{endpoint.name}” saved.")
        return redirect("candidates:endpoints", project.slug)
    context = {"form": form, "endpoint": Endpoint.objects.get(pk=pk)}
    return render(request, "candidates/endpoint.html", context, status=422 if form.errors else 200)


@require_POST
@for_role(Role.ADMIN)
@transaction.atomic
def remove_key(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    endpoint = get_object_or_404(Endpoint.objects.in_project(project).select_for_update(), pk=pk)
    clear_key(endpoint)
    endpoint.save(update_fields=["key_encrypted", "key_ending"])
    record_event(project, request.user, "removed the key of", endpoint)
    messages.success(request, "The key is removed. Calls go out without one.")
    return redirect("candidates:edit_endpoint", project.slug, pk)


@require_POST
@for_role(Role.ADMIN)
def delete(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    endpoint = get_object_or_404(Endpoint.objects.in_project(project), pk=pk)
    try:
        delete_unused_endpoint(endpoint, request.user)
        messages.success(request, f"“{endpoint.name}” is deleted.")
    except StandingError as error:
        messages.error(request, str(error))
    return redirect("candidates:endpoints", project.slug)
