"""A browser walks every page of a project whose every text from outside is an attack."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from django.urls import resolve

from tests.security.addresses import ADDRESSES
from tests.security.world import make_world

pytestmark = pytest.mark.django_db(transaction=True)

# At most 80 characters each: they stand in names too.
ATTACKS = {
    "elements": '"><img src=x onerror=pwned()><svg/onload=pwned()></textarea></title><b id=evil>',
    "scripts": "</script><script>pwned()</script><a id=evil href='javascript:pwned()'>x</a>",
    "htmx": "'><p id=evil hx-get=/evil hx-trigger=load></p><base href=//evil.example>",
    "forms": "<form id=evil action=//evil.example><button>Go</button></form><iframe src=//evil>",
    "templates": "{{7*7}}{% debug %}${7*7}<%= 7*7 %>![x](//evil.example/x.png)[a](javascript:0)",
    "controls": "a\u202eb\u2066c\u200bd\x1b[31me\x07f\u2028g<!-- unclosed <b id=evil",
}
# Pages that change something when opened by address, or that leave the project.
SKIPPED = {"projects:sign_out", "evalsets:download"}
LONGEST_WALK = 150
# Marks of charts are links too, whose href is no string.
HREFS = "links => links.map(link => new URL(link.getAttribute('href'), location).href)"


def walk(page, start: str, unlinked: list[str], look: Callable[[str], None]) -> set[str]:
    """Open every page of the project that links lead to, once for each kind of page and query; return their names."""
    waiting, seen, names = [start, *unlinked], set(), set()
    while waiting and len(seen) < LONGEST_WALK:
        path = waiting.pop(0)
        page.goto(path)
        page.locator(".htmx-request").first.wait_for(state="detached")  # parts that the page loads are there
        names.add(resolve(urlsplit(page.url).path).view_name)
        look(path)
        for link in page.eval_on_selector_all("a[href]", HREFS):
            address = urlsplit(link)
            short = address.path + (f"?{address.query}" if address.query else "")
            if not address.path.startswith(start) or short in seen:
                continue
            name = resolve(address.path).view_name
            kind = (name, tuple(sorted(part.split("=")[0] for part in address.query.split("&"))))
            if name in SKIPPED or kind in seen:
                continue
            seen |= {kind, short}
            waiting.append(short)
    return names


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_text_is_shown_and_does_nothing(attack, project, admin, page_of):
    text = ATTACKS[attack]
    world = make_world(project, text)
    page = page_of(admin)
    page.add_init_script("window.pwned = () => { window.wasPwned = true; };")
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
    shown = set()

    def look(path: str) -> None:
        assert not page.evaluate("window.wasPwned === true"), path
        assert page.locator("#evil").count() == 0, path
        assert (
            page.locator("base, iframe, [hx-get='/evil'], form[action*=evil], a[href^='javascript:']").count() == 0
        ), path
        assert page.locator("img:not([src^='/static/'])").count() == 0, path
        if (
            text[:20] in page.content().replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
            or "U+202E" in page.content()
        ):
            shown.add(path)
        if "49" in page.title():
            pytest.fail(f"a template was evaluated: {path}")

    unlinked = [f"/p/{world.slug}/evalsets/{world.eval_set}/compare/?old=1&new=2"]  # a form leads there
    names = walk(page, f"/p/{world.slug}/", unlinked, look)

    pages = {
        name
        for name, address in ADDRESSES.items()
        if address.in_project and "GET" in address.methods and not name.endswith("summary")
    }
    fragments = {
        "checks:run_scores",
        "checks:output_scores",
        "checks:of_eval_set",
        "taxonomy:output_verdict",
        "runs:progress",
    }
    unreached = pages - names - fragments - SKIPPED - {"candidates:prices"}
    assert unreached == set()
    assert len(shown) > 15
