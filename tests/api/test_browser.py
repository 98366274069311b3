"""The page of keys and the description of the API, in a browser."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from evalhub.projects.keys import make_key, note_use, revoke_key
from evalhub.projects.models import ApiKey, Member, Role
from tests.people import make_member
from tests.test_every_page import faults_of

pytestmark = pytest.mark.django_db(transaction=True)
OPEN_ALL = "document.querySelectorAll('details').forEach(part => part.open = true)"
LOOKS = [("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390)]


def picture(page, name: str) -> None:
    """For the eyes of who changes these pages: EVALHUB_PICTURES names a folder, through PYTEST_ADDOPTS or the shell."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_description_fits_and_is_accessible(page_of, admin, project, scheme, width):
    page = page_of(admin, color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)
    page.goto("/api/v1/docs/")
    picture(page, f"docs-{width}-{scheme}-closed")
    page.evaluate(OPEN_ALL)
    picture(page, f"docs-{width}-{scheme}")

    assert faults_of(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_page_of_keys_fits_and_is_accessible(page_of, admin, project, scheme, width):
    member = Member.objects.select_related("project", "user").get(user=admin, project=project)
    make_key(member, "Nightly comparison on the build server", Role.LEAD)
    note_use(ApiKey.objects.get())
    other = Member.objects.get(user=make_member(project, "Bo", Role.ADMIN))
    make_key(other, "Samples", Role.ADMIN)
    Member.objects.filter(pk=other.pk).update(role=Role.LEAD)
    make_key(member, "Old", Role.REVIEWER)
    revoke_key(ApiKey.objects.latest("pk"), admin)
    page = page_of(admin, color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)
    page.goto(f"/p/{project.slug}/keys/")
    page.get_by_label("Name").fill("Release check")
    page.get_by_role("button", name="Make a key").click()
    page.locator("#new-key").wait_for()
    page.locator("#new-key").evaluate("shown => shown.textContent = 'evh_' + 'm'.repeat(43)")  # one without a hyphen
    picture(page, f"keys-{width}-{scheme}")

    assert faults_of(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_key_is_made_used_and_revoked(page_of, admin, project):
    from tests.api.asking import Api

    page = page_of(admin)
    page.goto(f"/p/{project.slug}/")
    page.get_by_role("link", name="API keys").click()
    page.get_by_label("Name").fill("Release check")
    page.get_by_role("button", name="Make a key").click()
    api = Api(page.locator("#new-key").inner_text())
    assert api.get("/project").json()["key"]["role"] == "lead"

    page.goto(f"/p/{project.slug}/keys/")
    assert page.locator("#new-key").count() == 0
    page.locator("summary", has_text="Revoke Release check").click()
    page.get_by_text("refused at once, for good").wait_for()
    assert api.get("/project").status_code == 200
    page.get_by_role("button", name="Revoke the key Release check").click()
    page.get_by_text("it opens nothing any more").wait_for()

    assert api.get("/project").status_code == 401
