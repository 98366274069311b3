"""The comparison in a real browser: reached and used with the keyboard alone, at both widths and in both schemes."""

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import expect

from taxonomy.models import Verdict
from tests.making import make_version
from tests.taxonomy.comparison.making import checked, make_type, settle, two_runs

NARROW = {"width": 390, "height": 844}
SHOTS = os.environ.get("COMPARISON_SHOTS")


def conversation(n):
    messages = [
        {"role": "system", "content": "You book rooms."},
        {"role": "user", "content": f"A room for {n} nights in Trondheim, please."},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "find_room", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": '{"free": true}'},
    ]  # fmt: skip
    tags = ["language:nb" if n % 3 else "language:en", *(["long"] if n % 2 else [])]
    return {
        "key": f"booking-{n}",
        "request": {"messages": messages},
        "expected_kind": "text",
        "expected": str(n),
        "tags": tags,
    }


@pytest.fixture
def runs(transactional_db, project):
    version = make_version(project, [conversation(n) for n in range(1, 61)], name="Bookings")
    first, second = two_runs(version)
    grounding = make_type(project, "Not grounded")
    invented = make_type(project, "Invents a room", grounding)
    leaks = make_type(project, "Tells another guest’s name", severity="critical")
    form = make_type(project, "Invalid JSON")
    said = [True] * 20 + [[invented]] * 12 + [[grounding]] * 4 + [None] * 24
    settle(first, said)
    settle(second, [True] * 24 + [[invented]] * 5 + [[leaks]] + [True] * 8 + [None] * 22)
    checked(version, "JSON", form, {first: [3], second: range(38, 58)})
    checked(version, "Number", make_type(project, "Wrong number"), {first: range(8), second: [2, 9]})
    for run in (first, second):
        failed = run.verdicts.by_people().filter(outcome="fail")
        for place, verdict in enumerate(failed.order_by("pk")):
            Verdict.objects.filter(pk=verdict.pk).update(failing_step=(3, 5, 4, 5)[place % 4])
    return first, second


def shot(page, name):
    if SHOTS:
        Path(SHOTS).mkdir(exist_ok=True)
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)
        page.screenshot(path=f"{SHOTS}/{name}-top.png")
        page.get_by_role("heading", name="Right or wrong").scroll_into_view_if_needed()
        page.mouse.wheel(0, 700)
        page.screenshot(path=f"{SHOTS}/{name}-tables.png")


def settled(page):
    expect(page.get_by_role("heading", name="Systematic or random")).to_be_visible()
    page.get_by_text("permutation test").first.wait_for()
    page.get_by_text("Rows are the last good step").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [None, NARROW], ids=["wide", "narrow"])
def test_the_comparison_has_no_faults_at_any_width_in_any_scheme(page_of, lead, project, runs, scheme, size):
    page = page_of(lead, color_scheme=scheme, viewport=size or {"width": 1440, "height": 900})
    page.goto(reverse("taxonomy:comparison", args=[project.slug]))
    settled(page)
    shot(page, f"comparison-{scheme}-{'narrow' if size else 'wide'}")

    found = Axe().run(page)

    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_hidden_regression_is_opened_with_the_keyboard_alone(page_of, lead, project, runs):
    page = page_of(lead)
    page.goto(reverse("taxonomy:comparison", args=[project.slug]))
    expect(page.get_by_text("Hidden regression.")).to_be_visible()

    page.get_by_label("Candidate", exact=True).focus()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('.notice-bad') !== null"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**figure=*change=broken*")

    expect(page.locator("#pairs").get_by_role("link", name="New: only the candidate has it")).to_have_attribute(
        "aria-current", "true"
    )
    expect(page.locator("article.pair")).to_have_count(10)
