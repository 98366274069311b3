"""The report in a browser: accessible, fitting, printable, downloaded."""

from __future__ import annotations

import json

import pytest

from tests.taxonomy.report.making import make_compared
from tests.test_every_page import faults_of

pytestmark = pytest.mark.django_db(transaction=True)
HIDDEN_IN_PRINT = (".side", ".report-tools")


def path_of(made) -> str:
    return f"/p/{made.project.slug}/breakdown/report/?first={made.first.pk}&second={made.second.pk}"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_it_is_accessible_and_fits(scheme, width, project, lead, page_of):
    made = make_compared(project)
    page = page_of(lead, color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)
    page.goto(path_of(made))

    assert page.get_by_role("heading", level=1).inner_text() == "new-model in the place of old-model"
    assert faults_of(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_paper_it_has_neither_menu_nor_tools_and_nothing_is_cut_off(project, lead, page_of):
    made = make_compared(project)
    page = page_of(lead, viewport={"width": 700, "height": 990})  # about what A4 has between its margins
    page.goto(path_of(made))
    page.emulate_media(media="print", color_scheme="dark")

    assert [page.locator(name).first.is_visible() for name in HIDDEN_IN_PRINT] == [False, False]
    assert page.get_by_role("heading", name="In short").is_visible()
    wide = page.eval_on_selector_all(
        ".report .table-wrap", "all => all.filter(each => each.scrollWidth > each.clientWidth).length"
    )
    assert wide == 0
    assert page.locator("body").evaluate("each => getComputedStyle(each).color") == "rgb(29, 35, 41)"
    assert page.pdf(format="A4").startswith(b"%PDF-")


def test_it_is_downloaded_as_json_and_as_pdf_in_both_sizes(project, lead, page_of):
    made = make_compared(project)
    page = page_of(lead)
    page.goto(path_of(made))
    found = {}
    for name in ("PDF", "PDF, Letter", "JSON"):
        with page.expect_download() as download:
            page.get_by_role("link", name=name, exact=True).click()
        found[name] = (download.value.suggested_filename, download.value.path().read_bytes())

    named = f"report-runs-{made.first.pk}-{made.second.pk}-taxonomy-2"
    assert {name: file for name, (file, _) in found.items()} == {
        "PDF": f"{named}.pdf",
        "PDF, Letter": f"{named}.pdf",
        "JSON": f"{named}.json",
    }
    assert found["PDF"][1] != found["PDF, Letter"][1]
    assert json.loads(found["JSON"][1])["kind"] == "evalhub report"
