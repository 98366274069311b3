"""What is read on the desk, in a real browser: parts that open by key, those that are fetched, all without a script."""

import json

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from evalhub.runs.models import Output
from tests.making import make_round, make_run, make_version
from tests.test_every_page import faults_of

pytestmark = pytest.mark.django_db(transaction=True)

ORDERS = [{"id": f"A-{number}", "lines": [{"sku": "B-1", "note": "leather " * 9}]} for number in range(12)]
MESSAGES = [
    {"role": "system", "content": "Never promise a date."},
    *[{"role": role, "content": f"Said before, {n}. " * 30} for n in range(12) for role in ("user", "assistant")],
    {"role": "user", "content": "Which orders do I have?"},
    *[
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "orders_of", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": json.dumps(ORDERS[:1])},
    ],
]
TOOL = {"type": "function", "function": {"name": "orders_of", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture(autouse=True)
def patience():
    """A busy machine is no fault of the page's."""
    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def items(project):
    """An answer in good JSON, and one in broken JSON that is too long to stand there whole."""
    row = {"request": {"messages": MESSAGES, "tools": [TOOL]}, "expected_kind": "json", "expected": {"orders": ORDERS}}
    version = make_version(project, [{"key": "good", **row}, {"key": "broken", **row}])
    run = make_run(version, answers=[json.dumps({"orders": ORDERS[:-1]}), ""])
    Output.objects.filter(run=run, example__key="broken").update(text=json.dumps({"orders": ORDERS * 9})[:-1])
    return {item.output.example.key: item for item in make_round(run, labels_wanted=9).items.all()}


def opened(page, project, item):
    page.goto(reverse("reviews:item", args=[project.slug, item.pk]))
    return page


def test_what_is_folded_opens_by_its_key(page_of, project, reviewer, items):
    page = opened(page_of(reviewer), project, items["good"])
    for key, text in (("s", "Never promise a date."), ("o", '"object"'), ("a", "Said before, 0. Said")):
        shown = page.locator(".conversation").get_by_text(text).last
        expect(shown).not_to_be_visible()
        page.keyboard.press(key)
        expect(shown).to_be_visible()
        page.keyboard.press(key)
        expect(shown).not_to_be_visible()
    page.keyboard.press("?")
    for name in ("System prompt", "Earlier steps", "Tools offered", "Difference from the expected answer"):
        expect(page.locator("#shortcut-list").get_by_text(name)).to_be_visible()


def test_json_folds_and_the_text_as_sent_is_fetched(page_of, project, reviewer, items):
    page = opened(page_of(reviewer), project, items["good"])
    answer = page.get_by_role("region", name="Answer")
    line = answer.get_by_text('"id": "A-3",', exact=True)
    expect(line).not_to_be_visible()

    answer.get_by_text('{ "id": "A-3", … 2 fields }').click()
    expect(line).to_be_visible()
    answer.get_by_text("As it was sent", exact=True).click()

    expect(answer.get_by_text(json.dumps({"orders": ORDERS[:-1]}))).to_be_visible()


def test_the_rest_of_a_long_text_comes_when_asked_for_and_the_fault_is_marked(page_of, project, reviewer, items):
    page = opened(page_of(reviewer), project, items["broken"])
    answer = page.get_by_role("region", name="Answer")
    expect(answer.get_by_text("This is not valid JSON: it breaks off at line 1")).to_be_visible()
    expect(answer.locator("mark")).to_have_count(1)
    expect(answer.get_by_text("characters left out")).to_be_visible()

    answer.get_by_role("link", name="Show the whole text").click()

    expect(answer.get_by_text("characters left out")).to_have_count(0)
    expect(answer.locator("mark")).to_have_count(1)


def test_all_of_it_can_be_read_without_a_script(page_of, project, reviewer, items):
    page = opened(page_of(reviewer, java_script_enabled=False), project, items["good"])
    page.locator("summary", has_text="Steps 2 to").click()

    page.get_by_role("link", name="Show these steps").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Steps 2 to 25")
    expect(page.locator(".turn").get_by_text("Said before, 11.").last).to_be_visible()
    page.get_by_role("link", name="Disagreements").click()
    expect(page.get_by_role("heading", name="Request")).to_be_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_everything_open_is_accessible_and_fits(page_of, project, reviewer, items, scheme, width):
    viewport = {"width": width, "height": 900}
    for item in items.values():
        page = opened(page_of(reviewer, color_scheme=scheme, viewport=viewport, bypass_csp=True), project, item)
        for key in "sao":
            page.keyboard.press(key)
        expect(page.locator(".turn").get_by_text("Said before, 11.").last).to_be_visible()

        assert faults_of(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
