"""What every answer gets: the manners of htmx, and no copy of it in any cache."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render, resolve_url
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class HtmxAnswerMiddleware:
    """Lets views stay plain: redirects and messages reach the page, whether htmx asked or the browser did."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        patch_vary_headers(response, ["HX-Request"])
        if not getattr(request, "htmx", False):
            return response
        if is_sign_in(response) and request.method != "GET":
            # What was typed must stay: the page says so, and sends it again once the person has signed in elsewhere.
            return HttpResponse(status=401)
        if response.status_code in {301, 302, 303}:
            # A followed redirect would land in the swapped part: the sign-in page inside a table cell.
            moved = HttpResponse(status=204, headers={"HX-Redirect": response["Location"]})
            moved.cookies = response.cookies
            return moved
        if isinstance(response, HttpResponse) and response.status_code in {200, 422} and is_html(response):
            response.write(render_to_string("web/_messages_out_of_band.html", request=request))
        return response


def is_sign_in(response: HttpResponseBase) -> bool:
    return response.status_code == 302 and response["Location"].startswith(resolve_url(settings.LOGIN_URL) + "?")


def is_html(response: HttpResponse) -> bool:
    return response.get("Content-Type", "").startswith("text/html")


class NoStoreMiddleware:
    """Pages show customers' texts and models' outputs: no browser or proxy keeps a copy."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class MethodPageMiddleware:
    """An address that only takes a button press says so to whoever opens it, say after signing in again."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code != 405 or not isinstance(response, HttpResponse) or response.content:
            return response
        page = render(request, "405.html", {"parent": request.path.rstrip("/").rpartition("/")[0] + "/"}, status=405)
        page.headers["Allow"] = response["Allow"]
        return page
