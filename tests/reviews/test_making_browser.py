import pytest
from django.urls import reverse

from reviews.models import Round
from tests.making import make_check, make_run, make_score, make_version

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(project):
    """Outputs 1 to 8 fail the check, 9 to 20 pass it; the first is tagged."""
    rows = [{"key": f"{n}", "request": {"messages": []}, "tags": ["refund"] if n == 1 else []} for n in range(1, 21)]
    run = make_run(make_version(project, rows), answers=["a"] * 20)
    check = make_check(run.version)
    for number, output in enumerate(run.outputs.order_by("pk"), start=1):
        make_score(output, check, passed=number > 8)
    return run


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (390, "light")])
def test_the_preview_follows_the_form(page_of, project, lead, run, width, scheme):
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import expect

    page = page_of(lead, viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    page.goto(reverse("reviews:new", args=[project.slug]))
    items = page.locator("#preview .stat-value").first

    expect(items).to_have_text("18")  # all 8 that failed, 10 of the 12 that passed
    page.get_by_label("of each run: Failed a check").fill("3")
    expect(items).to_have_text("13")
    page.get_by_label("Random audit of outputs that passed everything", exact=True).uncheck()
    expect(items).to_have_text("3")
    expect(page.locator("#preview")).to_contain_text("No random part is in it.")
    page.get_by_label("Carries a tag", exact=True).check()
    expect(page.locator("#preview")).to_contain_text("Tick at least one tag")
    page.get_by_label("refund (1)").check()
    expect(page.locator("#preview")).to_contain_text("Carries a tag")

    faults = [fault for fault in Axe().run(page).response["violations"] if fault["impact"] in {"serious", "critical"}]
    assert faults == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not Round.objects.exists()


def test_without_scripts_a_button_shows_the_preview_and_the_round_is_made(page_of, project, lead, run):
    page = page_of(lead, java_script_enabled=False)
    page.goto(reverse("reviews:new", args=[project.slug]))
    page.get_by_label("Guidelines").fill("Be strict.")

    page.get_by_role("button", name="Preview").click()
    assert page.locator("#preview .stat-value").first.inner_text() == "18"
    assert page.get_by_label("Guidelines").input_value() == "Be strict."
    page.get_by_role("button", name="Make the round").click()

    assert Round.objects.get().guidelines == "Be strict."


def test_the_number_of_outputs_to_review_comes_after_the_page(page_of, project, lead, run):
    page = page_of(lead)
    page.goto(reverse("runs:outputs", args=[project.slug, run.pk]))

    page.get_by_role("link", name="Review these 20 outputs").click()

    page.get_by_role("heading", name="Review 20 outputs").wait_for()
    page.get_by_role("button", name="Add them").click()
    page.get_by_text("20 items are added.").wait_for()
    assert Round.objects.get().item_count == 20
