"""The desk in a real browser: by keyboard alone, ahead of the server, and when things go wrong."""

import re

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone

from evalhub.evalsets.models import Correction
from reviews.labelling import record_label
from reviews.models import Deferral, Draft, Label, Round
from reviews.queue import claim_item
from taxonomy.models import ErrorType
from tests.making import assessed, make_check, make_round, make_run, make_score, make_version
from tests.people import PASSWORD

ITEMS = 24


@pytest.fixture(autouse=True)
def patience():
    """A busy machine is no fault of the page's."""
    from playwright.sync_api import expect

    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def made(project):
    run = make_run(make_version(project, ITEMS), answers=[f"wrong {n}" for n in range(ITEMS)])
    check = make_check(run.version)
    for output in run.outputs.all():
        make_score(output, check, passed=False)
    made = make_round(run)
    Round.objects.filter(pk=made.pk).update(guidelines="Pass what you would send to a customer.")
    return made


@pytest.fixture
def desk_of(page_of, project, made):
    """Opens the desk of somebody: ``desk_of(reviewer)``, with the options of ``new_context``."""

    def opened(user, **options):
        page = page_of(user, **options)
        page.goto(reverse("reviews:desk", args=[project.slug, made.pk]))
        return page

    return opened


def heading(page, number):
    return page.get_by_role("heading", level=1, name=re.compile(rf"^Item {number}\b"))


def is_held_ready(page):
    """Wait until the next item is there."""
    for _ in range(400):
        if page.evaluate("ahead !== null && behind === null"):
            return
        page.wait_for_timeout(50)  # the policy of the pages forbids wait_for_function, which evaluates strings
    pytest.fail("the next item did not come")


def labels():
    return list(Label.objects.order_by("created_at", "pk").values_list("outcome", "note"))


def test_twenty_items_by_keyboard_alone(page_of, project, reviewer, made):
    from playwright.sync_api import expect

    page = page_of(reviewer)
    page.goto(reverse("reviews:home", args=[project.slug]))
    press = page.keyboard.press
    types = list(ErrorType.objects.filter(project=project))

    press("g")
    for number in range(1, 21):
        expect(heading(page, number)).to_be_focused()
        if number % 4 == 0:
            press("p")
        elif number % 4 == 1:
            press("1")
            press("3")
            press("f")
        else:
            press("n")
            page.keyboard.type(f"note {number}: p f u 1")  # keys are silent while one types
            press("Escape")
            press("2")
            press("f")
    expect(heading(page, 21)).to_be_focused()
    expect(page.get_by_role("status").filter(has_text="Saved as pass.")).to_be_visible()

    said = Label.objects.order_by("created_at").prefetch_related("error_types")
    assert [label.outcome for label in said] == ["fail", "fail", "fail", "pass"] * 5
    assert [{each.pk for each in label.error_types.all()} for label in said][:4] == [
        {types[0].pk, types[2].pk}, {types[1].pk}, {types[1].pk}, set(),
    ]  # fmt: skip
    assert said[2].note == "note 3: p f u 1"
    assert said.values("item").distinct().count() == 20
    press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Defer: put this item off")


def test_more_is_said_by_keyboard_too(desk_of, reviewer, made):
    from playwright.sync_api import expect

    page = desk_of(reviewer)
    press = page.keyboard.press
    shown = made.items.get(pk=page.locator("#desk").get_attribute("data-item"))

    press("m")
    expect(page.get_by_label("Severity")).to_be_focused()
    page.keyboard.type("Crit")
    press("Tab")
    correction = page.get_by_label("What should be expected")
    expect(correction).to_be_hidden()
    page.keyboard.type("The exp")
    expect(correction).to_be_visible()
    expect(correction).to_have_value(shown.output.example.expected)
    press("Tab")
    page.keyboard.type("3: Answer"[:1])
    press("Escape")
    press("1")
    press("f")
    expect(heading(page, 2)).to_be_focused()
    is_held_ready(page)

    label = Label.objects.get()
    assert (label.severity, label.fault) == ("critical", "expected")
    assert Correction.objects.get().is_open_ended  # what was filled in and left is no proposal


