"""What Django itself answers, below /api/, becomes JSON too: unknown addresses, wrong methods, breakdowns."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from evalhub.api.faults import NOT_FOUND, ApiFault, fault_response

PREFIX = "/api/"
DOCS = "/api/v1/docs/"  # a page for people
SENTENCES = {
    400: ("not_understood", "The request is not understood."),
    403: ("not_allowed", "This is not allowed."),
    404: ("not_found", NOT_FOUND),
    405: ("wrong_method", "This address does not take this method. See the header “Allow”."),
    413: ("too_large", "The request is too large."),
}
BROKEN = ("server_fault", "Something went wrong at the server. Send it again, with the same Idempotency-Key.")


class JsonFaultMiddleware:
    """Stands before all others, so that it sees what they answer as well."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not request.path.startswith(PREFIX) or request.path == DOCS or response.status_code < 400:
            return response
        if response.get("Content-Type", "").startswith("application/json"):
            return response
        code, sentence = SENTENCES.get(response.status_code, BROKEN)
        kept = {name: response[name] for name in ("Allow", "Cache-Control") if response.has_header(name)}
        return fault_response(ApiFault(response.status_code, code, sentence, headers=kept))
