"""The board of notes in a real browser: by keyboard alone, many at once, and without the scripts."""

import re

import pytest
from django.urls import reverse

from reviews.labelling import record_label
from reviews.models import GroupedNote, NoteGroup, Round
from reviews.notes.grouping import make_group, put
from taxonomy.models import ErrorType, Finding
from tests.making import assessed, make_round, make_run, make_version

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def patience():
    """A busy machine is no fault of the page's."""
    from playwright.sync_api import expect

    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def labels(project, reviewer):
    made = make_round(make_run(make_version(project, 8)), name="First read")
    Round.objects.filter(pk=made.pk).update(hides_types=True)
    items = made.items.order_by("order")
    return [record_label(item, reviewer, assessed("fail", note=f"note {number}")) for number, item in enumerate(items)]


@pytest.fixture
def board_of(page_of, project, lead, labels):
    def opened(**options):
        page = page_of(lead, **options)
        page.goto(reverse("reviews:board", args=[project.slug]))
        return page

    return opened


def chosen(page):
    return page.locator("input[name=notes]:checked").count()


def grouped():
    return set(GroupedNote.objects.values_list("label__note", "group__name"))


def test_from_notes_to_an_error_type_by_keyboard_alone(board_of, project, labels):
    from playwright.sync_api import expect

    page = board_of()
    press = page.keyboard.press

    press("j")
    press("x")
    press("j")
    press("j")
    press("Shift+X")  # from the one ticked before to this one
    expect(page.get_by_role("button", name="Put 3 notes in")).to_be_visible()
    press("n")
    page.keyboard.type("Wrong number")
    press("Enter")
    expect(page.get_by_role("heading", name="5 notes in no group")).to_be_visible()
    expect(page.locator("#messages")).to_contain_text("3 notes are in the new group “Wrong number” now.")
    press("Escape")  # the field for a name keeps the focus
    press("j")
    press("x")
    press("1")
    expect(page.get_by_role("heading", name="4 notes in no group")).to_be_visible()
    expect(page.locator("input[name=notes]").first).to_be_focused()  # the walk goes on where it was
    assert {group for _, group in grouped()} == {"Wrong number"}
    page.get_by_role("link", name="Wrong number", exact=True).focus()
    press("Enter")
    expect(page.get_by_role("heading", name="4 notes in “Wrong number”")).to_be_visible()
    press("t")
    expect(page.get_by_role("heading", name="What it comes to")).to_be_visible()
    page.get_by_role("button", name="Turn and label").focus()
    press("Enter")
    expect(page.get_by_text("The labels of 4 notes carry the error type")).to_be_visible()
    assert Finding.objects.filter(error_type__name="Wrong number").count() == 4
    page.get_by_role("button", name="Take it back").focus()
    press("Enter")
    expect(page.locator("#messages")).to_contain_text("Taken back: 4 labels are as they were.")
    assert not Finding.objects.exists()


def test_a_click_with_shift_chooses_all_between(board_of):
    from playwright.sync_api import expect

    page = board_of()
    boxes = page.locator("input[name=notes]")

    boxes.nth(1).click()
    boxes.nth(5).click(modifiers=["Shift"])
    assert chosen(page) == 5
    boxes.nth(3).click(modifiers=["Shift"])  # not chosen any more, from the last one clicked to here
    assert chosen(page) == 2
    page.get_by_role("button", name="Choose all").click()
    expect(page.get_by_role("button", name="Put 8 notes in")).to_be_visible()
    page.get_by_role("button", name="Choose all").click()
    assert chosen(page) == 0


def test_a_fault_leaves_what_was_chosen_and_typed(board_of):
    from playwright.sync_api import expect

    page = board_of()
    page.locator("input[name=notes]").nth(2).check()

    page.get_by_role("button", name="Put 1 note in").click()

    expect(page.get_by_role("alert").filter(has_text="Name the group")).to_be_visible()
    assert chosen(page) == 1
    expect(page.get_by_role("button", name="Put 1 note in")).to_be_visible()


def test_the_preview_follows_the_error_type_that_is_chosen(page_of, project, lead, labels):
    from playwright.sync_api import expect

    group, _ = make_group(project, "Wrong number", lead)
    put(project, {labels[0].pk: None}, group.pk, lead)
    there = ErrorType.objects.in_project(project).first()
    page = page_of(lead)
    page.goto(reverse("reviews:turn_note_group", args=[project.slug, group.pk]))
    expect(page.locator("#notes-preview")).to_contain_text("is given the new error type")

    page.get_by_label("Error type").select_option(str(there.pk))

    expect(page.locator("#notes-preview")).to_contain_text(f"is given “{there.name}”")
    expect(page.get_by_label("Name")).to_be_hidden()
    page.get_by_role("button", name="Turn and label").click()
    expect(page.get_by_text("The label of 1 note carries the error type")).to_be_visible()
    assert Finding.objects.get().error_type == there


def test_without_scripts_all_of_it_works(board_of, project, labels):
    from playwright.sync_api import expect

    page = board_of(java_script_enabled=False)
    page.locator("input[name=notes]").nth(0).check()
    page.locator("input[name=notes]").nth(1).check()
    page.get_by_label("New group").fill("Wrong number")
    page.get_by_role("button", name="Put chosen notes in").click()
    expect(page.get_by_text("2 notes are in the new group “Wrong number” now.")).to_be_visible()
    page.locator("input[name=notes]").nth(0).check()
    page.get_by_role("button", name=re.compile("Put here")).click()
    expect(page.get_by_role("heading", name="5 notes in no group")).to_be_visible()
    page.get_by_role("link", name="Wrong number", exact=True).click()
    page.locator("input[name=notes]").nth(0).check()
    page.get_by_role("button", name="Take out").click()
    expect(page.get_by_role("heading", name="2 notes in “Wrong number”")).to_be_visible()
    page.get_by_text("Name, definition, severity").click()
    page.get_by_label("Definition").fill("Not the number that was asked for.")
    page.get_by_role("button", name="Save").click()
    assert NoteGroup.objects.get().definition == "Not the number that was asked for."
    page.get_by_role("link", name=re.compile("Turn into an error type")).click()
    page.get_by_role("button", name="Turn and label").click()
    expect(page.get_by_text("The labels of 2 notes carry the error type")).to_be_visible()
    assert Finding.objects.count() == 2
    page.get_by_role("button", name="Take it back").click()
    assert not Finding.objects.exists()
    page.get_by_text("Merge or dissolve").click()
    page.get_by_role("button", name="Dissolve").click()
    expect(page.get_by_role("heading", name="8 notes in no group")).to_be_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_the_pages_are_accessible_and_fit(page_of, project, lead, labels, scheme, width):
    from axe_playwright_python.sync_playwright import Axe

    one, _ = make_group(project, "Wrong number", lead)
    two, _ = make_group(project, "A second group with a name that is rather long for one", lead)
    put(project, {label.pk: None for label in labels[:3]}, one.pk, lead)
    board = reverse("reviews:board", args=[project.slug])
    page = page_of(lead, color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)

    for path in (
        *(board, f"{board}?group={one.pk}", f"{board}?like={one.pk}&q=note", f"{board}?group={two.pk}&order=similar"),
        reverse("reviews:turn_note_group", args=[project.slug, one.pk]),
        reverse("reviews:saturation", args=[project.slug]),
    ):
        page.goto(path)
        found = Axe().run(page).response["violations"]
        assert [f"{path} {fault['id']}: {fault['nodes'][0]['html'][:200]}" for fault in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