def test_the_expected_answer_is_corrected_where_it_is_wrong(desk_of, reviewer, made):
    from playwright.sync_api import expect

    page = desk_of(reviewer)
    page.get_by_text("More", exact=False).first.click()
    page.get_by_label("Whose fault").select_option("expected")
    correction = page.get_by_label("What should be expected")
    right = correction.input_value() + ", and more"

    page.get_by_role("button", name="Fail").click()  # refused, for nothing is said; filled in again all the same
    expect(page.get_by_label("Note")).to_be_focused()
    expect(correction).to_have_value(right.removesuffix(", and more"))
    correction.fill(right)
    page.get_by_label("Note").fill("half of it")
    page.get_by_role("button", name="Fail").click()
    expect(page.get_by_text("Saved as fail.")).to_be_visible()

    assert Correction.objects.get().expected == right


def test_an_item_is_put_off_and_passed_on_a_telephone(desk_of, reviewer, made):
    from playwright.sync_api import expect

    page = desk_of(reviewer, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    expect(page.get_by_role("button", name="Pass")).to_be_in_viewport()
    page.get_by_text("Defer").tap()
    expect(page.get_by_label("Why")).to_be_in_viewport(ratio=1)
    page.get_by_label("Why").fill("later")
    page.get_by_role("button", name="Put it off").tap()
    expect(page.get_by_text("Put off.")).to_be_visible()
    assert Deferral.objects.get().reason == "later"

    page.get_by_role("button", name="Pass").tap()
    expect(page.get_by_text("Saved as pass.")).to_be_visible()


def test_the_next_item_is_shown_before_the_server_has_answered(desk_of, reviewer, made):
    from playwright.sync_api import expect

    page = desk_of(reviewer)
    is_held_ready(page)
    held = []
    page.route("**/label/", lambda route: held.append(route), times=1)

    page.keyboard.press("1")
    page.keyboard.press("f")
    expect(heading(page, 2)).to_be_focused()
    assert not Label.objects.exists()
    expect(page.get_by_text("Saved as")).to_have_count(0)
    held[0].continue_()

    expect(page.get_by_text("Saved as fail.")).to_be_visible()
    assert Label.objects.get().item == made.items.order_by("order").first()


def test_a_label_pressed_before_the_one_before_has_arrived_waits_for_it(desk_of, reviewer, made):
    from playwright.sync_api import expect

    page = desk_of(reviewer)
    is_held_ready(page)
    held = []
    page.route("**/label/", lambda route: held.append(route), times=1)
    page.keyboard.press("p")
    expect(heading(page, 2)).to_be_focused()

    page.keyboard.press("1")
    page.keyboard.press("f")
    held[0].continue_()

    expect(heading(page, 3)).to_be_focused()
    is_held_ready(page)
    assert [outcome for outcome, _ in labels()] == ["pass", "fail"]


@pytest.mark.parametrize("fault", ["abort", 403, 409, 500])
def test_an_item_comes_back_as_it_was_when_its_label_does_not_arrive(desk_of, reviewer, made, faults, fault):
    from playwright.sync_api import expect

    page = desk_of(reviewer)
    is_held_ready(page)
    page.get_by_label("Note").fill("all I typed")
    page.get_by_role("checkbox", name="Wrong value").check()
    held = []
    page.route("**/label/", lambda route: held.append(route), times=1)
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Fail").click()
    expect(heading(page, 2)).to_be_focused()
    page.get_by_label("Note").fill("begun of the second")
    held[0].abort() if fault == "abort" else held[0].fulfill(status=fault)

    expect(heading(page, 1)).to_be_visible()
    expect(page.locator("#fault")).not_to_be_empty()
    expect(page.get_by_label("Note")).to_have_value("all I typed")
    expect(page.get_by_role("checkbox", name="Wrong value")).to_be_checked()
    page.get_by_role("button", name="Fail").click()
    expect(heading(page, 2)).to_be_focused()
    expect(page.get_by_label("Note")).to_have_value("begun of the second")
    expect(page.get_by_text("Saved as fail.")).to_be_visible()
    expect(page.locator("#fault")).to_be_empty()
    assert labels() == [("fail", "all I typed")]
    faults.clear()


def test_a_refused_label_comes_back_with_the_sentence_and_the_next_item_keeps_its_words(desk_of, reviewer, lead, made):
    from playwright.sync_api import expect

    page = desk_of(reviewer)
    is_held_ready(page)
    first = made.items.order_by("order").first()
    first.claims.all().delete()
    assert claim_item(first.pk, lead)
    record_label(first, lead, assessed("pass"))
    held = []
    page.route("**/label/", lambda route: held.append(route), times=1)
    page.get_by_label("Note").fill("too late")
    page.get_by_role("button", name="Fail").click()
    expect(heading(page, 2)).to_be_focused()
    page.get_by_label("Note").fill("of the second")
    held[0].continue_()

    expect(page.get_by_role("alert").filter(has_text="Somebody else labelled this item meanwhile")).to_be_focused()
    expect(page.get_by_label("Note")).to_have_value("too late")
    page.get_by_role("link", name="Go on to the next item").click()
    expect(heading(page, 1)).to_be_focused()
    expect(page.get_by_label("Note")).to_have_value("of the second")


def test_a_draft_survives_a_killed_browser(desk_of, reviewer, made):
    from playwright.sync_api import expect

    page = desk_of(reviewer)
    page.get_by_label("Note").fill("half a sen")
    page.get_by_role("checkbox", name="Broken format").check()
    expect(page.locator("#draft-word")).to_have_text("Draft saved")
    page.context.close()

    page = desk_of(reviewer)

    expect(page.locator("#draft-word")).to_have_text("Filled in from your draft.")
    expect(page.get_by_label("Note")).to_have_value("half a sen")
    expect(page.get_by_role("checkbox", name="Broken format")).to_be_checked()
    page.get_by_role("button", name="Fail").click()
    expect(page.get_by_text("Saved as fail.")).to_be_visible()
    assert not Draft.objects.exists()


def test_what_was_typed_just_before_leaving_the_page_is_kept(desk_of, reviewer, made):
    from playwright.sync_api import expect

    page = desk_of(reviewer)
    page.get_by_label("Note").fill("typed at the last moment")
    page.get_by_role("link", name="Error types").click()
    page.get_by_role("heading", level=1, name="Error types").wait_for()
    page.go_back()

    expect(page.get_by_label("Note")).to_have_value("typed at the last moment")


def test_a_session_that_ended_costs_nothing(desk_of, reviewer, made, faults):
    from playwright.sync_api import expect

    page = desk_of(reviewer)
    is_held_ready(page)
    page.get_by_label("Note").fill("long thought")
    expect(page.locator("#draft-word")).to_have_text("Draft saved")
    Session.objects.all().delete()
    page.get_by_role("button", name="Fail").click()
    expect(page.locator("#fault")).to_contain_text("You are signed out. Sign in in another tab")
    expect(heading(page, 1)).to_be_visible()
    expect(page.get_by_label("Note")).to_have_value("long thought")

    other = page.context.new_page()
    other.goto("/")
    other.get_by_label("E-mail").fill(reviewer.email)
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_role("button", name="Sign in").click()
    other.get_by_role("button", name="Sign out").wait_for()
    page.get_by_role("button", name="Fail").click()

    expect(heading(page, 2)).to_be_focused()
    expect(page.get_by_text("Saved as fail.")).to_be_visible()
    assert labels() == [("fail", "long thought")]
    faults.clear()


def test_without_javascript_everything_is_there(page_of, project, reviewer, made):
    from playwright.sync_api import expect

    page = page_of(reviewer, java_script_enabled=False)
    page.goto(reverse("reviews:desk", args=[project.slug, made.pk]))

    page.get_by_role("button", name="Fail").click()
    expect(page.get_by_text("Say what went wrong: tick an error type")).to_be_visible()
    page.get_by_text("More severity, fault, step").click()
    page.get_by_label("Whose fault").select_option("expected")
    page.get_by_label("What should be expected").fill("something else")
    page.get_by_label("Note").fill("no number")
    page.get_by_role("button", name="Fail").click()
    expect(heading(page, 2)).to_be_visible()
    page.get_by_role("button", name="Pass").click()
    expect(heading(page, 3)).to_be_visible()
    page.get_by_text("Defer").click()
    page.get_by_label("Why").fill("ask legal")
    page.get_by_role("button", name="Put it off").click()
    page.get_by_role("link", name="Jump to").click()
    expect(page.get_by_text("ask legal")).to_be_visible()
    page.get_by_label("Number").fill("1")
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_role("heading", name="Change your label")).to_be_visible()
    page.get_by_role("link", name="Next item").click()
    page.get_by_role("button", name="Undo").click()

    expect(heading(page, 2)).to_be_visible()
    assert labels() == [("fail", "no number")]
    assert Deferral.objects.get().reason == "ask legal"


