"""The description of the API: one for programs, one for people."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from evalhub.api.document import answered_shapes, groups, openapi_document
from evalhub.api.faults import fault_response, json_bytes, json_response, not_found
from evalhub.api.v1 import INTRODUCTION


@login_not_required
@require_GET
def openapi(request: HttpRequest) -> HttpResponse:
    """Open to all: it says what EvalHub is, not what is in it."""
    return json_response(json_bytes(openapi_document()), 200)


@require_GET
def docs(request: HttpRequest) -> HttpResponseBase:
    context = {
        "paragraphs": [" ".join(part.split()) for part in INTRODUCTION.split("\n\n")],
        "groups": list(groups()),
        "shapes": answered_shapes(),
        "server": request.build_absolute_uri("/").rstrip("/"),
    }
    return render(request, "api/docs.html", context)


@login_not_required
def unknown(request: HttpRequest, rest: str) -> HttpResponse:
    """Every other address below /api/, so that none of them redirects or answers with a page."""
    return fault_response(not_found())
