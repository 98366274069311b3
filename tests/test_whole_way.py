"""The whole way of a newcomer: from a file to a breakdown, in a browser, by mouse; and ten labels by keyboard alone."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.urls import reverse

from reviews.models import Label
from taxonomy.models import ErrorType, Verdict
from tests.making import make_round, make_run, make_version
from tests.people import PASSWORD
from tests.serving.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

EXAMPLES = 12


def question(number: int) -> str:
    return f"How much is {number} + {number}? Answer as JSON."


@pytest.fixture
def two_models(model_endpoint):
    """“plain” is wrong in two answers; “chatty” is right in all, and puts every third in a fence with a sentence."""

    def plain(number: int) -> str:
        return json.dumps({"sum": 2 * number + (1 if number in (3, 7) else 0)})

    def chatty(number: int) -> str:
        right = json.dumps({"sum": 2 * number})
        return f"Gladly:\n```json\n{right}\n```" if number % 3 == 0 else right

    model_endpoint.replay(
        {"prompt": question(number), "outputs": {"plain": plain(number), "chatty": chatty(number)}}
        for number in range(1, EXAMPLES + 1)
    )
    return model_endpoint


def test_from_a_file_to_a_breakdown(page, admin, celery_worker, two_models):
    from playwright.sync_api import expect

    def click(name: str, role: str = "button") -> None:
        page.get_by_role(role, name=name, exact=True).first.click()

    # Sign in and found a project.
    page.goto("/")
    page.get_by_label("E-mail").fill(admin.email)
    page.get_by_label("Password").fill(PASSWORD)
    click("Sign in")
    click("New project", "link")
    page.get_by_label("Name").fill("Sums")
    click("Found the project")

    # A file becomes a published version.
    click("Eval sets", "link")
    page.get_by_role("link", name="New eval set").first.click()
    page.get_by_label("Name").fill("Additions")
    page.locator("main form button.button-main").click()
    page.get_by_role("link", name="Upload").first.click()
    rows = [
        {"id": f"sum-{number}", "input": question(number), "expected": {"sum": 2 * number}}
        for number in range(1, EXAMPLES + 1)
    ]
    content = "\n".join(map(json.dumps, rows)).encode()
    page.set_input_files("input[type=file]", {"name": "sums.jsonl", "mimeType": "text/plain", "buffer": content})
    click("Upload and look at it")
    click("Check the file")
    click(f"Import {EXAMPLES} rows")
    expect(page.locator("main")).to_contain_text("SHA-256", timeout=20_000)

    # Two checks.
    for kind, fields in (("JSON fields", {"Fields": "sum"}), ("Valid JSON", {"A code fence": "report"})):
        click("Eval sets", "link")
        click("Additions", "link")
        page.get_by_role("link", name="Add a check").click()
        click(kind, "link")
        for label, value in fields.items():
            field = page.get_by_label(label).first
            field.select_option(value) if field.evaluate("e => e.tagName") == "SELECT" else field.fill(value)
        click("Add the check")

    # An endpoint and two candidates.
    click("Candidates", "link")
    page.get_by_role("link", name="Endpoints").click()
    page.get_by_role("link", name="New endpoint").first.click()
    page.get_by_label("Name").fill("Replay")
    page.get_by_label("Base URL").fill(two_models.url)
    click("Save")
    for model in ("plain", "chatty"):
        click("Candidates", "link")
        page.get_by_role("link", name="New candidate").first.click()
        page.get_by_label("Name", exact=True).fill(model)
        page.get_by_label("Endpoint").select_option(label="Replay")
        page.get_by_label("Model name").fill(model)
        click("Save")
    click("Candidates", "link")
    click("plain", "link")
    click("Make baseline")

    # Both run.
    click("Runs", "link")
    page.get_by_role("link", name="Start runs").first.click()
    page.get_by_label("Eval set version").select_option(index=1)
    for model in ("plain", "chatty"):
        page.get_by_role("checkbox", name=model).check()
    expect(page.locator("#estimate")).to_contain_text(f"Calls{2 * EXAMPLES}")
    page.get_by_label("Run it although the cost is not known").check()
    click("Start")
    click("Runs", "link")
    wait_for(page, lambda: page.locator("tbody tr").filter(has_text="finished").count() == 2, "the runs' end")

    # What the checks found is in the breakdown at once: 10 of 12 against 8 of 12 with a fence reported.
    click("Breakdown", "link")
    wait_for(page, lambda: page.locator("#by-checks .chart-row", has_text=f"of {EXAMPLES}").count() == 2, "the scores")
    rows = page.locator("#by-checks .chart-row")
    expect(rows.filter(has_text="plain")).to_contain_text("10 of 12")
    expect(rows.filter(has_text="chatty")).to_contain_text("8 of 12")

    # A round of the disagreements, labelled by mouse.
    click("Review", "link")
    page.get_by_role("link", name="New round").first.click()
    page.get_by_role("checkbox", name="Random audit").uncheck()
    page.get_by_role("checkbox", name="Differs from the baseline").uncheck()
    click("Make the round")
    expect(page.locator("#round")).to_contain_text("0 of 6", timeout=20_000)
    page.get_by_role("link", name="Label", exact=True).click()
    for number in range(6):
        expect(page.get_by_role("heading", name=f"Item {number + 1} ·")).to_be_visible()
        page.get_by_role("checkbox", name="Wrong value" if number % 2 else "Broken format").check()
        page.get_by_role("button", name="Fail").click()
    expect(page.get_by_role("heading", name="Nothing waits for you here")).to_be_visible()

    # Each figure of the breakdown opens the outputs that it counts.
    click("Breakdown", "link")
    matrix = page.locator("table.matrix").first
    expect(matrix.locator("tr", has_text="Failed, for any reason")).to_contain_text("2 of 2")
    expect(matrix.locator("tr", has_text="Failed, for any reason")).to_contain_text("4 of 4")
    cell = matrix.locator("tr", has_text="Broken format").locator("td").get_by_role("link").first
    count = int(cell.locator("xpath=..").inner_text().split("\n")[-1].split(" of ")[0])
    cell.click()
    expect(page.locator("tbody tr")).to_have_count(count)


def wait_for(page, is_so: Callable[[], bool], what: str) -> None:
    """Reload the page until something shows that the workers do beside it."""
    for _ in range(60):
        if is_so():
            return
        page.wait_for_timeout(500)
        page.reload()
    pytest.fail(f"{what} did not come")


@pytest.fixture
def desk(project):
    return make_round(make_run(make_version(project, EXAMPLES), answers=["wrong"] * EXAMPLES))


def test_ten_labels_by_keyboard_alone(page_of, project, reviewer, desk):
    from playwright.sync_api import expect

    page = page_of(reviewer)
    page.goto(reverse("reviews:home", args=[project.slug]))
    types = list(ErrorType.objects.filter(project=project))
    press = page.keyboard.press

    press("g")
    for number in range(10):
        expect(page.get_by_role("heading", name=f"Item {number + 1} ·")).to_be_focused()
        if number % 2:
            press("p")
            continue
        press("2")
        press("3")
        press("n")
        page.keyboard.type(f"p f 1 note {number}")  # keys are silent while one types
        press("Escape")
        press("f")
    expect(page.get_by_role("heading", name="Item 11 ·")).to_be_focused()
    wait_until(lambda: Label.objects.count() == 10, 10)  # the page is ahead of the server

    labels = Label.objects.order_by("created_at")
    assert [label.outcome for label in labels] == ["fail", "pass"] * 5
    assert [label.note for label in labels][::2] == [f"p f 1 note {number}" for number in range(0, 10, 2)]
    assert all(set(label.error_types.all()) == set(types[1:3]) for label in labels if label.outcome == "fail")
    assert Verdict.objects.count() == 10
    # The last one back, and changed.
    press("u")
    expect(page.get_by_role("heading", name="Item 10 ·")).to_be_focused()
    assert Verdict.objects.count() == 9
    press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Write a note")


def test_labels_without_javascript(page_of, project, reviewer, desk):
    page = page_of(reviewer, java_script_enabled=False)
    page.goto(reverse("reviews:desk", args=[project.slug, desk.pk]))

    page.get_by_role("button", name="Fail").click()
    assert page.get_by_text("Say what went wrong").is_visible()
    page.get_by_label("Note").fill("no number")
    page.get_by_role("button", name="Fail").click()
    assert page.get_by_role("heading", name="Item 2 ·").is_visible()
    page.get_by_role("button", name="Undo").click()

    assert page.get_by_role("heading", name="Item 1 ·").is_visible()
    assert not Label.objects.exists()


def test_a_blind_desk_names_neither_candidate_nor_run(page_of, project, reviewer, client_of):
    run = make_run(make_version(project, 2), "secret-model-name", answers=["wrong", "wrong"])
    made = make_round(run)

    page = client_of(reviewer).get(reverse("reviews:desk", args=[project.slug, made.pk])).content.decode()

    assert "secret-model-name" not in page
    assert "/runs/" not in page
    assert f"run={run.pk}" not in page