def test_a_double_click_labels_one_item(desk_of, reviewer, made):
    from playwright.sync_api import expect

    page = desk_of(reviewer)
    is_held_ready(page)
    page.get_by_role("button", name="Pass").scroll_into_view_if_needed()
    box = page.get_by_role("button", name="Pass").bounding_box()
    page.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    expect(heading(page, 2)).to_be_visible()
    is_held_ready(page)
    assert len(labels()) == 1
    page.get_by_role("button", name="Pass").click()
    expect(heading(page, 3)).to_be_focused()


def test_two_tabs_say_what_happened(desk_of, project, reviewer, made):
    from playwright.sync_api import expect

    page = desk_of(reviewer)
    other = page.context.new_page()
    other.goto(page.url)
    expect(heading(other, 1)).to_be_visible()
    is_held_ready(other)
    page.get_by_role("button", name="Pass").click()
    expect(heading(page, 2)).to_be_visible()
    expect(page.get_by_text("Saved as pass.")).to_be_visible()

    other.get_by_role("checkbox", name="Wrong value").check()
    other.get_by_role("button", name="Fail").click()
    expect(other.get_by_text("You labelled this item meanwhile, in another tab.")).to_be_visible()
    assert [outcome for outcome, _ in labels()] == ["pass"]
    other.get_by_role("button", name="Fail").click()
    expect(other.get_by_text("Saved as fail.")).to_be_visible()

    assert [outcome for outcome, _ in labels()] == ["fail"]


