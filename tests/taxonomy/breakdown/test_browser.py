"""The breakdown in a real browser: filters that keep the focus, by keyboard alone, light and dark, wide and narrow."""

import os
import re
from pathlib import Path

import pytest
from django.urls import reverse

from tests.making import make_round, make_run
from tests.taxonomy.breakdown.making import make_scene
from tests.test_every_page import faults_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def patience():
    """A busy machine is no fault of the page's."""
    from playwright.sync_api import expect

    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def scene(project):
    made = make_scene(project)
    make_round(made.runs[1])
    make_run(made.version, made.runs[0].candidate)
    return made


def opened(page, project, query=""):
    page.goto(reverse("taxonomy:breakdown", args=[project.slug]) + query)
    page.locator("#mode .chart").first.wait_for()
    page.locator("#by-checks .chart").first.wait_for()
    return page


def focused(page):
    return page.evaluate("document.activeElement.id")


def test_filters_and_folds_change_the_page_and_keep_the_focus(page_of, project, lead, scene):
    from playwright.sync_api import expect

    page = opened(page_of(lead), project)
    matrix = page.locator("table.matrix").first

    page.locator("#source").focus()
    page.keyboard.press("ArrowDown")  # people alone
    expect(matrix.get_by_role("columnheader", name="Checks")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"\?version=\d+&source=people$"))
    assert focused(page) == "source"

    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")  # estimated for all outputs
    expect(page.get_by_text("Rates by people are estimated for all outputs")).to_be_visible()
    assert focused(page) == "rates-of"

    grounding = scene.types["grounding"].pk
    page.locator(f"#fold-{grounding}").focus()
    page.keyboard.press("Enter")
    expect(matrix.get_by_role("link", name="Invented")).to_have_count(0)
    assert focused(page) == f"fold-{grounding}"
    page.keyboard.press("Enter")
    expect(matrix.get_by_role("link", name="Invented")).to_have_count(1)

    page.go_back()
    expect(matrix.get_by_role("link", name="Invented")).to_have_count(0)
    page.reload()
    expect(page.locator("#rates-of")).to_have_value("all")


def test_folding_a_row_leaves_it_where_it_is_on_the_screen(page_of, project, lead, scene):
    from playwright.sync_api import expect

    page = opened(page_of(lead), project)
    fold = page.locator(f"#fold-{scene.types['grounding'].pk}")
    fold.scroll_into_view_if_needed()
    before = fold.bounding_box()["y"]

    fold.click()

    expect(fold).to_have_attribute("aria-expanded", "false")
    page.locator("#by-checks .chart").first.wait_for()
    assert abs(fold.bounding_box()["y"] - before) < 30  # columns may become narrower, and a line above break


def test_a_figure_is_opened_by_keyboard_and_lists_what_it_counts(page_of, project, lead, scene):
    from playwright.sync_api import expect

    page = opened(page_of(lead), project)
    cell = page.locator("table.matrix").first.locator("tr", has_text="Invented").get_by_role("link").nth(1)
    count = int(cell.locator("xpath=..").inner_text().split("\n")[-1].split(" of ")[0])

    cell.focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Invented")
    expect(page.locator("tbody tr")).to_have_count(count)


def test_one_mode_is_chosen_in_its_place(page_of, project, lead, scene):
    from playwright.sync_api import expect

    page = opened(page_of(lead), project)

    page.locator("#mode-choice").select_option(label="– Left out")

    expect(page.locator("#mode-title")).to_have_text("Left out")
    assert focused(page) == "mode-choice" or page.evaluate("document.activeElement === document.body")
    assert page.url.endswith("/breakdown/")


def test_without_javascript_all_of_it_works_by_links_and_buttons(page_of, project, lead, scene):
    from playwright.sync_api import expect

    page = page_of(lead, java_script_enabled=False)
    page.goto(reverse("taxonomy:breakdown", args=[project.slug]))
    page.locator("#source").select_option("check")
    page.locator("#breakdown-filters").get_by_role("button", name="Show").click()
    expect(page.locator("#source")).to_have_value("check")

    page.get_by_role("link", name="One failure mode more closely").click()
    expect(page.locator(".chart").first).to_be_visible()
    page.locator("#mode-choice").select_option(label="– Invented")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Invented")

    page.get_by_role("link", name="Breakdown").last.click()
    page.get_by_role("link", name="What the checks found by themselves").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What the checks found by themselves")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_the_pages_are_sound_in_both_schemes_and_widths(page_of, project, lead, scene, width, scheme):
    """Screenshots are kept where SCREENSHOTS names a folder."""
    page = page_of(lead, viewport={"width": width, "height": 900}, color_scheme=scheme)
    folder = os.environ.get("SCREENSHOTS")
    for name, query in (("reviewed", ""), ("estimated", "?estimate=all&source=people")):
        opened(page, project, query)
        assert faults_of(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if folder:
            page.screenshot(path=Path(folder) / f"breakdown-{name}-{width}-{scheme}.png", full_page=True)
    page.goto(reverse("taxonomy:mode", args=[project.slug]))
    assert faults_of(page) == []
