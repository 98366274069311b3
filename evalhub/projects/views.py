"""Sign-in, the account, projects and their people."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth import login, update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from evalhub.projects.access import MemberRequest, UserRequest, for_role
from evalhub.projects.forms import InvitationForm, NewUserForm, ProjectForm, RoleForm, SignInForm
from evalhub.projects.joining import (
    JoiningError,
    accept_invitation,
    change_role,
    found_project,
    invite,
    remove_member,
    token_hash,
)
from evalhub.projects.models import Event, Invitation, Member, Project, Role
from evalhub.projects.trail import record_event
from evalhub.web.paging import page_of

sign_in = LoginView.as_view(
    template_name="projects/sign_in.html", authentication_form=SignInForm, redirect_authenticated_user=True
)
sign_out = LogoutView.as_view()


@require_GET
def list_projects(request: UserRequest) -> HttpResponseBase:
    """The person's projects; with a single one there is nothing to choose."""
    members = list(Member.objects.filter(user=request.user).select_related("project").order_by("project__name"))
    if len(members) == 1 and not request.user.may_create_projects:
        return redirect("projects:overview", members[0].project.slug)
    return render(request, "projects/list.html", {"members": members})


@require_http_methods(["GET", "POST"])
def new_project(request: UserRequest) -> HttpResponseBase:
    if not request.user.may_create_projects:
        raise PermissionDenied
    form = ProjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        project = found_project(request.user, form.cleaned_data["name"], form.cleaned_data["description"])
        return redirect("projects:overview", project.slug)
    return render(request, "projects/new.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def account(request: UserRequest) -> HttpResponseBase:
    form = PasswordChangeForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        update_session_auth_hash(request, request.user)  # this session stays; all others end
        messages.success(request, "Password changed. Other sessions are signed out.")
        return redirect("projects:account")
    return render(request, "projects/account.html", {"form": form}, status=422 if form.errors else 200)


@require_GET
@for_role(Role.REVIEWER)
def overview(request: MemberRequest, project: Project) -> HttpResponseBase:
    return render(request, "projects/overview.html", {})


@require_http_methods(["GET", "POST"])
@for_role(Role.ADMIN)
def settings(request: MemberRequest, project: Project) -> HttpResponseBase:
    form = ProjectForm(request.POST or None, instance=Project.objects.get(pk=project.pk))
    if request.method == "POST" and form.is_valid():
        form.save()
        record_event(project, request.user, "changed the project's name or description to", form.cleaned_data["name"])
        messages.success(request, "Saved.")
        return redirect("projects:settings", project.slug)
    return render(request, "projects/settings.html", {"form": form}, status=422 if form.errors else 200)


def show_people(request: MemberRequest, project: Project, **more: Any) -> HttpResponseBase:
    context = {
        "members": project.members.select_related("user").order_by("user__name"),
        "invitations": Invitation.objects.filter(project=project).open().select_related("created_by"),
        "roles": Role.choices,
        "form": InvitationForm(initial={"role": Role.REVIEWER}),
    } | more
    return render(request, "projects/people.html", context, status=422 if context["form"].errors else 200)


@require_http_methods(["GET", "POST"])
@for_role(Role.ADMIN)
def people(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Members and open invitations. A new invitation's link is shown once, in the answer to the form."""
    if request.method == "GET":
        return show_people(request, project)
    form = InvitationForm(request.POST)
    if not form.is_valid():
        return show_people(request, project, form=form)
    token = invite(project, Role(form.cleaned_data["role"]), request.user, form.cleaned_data["note"])
    link = request.build_absolute_uri(reverse("projects:join", args=[token]))
    return show_people(request, project, link=link, link_role=Role(form.cleaned_data["role"]).label)


@require_POST
@for_role(Role.ADMIN)
def revoke_invitation(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    invitation = get_object_or_404(Invitation.objects.filter(project=project).open(), pk=pk)
    invitation.revoked_at = timezone.now()
    invitation.save(update_fields=["revoked_at"])
    record_event(project, request.user, "withdrew an invitation as", Role(invitation.role).label)
    messages.success(request, "The link no longer works.")
    return redirect("projects:people", project.slug)


@require_POST
@for_role(Role.ADMIN)
def set_role(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    member = get_object_or_404(project.members.select_related("user", "project"), pk=pk)
    form = RoleForm(request.POST)
    if form.is_valid():
        try:
            change_role(member, Role(form.cleaned_data["role"]), request.user)
            messages.success(request, f"{member.user} is now {Role(member.role).label.lower()}.")
        except JoiningError as error:
            messages.error(request, str(error))
    return redirect("projects:people" if member.user != request.user else "projects:overview", project.slug)


@require_POST
@for_role(Role.ADMIN)
def remove(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    member = get_object_or_404(project.members.select_related("user", "project"), pk=pk)
    try:
        remove_member(member, request.user)
        messages.success(request, f"{member.user} is no longer a member. What they did stays.")
    except JoiningError as error:
        messages.error(request, str(error))
    return redirect("projects:people", project.slug) if member.user != request.user else redirect("projects:list")


@require_GET
@for_role(Role.ADMIN)
def history(request: MemberRequest, project: Project) -> HttpResponseBase:
    events = Event.objects.filter(project=project).select_related("actor")
    return render(request, "projects/history.html", {"page": page_of(request, events, "-pk")})


@login_not_required
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponseBase:
    """Open an invitation: who is signed in joins by a button, who has no account makes one."""
    invitation = Invitation.objects.open().filter(token_hash=token_hash(token)).select_related("project").first()
    if invitation is None and request.method == "GET":
        return render(request, "projects/join.html", {"invitation": None}, status=404)
    if request.user.is_authenticated:
        return join_signed_in(cast(UserRequest, request), token, invitation)
    form = NewUserForm(request.POST or None)
    if request.method == "POST" and invitation and form.is_valid():
        user = form.save(commit=False)
        user.set_password(form.cleaned_data["password"])
        user.save()
        project = accept_invitation(token, user)
        login(request, user)
        return redirect("projects:overview", project.slug)
    context = {"invitation": invitation, "form": form, "token": token}
    return render(request, "projects/join.html", context, status=422 if form.errors else 200)


def join_signed_in(request: UserRequest, token: str, invitation: Invitation | None) -> HttpResponseBase:
    if request.method == "GET":
        return render(request, "projects/join.html", {"invitation": invitation, "token": token})
    try:
        project = accept_invitation(token, request.user)
    except JoiningError as error:
        messages.error(request, str(error))
        return redirect("projects:list")
    return redirect("projects:overview", project.slug)
