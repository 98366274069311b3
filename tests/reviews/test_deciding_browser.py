"""Contested items settled in a real browser: by keyboard alone, on a stale page, without JavaScript."""

import re

import pytest
from django.urls import reverse

from evalhub.projects.models import Role
from reviews.labelling import decide, record_label
from reviews.models import Decision
from taxonomy.models import ErrorType
from tests.making import assessed, make_round, make_run, make_version
from tests.people import make_member

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def patience():
    """A busy machine is no fault of the page's."""
    from playwright.sync_api import expect

    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def contested(project):
    people = [make_member(project, name, Role.REVIEWER) for name in ("Rita", "Rolf")]
    wrong = ErrorType.objects.filter(project=project, children=None)[:1]
    made = make_round(make_run(make_version(project, 4)), labels_wanted=2)
    for item in made.items.all():
        record_label(item, people[0], assessed("pass", note="It is fine."))
        record_label(item, people[1], assessed("fail", wrong, "It is too long."))
    return made


def heading(page, words):
    return page.get_by_role("heading", level=1, name=re.compile(words))


def decisions():
    return [(each.outcome, each.note) for each in Decision.objects.order_by("decided_at")]


def test_contested_items_are_settled_by_keyboard_alone(page_of, project, contested, lead):
    from playwright.sync_api import expect

    page = page_of(lead)
    page.goto(reverse("reviews:round", args=[project.slug, contested.pk]))
    page.get_by_role("link", name="Contested 4", exact=True).first.click()
    expect(heading(page, "Contested items")).to_be_visible()
    page.keyboard.press("g")
    expect(heading(page, "Contested item 1 of 4")).to_be_visible()
    page.keyboard.press("g")  # the second label
    expect(heading(page, "Contested item 1 of 3")).to_be_visible()
    page.keyboard.press("n")
    page.keyboard.type("The limit is 200 words.")
    page.keyboard.press("Escape")
    page.keyboard.press("d")  # the first label, for another reason
    expect(heading(page, "Contested item 1 of 2")).to_be_visible()
    page.keyboard.press("j")
    expect(heading(page, "Contested item 2 of 2")).to_be_visible()
    page.keyboard.press("k")
    expect(heading(page, "Contested item 1 of 2")).to_be_visible()
    page.keyboard.press("p")
    expect(heading(page, "Contested item 1 of 1")).to_be_visible()
    page.keyboard.press("u")
    expect(heading(page, "Contested item 1 of 2")).to_be_visible()
    assert decisions() == [("fail", "It is too long."), ("pass", "The limit is 200 words.")]

    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    for name in ("Take over what Rita said", "Settle as fail", "Undo your last decision", "List of contested items"):
        expect(dialog.get_by_text(name, exact=True)).to_be_visible()


def test_enter_in_a_field_settles_nothing(page_of, project, contested, lead):
    from playwright.sync_api import expect

    page = page_of(lead)
    page.goto(reverse("reviews:decide", args=[project.slug, contested.items.earliest("order").pk]))
    page.locator("input[name=error_types]").first.focus()
    asked = []
    page.on("request", lambda request: asked.append(request.method))
    page.keyboard.press("Enter")
    page.keyboard.press("1")
    expect(page.locator("input[name=error_types]").first).to_be_checked()
    page.wait_for_timeout(300)

    assert (asked, decisions()) == ([], [])


def test_what_was_typed_on_a_stale_page_stays(page_of, project, contested, lead, admin):
    from playwright.sync_api import expect

    first = contested.items.earliest("order")
    page = page_of(lead)
    page.goto(reverse("reviews:decide", args=[project.slug, first.pk]))
    decide(first, admin, assessed("pass"))

    page.get_by_label("Note").fill("Page 3 says otherwise.")
    page.get_by_role("button", name="It fails").click()

    expect(page.locator("#say-faults")).to_contain_text("Ada settled this item as pass meanwhile.")
    expect(page.get_by_label("Note")).to_have_value("Page 3 says otherwise.")
    page.get_by_role("button", name="It fails").click()
    expect(heading(page, "Contested item 1 of 3")).to_be_visible()
    assert decisions() == [("fail", "Page 3 says otherwise.")]


def test_it_works_without_javascript(page_of, project, contested, lead):
    page = page_of(lead, java_script_enabled=False)
    page.goto(reverse("reviews:contested", args=[project.slug, contested.pk]))
    page.get_by_role("link", name="Settle them").click()
    page.get_by_role("button", name="Take over what Rolf said").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Contested item 1 of 3"
    page.get_by_label("Note").fill("It is right.")
    page.get_by_role("button", name="It passes").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Contested item 1 of 2"
    page.get_by_role("link", name="Back").click()
    page.get_by_role("button", name="Take the decision back").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Contested item 1 of 3"

    assert decisions() == [("fail", "It is too long.")]
