"""What every template knows of the place the person is in."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from evalhub.projects.models import Role
from evalhub.projects.navigation import navigation_for


def here(request: HttpRequest) -> dict[str, Any]:
    member = getattr(request, "member", None)
    if member is None:
        return {"csrf_cookie": settings.CSRF_COOKIE_NAME}
    return {
        "csrf_cookie": settings.CSRF_COOKIE_NAME,
        "project": member.project,
        "member": member,
        # Parts of pages have no menu.
        "navigation": SimpleLazyObject(partial(navigation_for, member, request.path)),
        "is_lead": member.may(Role.LEAD),
        "is_admin": member.may(Role.ADMIN),
    }
