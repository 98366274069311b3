"""The checks in a real browser: tried before they are saved, with and without JavaScript; charts that are links."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import expect

from evalhub.checks.models import Check
from evalhub.checks.scoring import score_run
from tests.making import make_check, make_run, make_version

NARROW = {"width": 390, "height": 844}


@pytest.fixture
def run(transactional_db, project):
    version = make_version(project, 3)
    run = make_run(version, "small-model", ["1", "x", "3"])
    make_check(version, "Equal")
    make_check(version, "Calls", "tool_calls")
    score_run(run)
    return run


def path_to(name, *arguments, project):
    return reverse(name, args=[project.slug, *arguments])


def fill_in(page, run):
    page.goto(path_to("checks:new", run.version.eval_set_id, project=run.project))
    page.get_by_role("link", name="Matches a pattern").click()
    page.get_by_label("Name").fill("Digits")
    page.get_by_label("Pattern").fill("(")


def test_a_check_is_tried_mended_and_added(page_of, lead, run):
    page = page_of(lead)
    fill_in(page, run)

    page.get_by_role("button", name="Try it").click()
    page.get_by_text("The pattern is not understood").wait_for()
    expect(page.get_by_label("Pattern")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type(r"^\d$")
    page.get_by_role("button", name="Try it").click()
    page.get_by_text("Of 3 outputs of the newest runs 2 pass, 1 fail").wait_for()
    expect(page.get_by_role("heading", name="What it would say")).to_be_focused()
    assert page.get_by_label("Name").input_value() == "Digits"
    page.get_by_role("button", name="Add the check").click()
    page.get_by_text("“Digits” is added").wait_for()

    assert Check.objects.get(name="Digits").parameters == {"pattern": r"^\d$", "mode": "match", "ignore_case": False}


def test_a_check_is_tried_and_added_without_javascript(page_of, lead, run):
    page = page_of(lead, java_script_enabled=False)
    fill_in(page, run)
    page.get_by_label("Pattern").fill("x")

    page.get_by_role("button", name="Try it").click()
    assert "1 pass, 2 fail" in page.get_by_role("status").filter(has_text="Nothing is saved yet").inner_text()
    page.get_by_role("button", name="Add the check").click()

    assert Check.objects.filter(name="Digits", parameters__pattern="x").exists()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_check_is_retired_only_after_the_question(scripts, page_of, lead, run):
    page = page_of(lead, java_script_enabled=scripts)
    page.goto(path_to("checks:of_eval_set", run.version.eval_set_id, project=run.project))

    page.locator("summary", has_text="Retire Equal").click()
    page.get_by_text("cannot be brought back").first.wait_for()
    assert Check.objects.active().filter(name="Equal").exists()
    page.get_by_role("button", name="Retire the check Equal").click()

    page.get_by_text("“Equal” is retired.").wait_for()
    page.wait_for_load_state("networkidle")  # leaving a page breaks off what it is still loading
    assert not Check.objects.active().filter(name="Equal").exists()


def test_a_bar_leads_to_the_outputs_that_it_counts(page_of, lead, run):
    page = page_of(lead)
    page.goto(path_to("checks:run_scores", run.pk, project=run.project))

    page.get_by_role("link", name="Equal: 66.7 %, 2 of 3").click()

    assert page.get_by_role("article").count() == 2
    page.get_by_label("Outcome").select_option("failed")
    page.get_by_role("link", name="example-2").wait_for()
    assert page.get_by_role("article").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [None, NARROW], ids=["wide", "narrow"])
def test_pages_are_accessible_and_no_wider_than_the_screen(page_of, lead, run, scheme, viewport):
    page = page_of(lead, color_scheme=scheme, **({"viewport": viewport} if viewport else {}))
    paths = [
        path_to("checks:of_eval_set", run.version.eval_set_id, project=run.project),
        path_to("checks:new", run.version.eval_set_id, project=run.project),
        path_to("checks:add", run.version.eval_set_id, "number", project=run.project),
        path_to("checks:run_scores", run.pk, project=run.project),
        path_to("checks:output_scores", run.outputs.first().pk, project=run.project),
        path_to("checks:outputs", project=run.project),
    ]

    for path in paths:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        found = Axe().run(page).response["violations"]
        assert [(path, fault["id"], fault["nodes"][0]["html"]) for fault in found] == []
