"""Raising the budget of a run: the rule, and the form on the page of a paused run."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest
from django.urls import reverse

from evalhub.candidates.models import Candidate
from evalhub.projects.models import Event
from evalhub.runs.budget import most_cost
from evalhub.runs.models import Output, Run
from evalhub.runs.pausing import StateError, pause_run
from evalhub.runs.raising import RaisingError, raise_budget
from tests.making import make_version, numbered
from tests.runs.making import make_caller, start


@pytest.fixture
def page(client_of, lead):
    return client_of(lead)


@pytest.fixture
def run(project) -> Run:
    """Paused: 40 of 100 cents are spent, and calls in flight could cost 5 more."""
    caller = make_caller(project)
    Candidate.objects.filter(pk=caller.pk).update(input_price=1, output_price=10)
    run = start(make_version(project, 5), Candidate.objects.get(pk=caller.pk), budget=Decimal(1))
    return changed(run, state="paused", state_reason="The budget of $1 is used up.", spent="0.40", reserved="0.05")


def changed(run: Run, **fields: object) -> Run:
    Run.objects.filter(pk=run.pk).update(**fields)
    run.refresh_from_db()
    return run


def url(name: str, run: Run) -> str:
    return reverse(f"runs:{name}", args=[run.project.slug, run.pk])


@pytest.mark.parametrize("amount", ["0.450000001", "2.5"])
def test_a_budget_above_what_is_spent_and_owed_is_set_and_noted(amount, run, lead):
    raise_budget(run, Decimal(amount), lead)

    run.refresh_from_db()
    assert (run.budget, run.state) == (Decimal(amount), "paused")
    event = Event.objects.latest("pk")
    assert (event.actor, event.action) == (lead, "raised the budget of")
    assert event.subject == f"run {run.pk}, echo on Inbox v1: $1.0000 to ${Decimal(amount):.4f}"


@pytest.mark.parametrize("amount", ["0.45", "0.40", "0.01", "-1"])
def test_a_budget_that_is_spent_already_is_refused_with_what_there_is_to_exceed(amount, run, lead):
    with pytest.raises(RaisingError) as caught:
        raise_budget(run, Decimal(amount), lead)

    assert str(caught.value) == (
        "$0.4000 is spent already, and calls in flight could cost $0.0500. "
        "Choose at least $0.4912, so that one more call can begin."
    )
    run.refresh_from_db()
    assert run.budget == 1


def test_the_least_that_is_named_lets_the_next_call_begin(project, lead):
    longer = {"messages": [{"role": "user", "content": "word " * 10_000}]}
    version = make_version(project, [numbered(1), numbered(2) | {"request": longer}, numbered(3)])
    caller = make_caller(project)
    caller.input_price, caller.output_price = Decimal(1), Decimal(10)
    caller.save()
    run = changed(start(version, caller, budget=Decimal(1)), state="paused", spent="0.40", reserved="0.05")
    Output.objects.create(run=run, example=version.examples.get(position=1), text="x")

    with pytest.raises(RaisingError) as caught:
        raise_budget(run, Decimal("0.1"), lead)

    least = Decimal(re.search(r"at least \$([\d.]+),", str(caught.value))[1])
    need = most_cost(run.plan, json.dumps(longer))
    assert need > Decimal("0.05")
    assert 0 <= least - (run.spent + run.reserved + need) < Decimal("0.0001")


def test_a_run_without_a_call_to_come_names_what_there_is_to_exceed(run, lead):
    run.chunks.update(state="done")

    with pytest.raises(RaisingError, match=r"Choose a budget above \$0\.4500\.$"):
        raise_budget(run, Decimal("0.1"), lead)


def test_the_page_says_what_the_rest_needs_at_the_mean_cost_so_far(run, page):
    first, second, *_ = run.version.examples.order_by("position")
    Output.objects.create(run=run, example=first, text="x", cost=Decimal("0.20"))
    Output.objects.create(run=run, example=second, text="x", cost=Decimal(0), attempts=0, reused_from=1)

    text = " ".join(page.get(url("show", run)).content.decode().split())

    # three outputs are missing, and the run's one call cost 20 cents; 40 are spent
    assert "The rest needs about $0.60, so a budget of about $1.00 in all." in text


def test_what_was_spent_meanwhile_counts_not_what_the_page_knew(run, lead):
    Run.objects.filter(pk=run.pk).update(spent=Decimal("0.90"))

    with pytest.raises(RaisingError, match=r"\$0\.9000 is spent already"):
        raise_budget(run, Decimal("0.95"), lead)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"state": "finished"}, "This run is finished now, so there is nothing to raise."),
        ({"state": "cancelled"}, "This run is cancelled now, so there is nothing to raise."),
        ({"budget": None}, "This run has no budget, so there is nothing to raise."),
    ],
)
def test_a_run_that_is_over_or_has_no_budget_keeps_it_so(fields, why, run, lead, page):
    changed(run, **fields)

    with pytest.raises(StateError) as caught:
        raise_budget(run, Decimal(5), lead)

    assert str(caught.value) == why
    answer = page.post(url("raise", run), {"budget": "5"})
    assert answer.status_code == 409 and why in answer.content.decode()
    run.refresh_from_db()
    assert run.budget == (None if "budget" in fields else 1)


def test_the_page_shows_what_is_spent_reserved_and_left_and_offers_to_raise_it(run, page):
    text = " ".join(page.get(url("show", run)).content.decode().split())

    assert "Budget of $1.00" in text
    for name, amount in (("Spent", "$0.40"), ("Reserved for calls in flight", "$0.050"), ("Left", "$0.55")):
        assert f"</span>{name}</dt><dd>{amount}</dd>" in text
    assert '<rect class="budget-spent" width="40.0"' in text and 'x="40.0" width="5.0"' in text
    assert "The budget of $1 is used up." in text
    assert 'id="raise-form"' in text


def test_raising_it_on_the_page_lets_the_run_go_on(run, page):
    answer = page.post(url("raise", run), {"budget": "3"})

    run.refresh_from_db()
    assert (answer.status_code, run.state, run.budget, run.state_reason) == (302, "running", 3, "")
    assert list(Event.objects.order_by("pk").values_list("action", flat=True))[-2:] == [
        "raised the budget of",
        "resumed",
    ]
    assert 'id="raise-form"' not in page.get(url("show", run)).content.decode()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("0.45", "Choose at least $0.4912, so that one more call can begin."),
        ("", "Write an amount of US$ that is more than nothing, such as 2.50."),
        ("lots", "Write an amount of US$ that is more than nothing, such as 2.50."),
        ("-3", "Write an amount of US$ that is more than nothing, such as 2.50."),
    ],
)
def test_an_amount_that_cannot_be_keeps_the_run_paused_and_what_was_typed(typed, sentence, run, page):
    answer = page.post(url("raise", run), {"budget": typed})

    assert answer.status_code == 422
    text = answer.content.decode()
    assert sentence in text
    assert not typed or f'value="{typed}"' in text
    run.refresh_from_db()
    assert (run.state, run.budget) == ("paused", 1)


def test_a_run_that_somebody_resumed_meanwhile_is_not_raised(run, page):
    changed(run, state="running")

    answer = page.post(url("raise", run), {"budget": "3"})

    assert answer.status_code == 409
    run.refresh_from_db()
    assert (run.state, run.budget) == ("running", 1)  # both or nothing


def test_a_run_that_a_person_paused_can_be_raised_too(run, page, lead):
    changed(run, state="running")
    pause_run(run, lead)

    assert page.post(url("raise", run), {"budget": "3"}).status_code == 302
    run.refresh_from_db()
    assert (run.state, run.budget) == ("running", 3)
