"""Starting runs by the form: what it would come to, what is refused, and that nothing typed is lost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from evalhub.candidates.models import Candidate
from evalhub.projects.models import Event, Project
from evalhub.runs.models import Output, Run
from tests.making import make_candidate, make_version
from tests.runs.making import make_caller, start

CONSENT = "Run it although the cost is not known"


@pytest.fixture
def page(client_of, lead):
    return client_of(lead)


def address_of(project: Project) -> str:
    return reverse("runs:new", args=[project.slug])


def make_priced(project: Project, name: str = "priced", **fields: Any) -> Candidate:
    """One token in costs $1 a million, one out $10."""
    caller = make_caller(project, model=name, name=name)
    Candidate.objects.filter(pk=caller.pk).update(input_price=Decimal(1), output_price=Decimal(10), **fields)
    caller.refresh_from_db()
    return caller


def test_the_estimate_counts_calls_and_money_and_says_how(project, page):
    version = make_version(project, 100)
    priced = make_caller(project, model="priced", name="priced")
    priced.input_price, priced.output_price, priced.max_tokens = Decimal(1), Decimal(10), 50
    priced.save()
    free = make_caller(project, model="free", name="free")
    data = {"version": version.pk, "candidates": [priced.pk, free.pk], "repeats": 2, "preview": "1"}

    answer = page.post(address_of(project), data, headers={"HX-Request": "true"})

    totals = answer.context["totals"]
    length = len('{"messages":[{"role":"user","content":"Say the number 10."}]}')
    assert totals.calls == 400
    assert totals.unpriced == 1
    estimate = totals.estimates[1]
    assert estimate.candidate == priced
    # 200 calls of (about) 61 / 4 tokens in, 50 out: 200 x 15.25 x 1 / 1e6 + 200 x 50 x 10 / 1e6
    assert estimate.completion_tokens == 200 * 50
    assert abs(estimate.prompt_tokens - 200 * length / 4) < 30
    assert Decimal("0.103") < estimate.cost < Decimal("0.104")
    assert estimate.how == "tokens in by length, 4 characters each; tokens out at most: max tokens in each answer"
    assert not Run.objects.exists()
    assert b"<html" not in answer.content


def test_the_estimate_learns_from_an_earlier_run(project, page):
    version = make_version(project, 10)
    caller = make_caller(project)
    earlier = start(version, caller)
    Output.objects.create(run=earlier, example=version.examples.first(), prompt_tokens=40, completion_tokens=7)
    Output.objects.create(run=earlier, example=version.examples.last(), prompt_tokens=60, completion_tokens=9)
    data = {"version": version.pk, "candidates": [caller.pk], "repeats": 1, "preview": "1"}

    answer = page.post(address_of(project), data)

    assert answer.status_code == 200  # looking ahead needs nobody's consent
    (estimate,) = answer.context["totals"].estimates
    assert (estimate.prompt_tokens, estimate.completion_tokens) == (500, 80)
    assert estimate.how == "tokens in as in an earlier run of this version; tokens out as in an earlier run"
    assert b"<html" in answer.content  # without htmx it is the page again, with the choice kept
    assert f'value="{caller.pk}" class' in answer.content.decode() or "checked" in answer.content.decode()


def test_half_a_choice_is_no_fault_while_the_page_looks_ahead(project, page):
    make_caller(project)
    address = address_of(project)
    version = make_version(project, 1)

    ahead = page.post(address, {"version": version.pk, "preview": "1", "repeats": 1}, headers={"HX-Request": "true"})
    asked = page.post(address, {"version": version.pk, "preview": "1", "repeats": 1})

    assert ahead.status_code == 200 and "Choose a version" in ahead.content.decode()
    assert asked.status_code == 422 and "Choose at least one candidate." in asked.content.decode()


def test_starting_makes_a_run_for_each_candidate(project, page, lead):
    version = make_version(project, 3)
    callers = [make_caller(project, model=name) for name in ("one", "two")]
    data = {"version": version.pk, "candidates": [caller.pk for caller in callers], "repeats": 3}
    data["accepts_unknown_cost"] = "on"

    answer = page.post(address_of(project), data)

    assert answer.status_code == 302 and answer.url == reverse("runs:list", args=[project.slug])
    runs = Run.objects.order_by("candidate__name")
    assert [(run.candidate.name, run.repeats, run.planned_outputs, run.started_by) for run in runs] == [
        ("one", 3, 9, lead), ("two", 3, 9, lead),
    ]  # fmt: skip
    assert runs[0].plan["model"] == "one" and runs[0].plan["content_hash"] == version.content_hash
    assert Event.objects.filter(action="started a run of").count() == 2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"repeats": "0"}, "Choose a number from 1 to 20."),
        ({"repeats": "21"}, "Choose a number from 1 to 20."),
        ({"repeats": "two"}, "Choose a number from 1 to 20."),
        ({"repeats": ""}, "Choose a number from 1 to 20."),
        ({"budget": "0"}, "more than nothing"),
        ({"budget": "-1"}, "more than nothing"),
        ({"budget": "a dollar"}, "more than nothing"),
        ({"budget": "1e12"}, "more than nothing"),
        ({"budget": "NaN"}, "more than nothing"),
        ({"budget": "0.1234567"}, "at most six places"),
        ({"version": ""}, "Choose a version."),
        ({"candidates": []}, "Choose at least one candidate."),
    ],
)
def test_nonsense_is_answered_with_the_form_and_starts_nothing(change, sentence, project, page):
    data = {"version": make_version(project, 1).pk, "candidates": [make_caller(project).pk], "repeats": "1"} | change

    answer = page.post(address_of(project), data)

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Run.objects.exists()


def test_drafts_archived_candidates_and_those_without_endpoint_cannot_be_chosen(project, page):
    draft = make_version(project, 1, published=False)
    make_version(project, 1)
    archived = make_caller(project, model="old")
    archived.archived_at = timezone.now()
    archived.save()
    recorded = make_candidate(project, "recorded")
    usable = make_caller(project, model="usable")

    form = page.get(address_of(project)).context["form"]

    assert list(form.fields["candidates"].queryset) == [usable]
    assert draft not in form.fields["version"].queryset
    data = {"version": draft.pk, "candidates": [recorded.pk, archived.pk], "repeats": 1}
    assert page.post(address_of(project), data).status_code == 422


def test_the_estimate_stands_beside_the_budget_and_warns_above_it(project, page):
    version = make_version(project, 100)
    cheap, dear = make_priced(project, "cheap", max_tokens=10), make_priced(project, "dear", max_tokens=1_000)
    data = {"version": version.pk, "candidates": [cheap.pk, dear.pk], "repeats": 1, "budget": "0.5", "preview": "1"}

    answer = page.post(address_of(project), data, headers={"HX-Request": "true"})

    # About 100 x 15 tokens in; 100 x 10 and 100 x 1,000 out: $0.0015 + $0.01 and $0.0015 + $1.
    assert [each.candidate for each in answer.context["totals"].over_budget] == [dear]
    text = " ".join(answer.content.decode().split())
    assert "<strong>about $0.012</strong>, budget $0.50" in text
    assert "<strong>about $1.00</strong>, budget $0.50" in text
    assert "budget $1.00</div>" in text  # of both together
    assert "The estimate is above the budget of dear. The run would pause" in text


@pytest.mark.parametrize("repeats", ["0", "100", "", "two"])
def test_the_estimate_names_the_fault_in_what_was_typed(repeats, project, page):
    data = {
        "version": make_version(project, 1).pk, "candidates": [make_caller(project).pk], "repeats": repeats,
        "preview": "1",
    }  # fmt: skip

    answer = page.post(address_of(project), data, headers={"HX-Request": "true"})

    assert answer.status_code == 200
    assert "Repeats: Choose a number from 1 to 20." in answer.content.decode()
    assert answer.context["totals"] is None


def test_consent_is_wanted_for_a_candidate_without_prices_and_nothing_is_lost_meanwhile(project, page):
    version = make_version(project, 4)
    priced, free = make_priced(project), make_caller(project, model="free", name="free")
    data = {"version": version.pk, "candidates": [priced.pk, free.pk], "repeats": 3, "reuses_outputs": "on"}

    refused = page.post(address_of(project), data)

    assert refused.status_code == 422
    text = refused.content.decode()
    assert 'class="consent consent-asked"' in text
    assert "“free” has no prices, so nobody can say what this will cost." in text.replace("&quot;", '"')
    form = refused.context["form"]
    assert form["version"].value() == str(version.pk)
    assert form["candidates"].value() == [str(priced.pk), str(free.pk)]
    assert (form["repeats"].value(), form["reuses_outputs"].value()) == ("3", True)
    assert refused.context["totals"].calls == 24  # 4 examples, 3 times, 2 candidates: the estimate stays in view
    assert not Run.objects.exists()

    started = page.post(address_of(project), data | {"accepts_unknown_cost": "on"})

    assert started.status_code == 302
    assert list(Run.objects.values_list("reuses_outputs", "budget")) == [(True, None), (True, None)]


def test_nobody_is_asked_for_consent_where_all_have_prices(project, page):
    version, priced = make_version(project, 2), make_priced(project)

    text = page.get(address_of(project)).content.decode()
    assert 'class="consent"' in text and "data-unpriced" not in text
    make_caller(project, model="free", name="free")
    assert page.get(address_of(project)).content.decode().count("data-unpriced") == 1

    data = {"version": version.pk, "candidates": [priced.pk], "repeats": 1, "budget": "1.50"}
    assert page.post(address_of(project), data).status_code == 302
    run = Run.objects.get()
    assert (run.budget, run.reuses_outputs) == (Decimal("1.50"), False)


@pytest.mark.parametrize("preview", [{}, {"preview": "1"}])
def test_a_budget_for_a_candidate_without_prices_is_refused_where_it_was_typed(preview, project, page):
    version, free = make_version(project, 2), make_caller(project, model="free", name="free")
    data = {"version": version.pk, "candidates": [free.pk], "repeats": 1, "budget": "2", "accepts_unknown_cost": "on"}

    answer = page.post(address_of(project), data | preview)

    assert answer.status_code == 422
    (fault,) = answer.context["form"].errors["budget"]
    assert fault.startswith("“free” has no prices, so no budget can be kept.")
    assert answer.context["form"]["budget"].value() == "2"
    assert not Run.objects.exists()
