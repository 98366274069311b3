"""What a reviewer reads of an item: all of it, on a page of bounded size, in a few questions to the database."""

import json

import pytest
from django.template.loader import render_to_string
from django.urls import reverse

from evalhub.candidates.models import Candidate
from evalhub.evalsets.models import EvalSet
from evalhub.runs.models import Output
from reviews.models import Reason, ReviewItem
from reviews.reading.item import read_item
from reviews.saying_forms import type_choices
from reviews.templatetags.reading import reason_names
from taxonomy.models import ErrorType
from tests.making import make_candidate, make_check, make_round, make_run, make_score, make_version
from tests.people import without_token

NEEDED = ("round", "output__example", "output__run__candidate")


@pytest.mark.parametrize("leaves", [3, 20])
def test_types_below_a_heading_have_the_keys(leaves):
    heading = ErrorType(pk=1, name="Money")
    types = [heading, *(ErrorType(pk=number, name=str(number), parent=heading) for number in range(2, 2 + leaves))]

    choices = type_choices(types)

    assert (choices[0].is_heading, choices[0].key) == (True, "")
    keys = [choice.key for choice in choices[1:]]
    assert keys == (list("1234567890qwerty") + [""] * leaves)[:leaves]


MESSAGES = [
    {"role": "system", "content": "Be kind, and never promise a date. " * 40},
    *[
        {"role": role, "content": f"{role} {turn}: the parcel was to be here on Tuesday, and I still wait for it. " * 5}
        for turn in range(14)
        for role in ("user", "assistant")
    ],
    {"role": "user", "content": "Then please send me a new one, or give me my money back."},
]
TOOL = {
    "type": "function",
    "function": {
        "name": "refund",
        "description": "Gives the customer money back. " * 5,
        "parameters": {"type": "object", "properties": {"order": {"type": "string", "description": "Its number."}}},
    },
}
LONG = {"messages": MESSAGES, "tools": [TOOL] * 8}
SHORT = {"messages": [MESSAGES[-1]]}


def make_item(project, request, answer="It is on its way.", **example):
    """An item of a blind round that everybody can have, beside the baseline's answer."""
    row = {"key": "e", "request": request, "expected_kind": "text", "expected": "You get a new one."} | example
    version = make_version(project, [row], name=f"Set {EvalSet.objects.count()}")
    baseline = Candidate.objects.filter(name="old-model").first() or make_candidate(
        project, "old-model", is_baseline=True
    )
    make_run(version, baseline, ["You get another one."])
    run = make_run(version, answers=[answer])
    (item,) = make_round(run).items.all()
    for name in ("Equal", "Short"):
        make_score(item.output, make_check(version, name), passed=name == "Short")
    item.reasons, item.labels_wanted = ["failed_check", "differs_from_baseline"], 9
    item.save()
    return item


def page_of_item(client, project, item, name="reviews:item", *arguments, headers=None):
    return client.get(reverse(name, args=[project.slug, item.pk, *arguments]), headers=headers)


@pytest.mark.parametrize("request_json", [SHORT, LONG], ids=["one turn", "thirty turns"])
def test_the_page_of_an_item_is_under_60_kb(client_of, project, reviewer, request_json):
    item = make_item(project, request_json, answer="The parcel is on its way, and comes on Tuesday. " * 60)

    page = page_of_item(client_of(reviewer), project, item)

    assert page.status_code == 200
    assert len(page.content) < 60_000


def test_the_longest_texts_are_cut_and_the_page_stays_under_120_kb(client_of, project, reviewer):
    long = json.dumps(["“quoted”, & <escaped>"] * 40_000)
    messages = [{"role": role, "content": long} for role in ("system", "assistant", "user")]
    item = make_item(project, {"messages": messages}, answer=long[:-1], expected=long + long)

    page = page_of_item(client_of(reviewer), project, item)

    assert len(page.content) < 120_000
    assert page.content.decode().count("Show the whole text") == 4