def test_undo_back_and_defer_by_keyboard(desk_of, reviewer, made):
    from playwright.sync_api import expect

    page = desk_of(reviewer)
    press = page.keyboard.press
    is_held_ready(page)
    press("n")
    page.keyboard.type("first")
    press("Escape")
    press("f")
    expect(page.get_by_text("Saved as fail.")).to_be_visible()
    is_held_ready(page)
    press("n")
    page.keyboard.type("begun")
    press("Escape")

    press("u")
    expect(heading(page, 1)).to_be_focused()
    expect(page.get_by_label("Note")).to_have_value("first")
    assert not Label.objects.exists()
    press("2")
    press("f")
    expect(heading(page, 2)).to_be_focused()
    expect(page.get_by_label("Note")).to_have_value("begun")
    expect(page.get_by_text("Saved as fail.")).to_be_visible()
    press("b")
    expect(page.get_by_role("heading", name="Change your label")).to_be_focused()
    expect(page.get_by_label("Note")).to_have_value("first")
    press("h")
    expect(page.locator("#own-history")).to_contain_text("took the label back")
    press("p")
    expect(page.get_by_text("You ticked an error type and pressed Pass.")).to_be_visible()
    press("2")
    press("p")
    expect(heading(page, 2)).to_be_focused()
    assert page.url.endswith("/desk/")
    press("d")
    expect(page.get_by_label("Why")).to_be_focused()
    page.keyboard.type("ask legal")
    press("Enter")
    expect(page.get_by_text("Put off.")).to_be_visible()
    expect(heading(page, 2)).to_be_focused()

    assert labels() == [("pass", "first")]
    assert (Deferral.objects.get().reason, Draft.objects.get().said) == ("ask legal", {"note": "begun"})


