"""A real browser, and pages in it that fail the test when anything went wrong in them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from tests.running import WebServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

    from evalhub.projects.models import User

FLAGS = [
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Answers that a page is made for: the form again with its faults, “no longer so”.
EXPECTED_ANSWERS = ("status of 409", "status of 422")
# htmx's words for a question that a newer one replaced before it was answered (hx-sync).
REPLACED = ("htmx:sendAbort", "htmx:afterRequest")


def chromium_path() -> str | None:
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium.

    For one module, not for the session: while it is open, Python takes this thread for an asynchronous one, in which
    Django refuses the database and ``asyncio.run`` does not work.
    """
    if not (path := chromium_path()):
        without = "There is no Chromium here. Install it with the system's packages, or name it in CHROMIUM."
        (pytest.fail if os.environ.get("CI") else pytest.skip)(without)
    from playwright.sync_api import sync_playwright

    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with playwright.chromium.launch(executable_path=path, args=FLAGS) as browser:
            yield browser


@pytest.fixture
def faults() -> Iterator[list[str]]:
    """What went wrong in pages so far. A test that provokes a fault reads it here and clears the list."""
    found: list[str] = []
    yield found
    assert found == [], "faults in the browser"


@pytest.fixture
def new_context(browser: Browser, web_server: WebServer, faults: list[str]) -> Iterator[Callable[..., BrowserContext]]:
    """Opens a browser of its own, with no cookies: ``new_context(viewport={"width": 390, "height": 844}, ...)``."""
    contexts: list[BrowserContext] = []

    def opened(**options: object) -> BrowserContext:
        context = browser.new_context(base_url=web_server.url, **options)
        context.set_default_timeout(20_000)
        context.on("console", lambda message: note_console(message, faults))
        context.on("weberror", lambda fault: faults.append(f"exception: {fault.error}"))
        context.on("request", lambda request: note_request(request, web_server.url, faults))
        contexts.append(context)
        return context

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """A page of somebody who has not signed in; ``page.goto("/")``."""
    return new_context().new_page()


@pytest.fixture
def page_of(new_context: Callable[..., BrowserContext], web_server: WebServer) -> Callable[..., Page]:
    """Opens a page of somebody who has signed in: ``page_of(lead)``, with the options of ``new_context``."""
    from django.test import Client

    def opened(user: User, **options: object) -> Page:
        client = Client()
        client.force_login(user)
        context = new_context(**options)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": web_server.url}])
        return context.new_page()

    return opened


def note_console(message: ConsoleMessage, faults: list[str]) -> None:
    if message.type == "error" and not any(known in message.text for known in EXPECTED_ANSWERS + REPLACED):
        faults.append(f"console: {message.text} ({message.location.get('url', '')})")


def note_request(request: Request, home: str, faults: list[str]) -> None:
    address = urlsplit(request.url)
    if address.scheme in {"http", "https", "ws", "wss"} and f"{address.scheme}://{address.netloc}" != home:
        faults.append(f"request to another host: {request.url}")
