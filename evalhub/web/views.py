"""The pages of no app: faults, and the word to whatever watches EvalHub."""

from __future__ import annotations

import sys
import time

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from evalhub.web.health import what_is_away


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403_csrf.html", status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """As Django's own, but inside a project with its menu."""
    return render(request, "400.html", status=400)


def server_error(_request: HttpRequest) -> HttpResponse:
    """What a fault of ours is answered with; 503 and why if it is that the database is away for a while.

    The pages are made without the request, whose user and project would be looked up in the database.
    """
    if is_database_away(sys.exc_info()[1]):
        return HttpResponse(render_to_string("503.html"), status=503, headers={"Retry-After": "5"})
    return HttpResponse(render_to_string("500.html"), status=500)


def is_database_away(error: BaseException | None) -> bool:
    """Whether the connection was lost or could not be had; not what the database itself says of a statement."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    state = getattr(error.__cause__, "sqlstate", None)
    # Lost and refused connections have no state or class 08; 57P0x is shutdown, crash and start; 53300 too many.
    return state is None or state[:2] == "08" or state in {"57P01", "57P02", "57P03", "53300"}


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """“ok”; or 503 and the one word that says what does not answer. Nothing that a stranger may not know."""
    away = what_is_away(int(time.monotonic()))
    return HttpResponse(away or "ok", content_type="text/plain", status=503 if away else 200)
