"""Runs in a real browser, with a real worker: started by mouse, watched, paused, looked at."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from evalhub.runs.models import LostCall, Outage, Output, Run
from tests.making import make_version
from tests.runs.making import make_caller, start

pytest.importorskip("playwright")


def test_runs_are_started_with_an_estimate_in_view_and_watched_to_their_end(
    project, lead, celery_worker, model_endpoint, page_of
):
    from playwright.sync_api import expect

    make_version(project, 40)
    for name in ("first", "second"):
        make_caller(project, model_endpoint.url, "echo?delay=0.05", name=name)
    page = page_of(lead)
    page.goto(reverse("runs:list", args=[project.slug]))
    page.get_by_role("link", name="Start runs").first.click()

    page.get_by_label("Eval set version").select_option(index=1)
    page.get_by_role("checkbox", name="first").check()
    expect(page.locator("#estimate")).to_contain_text("40 calls")
    page.get_by_label("Repeats").fill("2")
    expect(page.locator("#estimate")).to_contain_text("80 calls")
    page.get_by_label("Run it although the cost is not known").check()
    page.get_by_role("button", name="Start").click()

    # The page of the run moves and ends by itself.
    expect(page.get_by_role("heading", name="80 of 80 outputs")).to_be_visible(timeout=30_000)
    expect(page.locator("#run-progress")).not_to_have_attribute("hx-get", re.compile("."), timeout=10_000)
    assert Run.objects.get().state == "finished"
    page.wait_for_load_state("networkidle")  # leaving a page breaks off what it is still loading
    page.get_by_role("link", name="Outputs", exact=True).click()
    page.get_by_role("link", name="example-1", exact=True).first.click()
    expect(page.get_by_role("heading", name="Answer of first")).to_be_visible()
    expect(page.locator(".answer")).to_contain_text("Say the number 1.")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("j")
    expect(page.locator(".answer")).not_to_contain_text("Say the number 1.")


def test_the_estimate_follows_while_typing_and_consent_is_asked_only_where_it_is_needed(project, lead, page_of):
    from playwright.sync_api import expect

    make_version(project, 40)
    make_caller(project, name="free")
    priced = make_caller(project, name="priced")
    priced.input_price, priced.output_price, priced.max_tokens = 1, 10, 100
    priced.save()
    page = page_of(lead)
    page.goto(reverse("runs:new", args=[project.slug]))
    estimate, consent = page.locator("#estimate"), page.get_by_label("Run it although the cost is not known")
    page.get_by_label("Eval set version").select_option(index=1)
    page.get_by_role("checkbox", name="priced").check()
    expect(estimate).to_contain_text("40 calls")
    parts = (page.get_by_role("button", name="Start"), estimate.get_by_role("heading"))
    places = [part.bounding_box() for part in parts]

    # Key by key, in the field still: the estimate follows, names what cannot be meant, and comes back.
    repeats = page.get_by_label("Repeats")
    repeats.press("End")
    repeats.press("0")
    expect(estimate).to_contain_text("400 calls")
    repeats.press("0")
    expect(estimate).to_contain_text("Repeats: Choose a number from 1 to 20.")
    assert [part.bounding_box() for part in parts] == places
    repeats.press("Backspace")
    repeats.press("Backspace")
    expect(estimate).to_contain_text("40 calls")
    expect(repeats).to_be_focused()
    page.get_by_label("Budget of each run").press_sequentially("0.01")
    expect(estimate).to_contain_text("The estimate is above the budget.")

    expect(consent).to_be_hidden()
    page.get_by_role("checkbox", name="free").check()
    expect(consent).to_be_visible()
    expect(estimate).to_contain_text("“free” has no prices, so no budget can be kept.")
    page.get_by_label("Budget of each run").fill("")
    expect(estimate).to_contain_text("Calls80")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("“free” has no prices, so nobody can say what this will cost.")).to_be_visible()
    expect(page.get_by_role("checkbox", name="free")).to_be_checked()
    assert not Run.objects.exists()
    page.get_by_role("checkbox", name="free").uncheck()
    expect(estimate).not_to_contain_text("free")  # leaving a page breaks off what it is still loading
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", name="0 of 40 outputs")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert Run.objects.get().candidate == priced


def test_runs_are_started_without_javascript(project, lead, page_of):
    from playwright.sync_api import expect

    make_version(project, 3)
    make_caller(project, name="free")
    page = page_of(lead, java_script_enabled=False)
    page.goto(reverse("runs:new", args=[project.slug]))

    page.get_by_label("Eval set version").select_option(index=1)
    page.get_by_role("checkbox", name="free").check()
    page.get_by_label("Repeats").fill("2")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#estimate")).to_contain_text("6 calls")
    page.get_by_label("Run it although the cost is not known").check()
    page.get_by_role("button", name="Start").click()

    expect(page.get_by_role("heading", name="0 of 6 outputs")).to_be_visible()


def test_a_run_is_paused_resumed_and_cancelled_by_its_buttons(project, lead, celery_worker, model_endpoint, page_of):
    from playwright.sync_api import expect

    run = start(make_version(project, 400), make_caller(project, model_endpoint.url, "echo?delay=0.2", max_in_flight=4))
    page = page_of(lead)
    page.goto(reverse("runs:show", args=[project.slug, run.pk]))

    # The focus stays on the button that takes the other's place.
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Lea paused it.")).to_be_visible()
    expect(page.get_by_text("Calls in flight are still stored.")).to_be_visible()
    expect(page.get_by_role("button", name="Resume")).to_be_focused()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_focused()
    page.locator("summary", has_text="Cancel").click()
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.get_by_text("Lea cancelled it.")).to_be_visible()

    run.refresh_from_db()
    assert run.state == "cancelled"
    assert run.outputs.count() < 400


def test_what_is_stored_after_a_pause_and_who_resumes_it_is_seen_while_a_question_stays_open(project, lead, page_of):
    from playwright.sync_api import expect

    version = make_version(project, 3)
    run = start(version, make_caller(project))
    run.chunks.update(state="leased", lease_until=timezone.now() + timedelta(minutes=1))
    page = page_of(lead)
    page.goto(reverse("runs:show", args=[project.slug, run.pk]))
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Lea paused it.")).to_be_visible()
    page.locator("summary", has_text="Cancel").click()

    Output.objects.create(run=run, example=version.examples.first(), text="x")
    expect(page.get_by_role("heading", name="1 of 3 outputs")).to_be_visible(timeout=10_000)
    expect(page.get_by_role("button", name="Cancel the run")).to_be_visible()

    run.chunks.update(state="ready", lease_until=None)
    expect(page.locator("#run-progress")).to_have_attribute("hx-trigger", "every 10s", timeout=10_000)
    Run.objects.filter(pk=run.pk).update(state="running", state_reason="")
    expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=15_000)
    expect(page.get_by_role("button", name="Cancel the run")).to_be_visible()


def test_a_run_is_cancelled_without_javascript_only_after_the_question(project, lead, page_of):
    from playwright.sync_api import expect

    run = start(make_version(project, 3), make_caller(project))
    page = page_of(lead, java_script_enabled=False)
    page.goto(reverse("runs:show", args=[project.slug, run.pk]))
    expect(page.get_by_role("button", name="Cancel the run")).to_be_hidden()

    page.locator("summary", has_text="Cancel").click()
    page.get_by_role("button", name="Cancel the run").click()

    expect(page.get_by_text("Lea cancelled it.")).to_be_visible()


def test_the_list_moves_without_taking_the_focus_and_rests_when_nothing_does(project, lead, page_of):
    from playwright.sync_api import expect

    version = make_version(project, 3)
    run, other = (start(version, make_caller(project, name=name)) for name in ("first", "second"))
    page = page_of(lead)
    page.goto(reverse("runs:list", args=[project.slug]))
    row, link = page.locator(f"#run-{run.pk}"), page.get_by_role("link", name=f"Run {run.pk}")
    expect(row).to_contain_text("0 of 3")
    link.focus()
    top = row.bounding_box()

    Output.objects.create(run=run, example=version.examples.first(), text="x")
    expect(row).to_contain_text("1 of 3")
    expect(link).to_be_focused()
    assert row.bounding_box() == top
    assert page.locator("tbody tr").count() == 2

    Run.objects.filter(pk=run.pk).update(state="finished", finished_at=timezone.now())
    Run.objects.filter(pk=other.pk).update(state="paused", state_reason="The budget is used up: nothing is left.")
    expect(row).to_contain_text("finished")
    expect(page.locator(f"#run-{other.pk}")).to_contain_text("The budget is used up")
    expect(page.locator("#moving")).not_to_have_attribute("hx-get", re.compile("."))
    expect(link).to_be_focused()


def test_a_run_whose_budget_is_used_up_goes_on_when_somebody_raises_it(
    project, lead, celery_worker, model_endpoint, page_of
):
    from playwright.sync_api import expect

    caller = make_caller(project, model_endpoint.url, "echo")
    caller.input_price, caller.output_price, caller.max_tokens = 1, 10, 50
    caller.save()
    caller.refresh_from_db()  # prices as the database has them
    run = start(make_version(project, 5), caller, budget=Decimal("0.0001"))  # less than one call could cost
    page = page_of(lead)
    page.goto(reverse("runs:show", args=[project.slug, run.pk]))

    expect(page.get_by_text("is used up")).to_be_visible(timeout=15_000)
    amount = page.get_by_label("Raise the budget to")
    amount.fill("0.00000150")
    page.get_by_role("button", name="Raise it and resume").click()
    expect(page.get_by_text("at most six places")).to_be_visible()
    expect(amount).to_have_value("0.00000150")
    amount.fill("1")
    page.get_by_role("button", name="Raise it and resume").click()

    expect(page.get_by_role("heading", name="5 of 5 outputs")).to_be_visible(timeout=20_000)
    expect(page.locator("#run-progress")).not_to_have_attribute("hx-get", re.compile("."), timeout=10_000)
    page.wait_for_load_state("networkidle")
    run.refresh_from_db()
    assert (run.state, run.outputs.count()) == ("finished", 5)


@pytest.mark.parametrize("width", [1440, 390])
def test_no_page_of_runs_has_a_serious_fault_of_accessibility_or_scrolls_sideways(width, project, lead, page_of):
    from axe_playwright_python.sync_playwright import Axe

    from tests.making import make_run

    version = make_version(project, 3)
    make_caller(project, name="a candidate whose name is longer than what any select box should ever have to hold")
    run = make_run(version, answers=['{"a": 1}', "plain", ""])
    run.outputs.filter(text="").update(error_cause="timeout", error="No answer within 5 s.")
    moving = start(version, make_caller(project, name="moving"))
    down = start(version, make_caller(project, name="down"))
    moment = timezone.now()
    Outage.objects.create(endpoint=down.candidate.endpoint, since=moment, reason="Refused", probe_at=moment, probes=2)
    paused = start(version, make_caller(project, name="paused"))
    Run.objects.filter(pk=paused.pk).update(
        state="paused", state_reason="The budget is used up.", budget=1, spent="0.9", reserved="0.05"
    )
    LostCall.objects.create(run=run, example=version.examples.first(), repeat=1, worker="host:1")
    run.outputs.filter(text="plain").update(reused_from=1, attempts=0)
    Run.objects.filter(pk=run.pk).update(source="called", plan=moving.plan)
    output = run.outputs.first()
    addresses = [
        *(reverse(f"runs:{name}", args=[project.slug]) for name in ("list", "new", "upload")),
        *(reverse(f"runs:{name}", args=[project.slug, run.pk]) for name in ("show", "outputs")),
        *(reverse("runs:show", args=[project.slug, each.pk]) for each in (moving, down, paused)),
        reverse("runs:output", args=[project.slug, output.pk]),
    ]
    page = page_of(lead, viewport={"width": width, "height": 900})

    for address in addresses:
        page.goto(address)
        page.wait_for_load_state("networkidle")
        found = Axe().run(page).response["violations"]
        serious = [fault["id"] for fault in found if fault["impact"] in {"serious", "critical"}]
        assert (address, serious) == (address, [])
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), address
