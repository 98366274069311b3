"""Who may open which page. Every view of a project goes through ``for_role``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django_htmx.middleware import HtmxDetails

from evalhub.projects.models import Member, Project, Role, User

Rest = ParamSpec("Rest")


class UserRequest(HttpRequest):
    """A request behind the sign-in."""

    user: User
    htmx: HtmxDetails


class MemberRequest(UserRequest):
    """A request behind ``for_role``: its person is a member of the project."""

    project: Project
    member: Member


def for_role(
    needed: Role,
) -> Callable[[Callable[Concatenate[MemberRequest, Project, Rest], HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Open a view to members with this role or a higher one; it is handed the project in place of the slug.

    A project that is not there and one whose member the person is not are the same 404.
    """

    def decorate(
        view: Callable[Concatenate[MemberRequest, Project, Rest], HttpResponseBase],
    ) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: Any, slug: str, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponseBase:
            member = Member.objects.select_related("project").filter(user=request.user, project__slug=slug).first()
            if member is None:
                raise Http404
            request.project, request.member = member.project, member
            if not member.may(needed):
                raise PermissionDenied
            return view(request, member.project, *args, **kwargs)

        guarded.needed_role = needed  # type: ignore[attr-defined]  # read by the authorization walk
        return guarded

    return decorate
