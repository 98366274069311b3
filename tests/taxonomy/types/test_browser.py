"""The taxonomy in a real browser: by keyboard alone, without JavaScript, light and dark, wide and narrow."""

import os
import re
from pathlib import Path

import pytest
from django.urls import reverse

from taxonomy.models import CheckMeaning, ErrorType, TypeExample
from taxonomy.settling import record_check_verdicts, record_verdict
from taxonomy.types.changes import Edit
from taxonomy.types.editing import carry_out, types_of
from taxonomy.types.examples import add_example
from taxonomy.types.planning import NewType
from taxonomy.types.reshaping import Merge, Split
from taxonomy.types.starters import starter
from taxonomy.versions import newest_number
from tests.making import make_check, make_run, make_score, make_version
from tests.test_every_page import faults_of

# Whether what has the focus is called so, by its own text or by its label.
FOCUSED = """name => [document.activeElement, ...(document.activeElement.labels ?? [])]
    .some(element => element.textContent.trim() === name)"""

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def patience():
    """A busy machine is no fault of the page's."""
    from playwright.sync_api import expect

    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def run(project, types):
    """Eight outputs: 1 to 5 wrong value, 4 to 6 missing information by people; 8 broken format by the check."""
    version = make_version(project, 8)
    run, check = make_run(version), make_check(version, name="Is JSON")
    outputs = list(run.outputs.order_by("pk"))
    CheckMeaning.objects.create(by=check, cause="", error_type_id=types["broken_format"])
    make_score(outputs[7], check, passed=False)
    for number in range(6):
        found = [types["wrong_value"]] * (number < 5) + [types["missing_information"]] * (number >= 3)
        record_verdict(outputs[number], "fail", found)
    record_check_verdicts([outputs[7].pk])
    return run


def path(project, name, *args):
    return reverse(f"taxonomy:{name}", args=[project.slug, *args])


def heading(page, words, level=1):
    return page.get_by_role("heading", level=level, name=re.compile(words))


def test_two_types_are_merged_and_it_is_undone_by_keyboard_alone(page_of, project, lead, types, run):
    from playwright.sync_api import expect

    page = page_of(lead)

    def reach(name):
        """Tab until the focus is on the control of this name."""
        for _ in range(120):
            page.keyboard.press("Tab")
            if page.evaluate(FOCUSED, name):
                return
        pytest.fail(f"the keyboard does not reach {name}")

    page.goto(path(project, "error_types"))
    reach("Merge")
    page.keyboard.press("Enter")
    expect(heading(page, "Merge error types")).to_be_visible()
    reach("Wrong value")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    reach("Name")
    page.keyboard.type("Wrong content")
    page.keyboard.press("Enter")  # the first button looks ahead
    expect(heading(page, "What it does", 2)).to_be_focused()
    expect(page.get_by_role("row", name=re.compile("^Wrong content"))).to_contain_text("0 → 6")
    assert newest_number(project) == 1
    reach("Merge them")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("This is version 2.")
    expect(page.get_by_role("link", name="Wrong content")).to_be_visible()

    reach("History")
    page.keyboard.press("Enter")
    expect(heading(page, "History of the error types")).to_be_visible()
    reach("Undo the last change")
    page.keyboard.press("Enter")
    expect(heading(page, "Undo the last change")).to_be_visible()
    reach("Undo it")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("back to version 1. This is version 3.")
    assert [each.code for each in types_of(project).values() if not each.is_retired] == list(types)


def test_a_type_is_split_without_javascript(page_of, project, lead, types, run):
    from playwright.sync_api import expect

    page = page_of(lead, java_script_enabled=False)
    page.goto(path(project, "error_type", types["wrong_value"]))
    page.get_by_role("link", name="Split").click()
    page.locator("#id_parts-0-name").fill("Wrong number")
    page.get_by_role("button", name="One more part").click()
    expect(page.locator("#id_parts-3-name")).to_be_visible()
    page.locator("#id_parts-3-name").fill("Wrong name")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("5 outputs that people gave this type stay on it")).to_be_visible()
    page.get_by_role("button", name="Split it").click()
    expect(heading(page, "Outputs for a second look")).to_be_visible()
    page.get_by_role("link", name="Review these outputs").click()
    expect(heading(page, "Review 5 outputs")).to_be_visible()

    assert [each.name for each in types_of(project).values() if each.parent] == ["Wrong number", "Wrong name"]


def test_an_output_becomes_an_example_from_its_own_page(page_of, project, lead, types, run):
    from playwright.sync_api import expect

    output = run.outputs.earliest("pk")
    page = page_of(lead)
    page.goto(reverse("runs:output", args=[project.slug, output.pk]))
    page.get_by_text("Use as an example of …").click()
    page.get_by_label("Of", exact=True).select_option(label="Wrong value")
    page.get_by_role("textbox", name=re.compile("Note")).fill("Look at the number.")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#type-examples").get_by_role("link", name="Wrong value")).to_be_visible()

    assert TypeExample.objects.get().note == "Look at the number."


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_accessible_and_fit(width, scheme, page_of, project, lead, types, run):
    """With SHOTS, a folder, the pages are photographed for people to look at."""
    carry_out(project, starter("tool_calling").change, lead, "We call tools now.")
    carry_out(project, Split(types["wrong_value"], (NewType("Wrong number"), NewType("Wrong name"))), lead)
    words = (("definition", "The program cannot read it."), ("severity", "critical"), ("owner", lead.pk))
    carry_out(project, Edit(types["broken_format"], words), lead, "Clearer.")
    carry_out(project, Merge((types["refused_needlessly"],), types["ignored_an_instruction"]), lead)
    outputs = list(run.outputs.order_by("pk"))
    wrong = ErrorType.objects.get(pk=types["wrong_value"])
    add_example(wrong, outputs[0], True, "Look at the number.", lead)
    add_example(wrong, outputs[6], False, "The spelling differs, the number does not.", lead)
    page = page_of(lead, color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)
    found = {}
    pages = {
        "tree": path(project, "error_types"),
        "type": path(project, "error_type", types["wrong_value"]),
        "edit": path(project, "edit_error_type", types["wrong_value"]),
        "order": path(project, "order"),
        "merge": path(project, "merge"),
        "split": path(project, "split", types["wrong_action"]),
        "retire": path(project, "retire", types["broken_format"]),
        "undo": path(project, "go_back", 1),
        "history": path(project, "versions"),
        "version": path(project, "version", 4) + "?against=1",
        "weights": path(project, "weights"),
        "starters": path(project, "starters"),
        "starter": path(project, "add_starter", "summaries"),
        "import": path(project, "import"),
        "outputs": path(project, "type_outputs", types["wrong_value"]) + "?own=yes&source=people",
        "output": reverse("runs:output", args=[project.slug, outputs[0].pk]),
    }
    for name, address in pages.items():
        page.goto(address)
        page.locator(".htmx-request").first.wait_for(state="detached")
        faults = faults_of(page)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            faults.append("sticks out to the side")
        if faults:
            found[name] = faults
        shoot(page, f"{name}-{scheme}-{width}")
    page.goto(path(project, "merge"))
    page.get_by_label("Missing information").check()
    page.get_by_label("Into", exact=True).select_option(label="Invented information")
    page.get_by_role("button", name="Preview").click()
    if faults := faults_of(page):
        found["merge preview"] = faults
    shoot(page, f"preview-{scheme}-{width}")

    assert found == {}


def shoot(page, name):
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)
