"""Faults as answers: JSON of one shape, which says what is wrong, where, and what to do. Never HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from ninja.errors import AuthenticationError, HttpError, ValidationError

from evalhub.errors import EvalHubError
from evalhub.exports.sources import NotThere

NO_KEY = "Send a key that works: “Authorization: Bearer evh_…”. Admins of the project make one on its page “API keys”."
NOT_FOUND = "There is no such thing in this project. Check the address and the id."
NOT_UNDERSTOOD = "The request is not understood. See “places”, and the description at /api/v1/docs/."
MOST_PLACES = 20
INPUT = re.compile(r"^(?:\w+ )?[Ii]nput\b")  # “Input should be greater than 0”, “Decimal input should have …”

Place = Mapping[str, str]
"""``{"place": where in the request, "message": what is wrong there}``."""


class ApiFault(EvalHubError):
    """A request that is not answered with what it asks for. ``code`` is for programs, the message for people."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        places: Iterable[Place] = (),
        state: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.places, self.state = status, code, list(places), state
        self.headers = dict(headers or {})


def json_bytes(value: Any) -> bytes:
    """JSON in UTF-8: times to the microsecond and in UTC, decimal numbers as text."""
    import orjson

    return orjson.dumps(value, default=decimal_text, option=orjson.OPT_UTC_Z)


def decimal_text(value: Any) -> str:
    if not isinstance(value, Decimal):
        raise TypeError(type(value))
    return f"{value:f}"


def json_response(body: bytes, status: int) -> HttpResponse:
    return HttpResponse(body, status=status, content_type="application/json; charset=utf-8")


def fault_response(fault: ApiFault) -> HttpResponse:
    error = {"code": fault.code, "message": str(fault), "places": fault.places, "state": fault.state}
    response = json_response(json_bytes({"error": error}), fault.status)
    for name, value in fault.headers.items():
        response[name] = value
    return response


def no_key() -> ApiFault:
    return ApiFault(401, "no_key", NO_KEY, headers={"WWW-Authenticate": 'Bearer realm="EvalHub"'})


def not_found() -> ApiFault:
    return ApiFault(404, "not_found", NOT_FOUND)


def wrong_state(message: str, state: str) -> ApiFault:
    return ApiFault(409, "wrong_state", message, state=state)


def not_understood(*places: Place) -> ApiFault:
    return ApiFault(422, "not_understood", NOT_UNDERSTOOD, places=places)


def at(place: str, message: str) -> Place:
    return {"place": place, "message": message}


def fault_of(error: Exception) -> ApiFault | None:
    """The fault that an exception of ours, of Django's or of ninja's comes to; None if it is a fault of the server."""
    if isinstance(error, ApiFault):
        return error
    if isinstance(error, NotThere):
        return not_found()
    if isinstance(error, EvalHubError):
        return ApiFault(422, "refused", str(error))
    if isinstance(error, Http404):
        return not_found()
    if isinstance(error, AuthenticationError):
        return no_key()
    if isinstance(error, ValidationError):
        return not_understood(*(place_of(each) for each in error.errors[:MOST_PLACES]))
    if isinstance(error, HttpError | SuspiciousOperation | BadRequest):
        return ApiFault(
            400, "not_understood", "The body is not JSON, or too large for this. Send a smaller JSON object."
        )
    return None


def place_of(error: Mapping[str, Any]) -> Place:
    """Where a value is wrong and why, without the value itself, nor a name that only the request knows."""
    kind, location = str(error.get("type", "")), [str(part) for part in error.get("loc", ())]
    if location[:2] == ["body", "body"]:  # ninja's word for it, and our own for the parameter
        location = location[1:]
    if kind == "extra_forbidden":
        return at(".".join(location[:-1]), "There is a field here that is not known. Leave it out.")
    return at(".".join(location), f"{INPUT.sub('This', str(error.get('msg', ''))).rstrip('.')}.")


def answer_fault(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    """The handler of every exception in an operation. What is no fault of the request goes on to Django."""
    fault = fault_of(error) if isinstance(error, Exception) else None
    if fault is None:
        raise error
    return fault_response(fault)