def test_an_item_takes_the_same_few_questions_whatever_it_holds(
    client_of, project, reviewer, django_assert_num_queries
):
    items = [make_item(project, request) for request in (SHORT, LONG)]
    items = list(ReviewItem.objects.filter(pk__in=[item.pk for item in items]).select_related(*NEEDED))

    for item in items:
        # The own label, the scores, the baseline's run, its output.
        with django_assert_num_queries(4):
            reading = read_item(item, reviewer)
            render_to_string("reviews/_reading.html", {"reading": reading, "is_blind": True, "project": project})


def test_steps_are_fetched_and_read_without_a_script_too(client_of, project, reviewer):
    item = make_item(project, LONG)
    client = client_of(reviewer)
    page = page_of_item(client, project, item).content.decode()
    assert "and I still wait for it" not in page

    part = page_of_item(client, project, item, "reviews:part", "steps-2-29", headers={"HX-Request": "true"})
    whole = page_of_item(client, project, item, "reviews:part", "steps-2-29")

    assert f'hx-get="{part.request["PATH_INFO"]}"' in page
    assert part.content.decode().strip().startswith('<div class="fetched" id="part-steps-2-29">')
    assert part.content.decode().count("and I still wait for it") == 28 * 5
    assert "<h1>Steps 2 to 29</h1>" in whole.content.decode()


@pytest.mark.parametrize("part", ["steps-2-28", "step-31", "tool-9", "nothing", "answer-call-1", "other-as-send"])
def test_a_part_that_the_item_does_not_have_is_not_there(client_of, project, lead, part):
    assert page_of_item(client_of(lead), project, make_item(project, LONG), "reviews:part", part).status_code == 404


def test_parts_are_for_whom_the_item_was_given_to_and_for_leads(client_of, project, reviewer, lead, admin):
    item = make_item(project, LONG)
    statuses = {}
    for person in (reviewer, lead):
        statuses[person] = page_of_item(client_of(person), project, item, "reviews:part", "answer").status_code
    page_of_item(client_of(reviewer), project, item)

    assert statuses == {reviewer: 404, lead: 200}
    assert page_of_item(client_of(reviewer), project, item, "reviews:part", "answer").status_code == 200


def test_a_missing_answer_is_shown_as_what_it_is(client_of, project, reviewer):
    item = make_item(project, SHORT, answer="")
    Output.objects.filter(pk=item.output_id).update(error_cause="timeout", error="https://host.example took 60 s.")

    page = page_of_item(client_of(reviewer), project, item).content.decode()

    assert "No answer: Time limit" in page
    assert 'id="differences-title"' not in page
    assert "host.example" not in page


def test_the_form_of_steps_offers_the_numbers_that_the_page_shows(project, reviewer):
    reading = read_item(make_item(project, LONG), reviewer)

    assert [number for number, _ in reading.steps] == list(range(1, 32))
    assert reading.steps[-1] == (31, "The answer")


@pytest.mark.parametrize(
    ("kind", "expected", "text"),
    [
        ("text", "You get a new one.", "You get a new one."),
        ("json", {"queue": "refund"}, '{\n  "queue": "refund"\n}'),
        ("text", "word " * 500, ""),
        ("json", ["word"] * 500, ""),
    ],
)
def test_what_is_expected_is_there_to_be_corrected_unless_it_is_long(project, reviewer, kind, expected, text):
    item = make_item(project, SHORT, expected_kind=kind, expected=expected)

    assert read_item(item, reviewer).expected_to_edit == text


def test_every_reason_has_words_of_its_own():
    names = reason_names([*Reason.values])

    assert len(set(names)) == len(Reason)
    assert reason_names(["audit", "failed_check"]) == ["failed a check", "random audit"]
    assert set(names).isdisjoint(Reason.values)


def test_a_known_item_looks_like_any_other(client_of, project, reviewer):
    item = make_item(project, SHORT)
    client = client_of(reviewer)
    pages = []
    for is_known in (False, True):
        ReviewItem.objects.filter(pk=item.pk).update(is_known=is_known)
        pages.append(without_token(page_of_item(client, project, item)))

    assert pages[0] == pages[1]
