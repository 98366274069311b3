"""The pages of no app: faults, and the word to whatever watches EvalHub."""

from __future__ import annotations

import time

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from evalhub.web.health import what_is_away


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403_csrf.html", status=403)


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """“ok”; or 503 and the one word that says what does not answer. Nothing that a stranger may not know."""
    away = what_is_away(int(time.monotonic()))
    return HttpResponse(away or "ok", content_type="text/plain", status=503 if away else 200)
