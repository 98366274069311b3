"""Every page: no serious fault that axe can find, light and dark, and nothing that sticks out at 390 pixels."""

from __future__ import annotations

import pytest

from tests.security.world import make_world
from tests.walking import walk

pytestmark = pytest.mark.django_db(transaction=True)


def faults_of(page) -> list[str]:
    """What axe calls serious or critical on the page as it is."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {fault['nodes'][0]['html'][:200]}"
        for fault in found
        if fault["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1440), ("dark", 390)], ids=["light and wide", "dark and narrow"]
)
def test_every_page_is_accessible_and_fits(scheme, width, project, admin, page_of):
    world = make_world(project, "Where is my order?")
    page = page_of(admin, color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)
    found: dict[str, list[str]] = {}

    def look(path: str) -> None:
        faults = faults_of(page)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            faults.append("sticks out to the side")
        if faults:
            found[path] = faults

    unlinked = [
        f"/p/{world.slug}/evalsets/{world.eval_set}/compare/?old=1&new=2",
        f"/p/{world.slug}/review/items/{world.labelled_item}/parts/answer/",
        f"/p/{world.slug}/review/items/{world.contested_item}/decide/",  # of a round that is not walked
    ]
    names = walk(page, f"/p/{world.slug}/", unlinked, look)

    assert found == {}
    assert len(names) > 30


def test_the_pages_before_the_project_are_accessible(page, page_of, admin, project):
    for opened, path in (
        (page, "/sign-in/"),
        (page_of(admin), "/"),
        (page_of(admin), "/projects/new/"),
        (page_of(admin), "/account/"),
    ):
        opened.goto(path)
        assert faults_of(opened) == [], path
