"""One URL, one view: the whole page for a browser, its changing part for htmx."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def wants_fragment(request: HttpRequest) -> bool:
    htmx = getattr(request, "htmx", None)
    return bool(htmx and not htmx.history_restore_request)


def render_page_or_fragment(
    request: HttpRequest, page: str, fragment: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """Render ``fragment`` for an htmx swap and ``page``, which includes it, for everything else."""
    return render(request, fragment if wants_fragment(request) else page, context, status=status)