def test_enter_in_a_field_says_nothing_of_the_item(desk_of, reviewer, made):
    from playwright.sync_api import expect

    page = desk_of(reviewer)
    is_held_ready(page)
    posted = []
    page.on("request", lambda request: request.method == "POST" and posted.append(request.url))
    page.locator("input[name=error_types]").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)

    expect(heading(page, 1)).to_be_visible()
    assert (posted, labels()) == ([], [])


def test_the_browsers_back_button_doubles_nothing(page_of, project, reviewer, made):
    from playwright.sync_api import expect

    page = page_of(reviewer)
    page.goto(reverse("reviews:home", args=[project.slug]))
    page.keyboard.press("g")
    for number in (1, 2):
        expect(heading(page, number)).to_be_focused()
        is_held_ready(page)
        page.keyboard.press("p")
    expect(heading(page, 3)).to_be_focused()
    is_held_ready(page)

    page.go_back()
    expect(page.get_by_role("heading", level=1, name="Review")).to_be_visible()
    page.go_forward()

    expect(heading(page, 3)).to_be_visible()
    assert len(labels()) == 2


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_and_are_accessible(page_of, project, reviewer, made, width, scheme, tmp_path):
    from axe_playwright_python.sync_playwright import Axe

    first, second, third = made.items.order_by("order")[:3]
    for item in (first, second):
        claim_item(item.pk, reviewer)
        record_label(
            item, reviewer, assessed("fail", list(ErrorType.objects.filter(project=project)[:2]), "a note " * 30)
        )
    record_label(first, reviewer, assessed("pass", note="changed my mind", fault="expected"))
    claim_item(third.pk, reviewer)
    Deferral.objects.create(item=third, reviewer=reviewer, reason="ask legal " * 12)
    closed = make_round(made.runs.get(), name="An older round")
    Round.objects.filter(pk=closed.pk).update(closed_at=timezone.now())
    page = page_of(reviewer, viewport={"width": width, "height": 900}, color_scheme=scheme)

    def check(name):
        page.screenshot(path=tmp_path / f"{name}-{width}-{scheme}.png", full_page=True)
        found = [each for each in Axe().run(page).response["violations"] if each["impact"] in {"serious", "critical"}]
        assert [(name, fault["id"], fault["nodes"][0]["html"]) for fault in found] == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    page.goto(reverse("reviews:desk", args=[project.slug, made.pk]))
    check("desk")
    page.keyboard.press("d")
    check("defer")
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    page.keyboard.press("m")
    page.get_by_label("Whose fault").select_option("expected")
    page.get_by_role("button", name="Fail").click()
    page.get_by_text("Say what went wrong").wait_for()
    check("refused")
    page.goto(reverse("reviews:item", args=[project.slug, first.pk]))
    page.get_by_text("History of your label").click()
    check("change")
    page.goto(reverse("reviews:jump", args=[project.slug, made.pk]) + "?number=99")
    check("jump")
    page.goto(reverse("reviews:desk", args=[project.slug, closed.pk]))
    check("closed")
