"""The page of agreement: figures, the items behind each, what it leaves out, who may see it."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from evalhub.projects.models import Role
from reviews.agreement.data import OUTCOME, TYPES, LabelsInCommon, agreement_on, said_in, shared_items
from reviews.labelling import record_label
from reviews.models import ReviewItem
from taxonomy.models import ErrorType
from taxonomy.types.changes import Restore
from taxonomy.types.editing import carry_out
from taxonomy.types.reshaping import Merge
from taxonomy.versions import tree_of
from tests.making import assessed, make_round, make_run, make_version
from tests.people import make_member


@pytest.fixture
def types(project):
    return list(ErrorType.objects.filter(project=project)[:2])


@pytest.fixture
def shared(project):
    """Two labels wanted of each of four items."""
    return make_round(make_run(make_version(project, 4)), labels_wanted=2)


def say(shared, person, *said):
    """One label an item, in order; “.” none, “p” pass, else a failure with these error types."""
    for item, each in zip(shared.items.order_by("order"), said, strict=True):
        if each != ".":
            record_label(item, person, assessed("pass" if each == "p" else "fail", [] if each == "p" else each))


def text_of(answer) -> str:
    """What a reader sees, spaces made one."""
    plain = re.sub(r"<(script|style|svg).*?</\1>|<[^>]+>", " ", answer.content.decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", plain)


def page(shared, name="agreement", **query):
    return reverse(f"reviews:{name}", args=[shared.project.slug, shared.pk], query=query)


def test_figures_of_two_people_stand_with_their_items_and_lead_to_them(shared, lead, reviewer, types, client_of):
    first, second = types
    say(shared, lead, "p", [first], [first], "p")
    say(shared, reviewer, "p", [first], [first, second], [second])

    answer = client_of(lead).get(page(shared))

    # Pass or fail: 3 of 4; by chance 2/4 x 1/4 + 2/4 x 3/4 = .5. Whole sets: 2 of 4.
    text = text_of(answer)
    assert "Pass or fail 4 items, 1 differs : Pass or fail 75.0 %" in text
    assert "Error types, the whole set 4 items, 2 differ : Error types, the whole set 50.0 %" in text
    assert f"{first.name} 4 items, none differs 100.0 % no interval 1.000" in text
    assert ">0.500<" in answer.content.decode()
    listed = text_of(client_of(lead).get(page(shared, "agreement_items", question="types")))
    assert "2 items where people differ" in listed
    assert f"Lea: Fail {first.name} Rob: Fail {first.name} {second.name}" in listed
    assert f"Lea: Pass Rob: Fail {second.name}" in listed
    alike = text_of(client_of(lead).get(page(shared, "agreement_items", question="types", show="alike")))
    assert "2 items where people agree" in alike
    assert "example-1" in alike
    assert "example-3" not in alike


def test_a_failure_without_an_error_type_differs_from_a_pass_as_it_does_where_items_are_contested(
    shared, lead, reviewer, types
):
    say(shared, lead, "p", [], types, "p")
    say(shared, reviewer, [], [], types[:1], "p")

    labels = LabelsInCommon(said_in(shared_items(shared), tree_of(shared.project)))

    contested = ReviewItem.objects.filter(round=shared, status="contested").order_by("pk")
    assert labels.items_where(TYPES, differ=True) == list(contested.values_list("pk", flat=True))
    assert agreement_on(TYPES, labels.tallied()).differing == 2


def test_three_people_have_alpha_and_each_pair_kappa(shared, project, lead, reviewer, client_of):
    third = make_member(project, "Tom", Role.REVIEWER)
    say(shared, lead, "p", "p", [], ".")
    say(shared, reviewer, "p", [], ".", [])
    say(shared, third, ".", ".", [], [])

    answer = client_of(lead).get(page(shared))

    text = text_of(answer)
    assert "By pair of people: Pass or fail" in text
    assert "Lea and Rob 2 items, 1 differs" in text
    assert "Lea and Tom 1 item, none differs 100.0 %" in text
    assert "undefined all labels equal" in text
    narrowed = text_of(client_of(lead).get(page(shared, people=f"{lead.pk}-{reviewer.pk}")))
    assert "On each question, Lea and Rob" in narrowed
    assert "Pass or fail 2 items, 1 differs : Pass or fail 50.0 %" in narrowed


def test_known_items_and_items_of_one_person_are_left_out(shared, lead, reviewer):
    say(shared, lead, "p", "p", "p", ".")
    say(shared, reviewer, "p", [], ".", "p")
    ReviewItem.objects.filter(pk=shared.items.order_by("order")[1].pk).update(is_known=True)

    labels = LabelsInCommon(said_in(shared_items(shared), tree_of(shared.project)))

    assert agreement_on(OUTCOME, labels.tallied()).items == 1


def test_several_runs_have_a_line_each(project, lead, reviewer, client_of):
    version = make_version(project, 2)
    shared = make_round(make_run(version, "first"), labels_wanted=2)
    other = make_run(version, "second")
    shared.runs.add(other)
    for number, output in enumerate(other.outputs.order_by("pk"), 2):
        ReviewItem.objects.create(round=shared, output=output, reasons=["audit"], order=number, labels_wanted=2)
    say(shared, lead, "p", "p", "p", [])
    say(shared, reviewer, "p", [], "p", [])

    text = text_of(client_of(lead).get(page(shared)))

    assert "By candidate: Pass or fail" in text
    assert "first 2 items, 1 differs : first 50.0 %" in text
    assert "second 2 items, none differs 100.0 % no interval 1.000" in text
    narrowed = text_of(client_of(lead).get(page(shared, run=other.pk)))
    assert "On each question, second" in narrowed
    assert "Pass or fail 2 items, none differs 100.0 %" in narrowed


def test_a_round_that_nobody_shares_says_what_to_do(shared, lead, reviewer, client_of):
    say(shared, lead, "p", "p", ".", ".")
    say(shared, reviewer, ".", ".", "p", "p")

    assert "Nobody has an item in common yet" in text_of(client_of(lead).get(page(shared)))
    assert "No item has labels of two people yet" in text_of(client_of(lead).get(page(shared, "agreement_summary")))


def test_the_summary_gives_the_two_figures(shared, lead, reviewer, types, client_of):
    say(shared, lead, "p", types, ".", ".")
    say(shared, reviewer, "p", types[:1], ".", ".")

    text = text_of(client_of(lead).get(page(shared, "agreement_summary")))

    assert "Pass or fail 100.0 % of 2 items, kappa 1.000" in text
    assert "Error types, the whole set 50.0 % of 2 items, kappa 0.333; 1 differs" in text


@pytest.mark.parametrize("query", [{"run": "0"}, {"run": "x"}, {"people": "1"}, {"people": "1-1"}, {"people": "1-x"}])
def test_an_address_that_names_nothing_of_the_round_is_refused(shared, lead, reviewer, client_of, query):
    say(shared, lead, "p", "p", ".", ".")
    say(shared, reviewer, "p", "p", ".", ".")

    assert client_of(lead).get(page(shared, **query)).status_code == 400


def test_reviewers_do_not_see_it(shared, reviewer, client_of):
    for name in ("agreement", "agreement_items", "agreement_summary"):
        assert client_of(reviewer).get(page(shared, name)).status_code == 403


@pytest.mark.parametrize("count", [2, 30])
def test_the_pages_ask_the_database_as_often_for_many_items_as_for_few(
    project, lead, reviewer, types, client_of, django_assert_num_queries, count
):
    shared = make_round(make_run(make_version(project, count)), labels_wanted=2)
    say(shared, lead, *["p"] * count)
    say(shared, reviewer, *[types if n % 2 else "p" for n in range(count)])
    client = client_of(lead)

    with django_assert_num_queries(10):
        client.get(page(shared))
    with django_assert_num_queries(12):
        assert client.get(page(shared, "agreement_items", question="types")).status_code == 200
    with django_assert_num_queries(12):
        assert (
            client.get(page(shared, "agreement_items", question=f"type-{types[0].pk}", show="alike")).status_code == 200
        )


def test_labels_from_before_and_after_a_merge_are_compared_as_the_taxonomy_is_now(
    shared, lead, reviewer, types, client_of
):
    first, second = types
    say(shared, lead, [first], [first], [first, second], ".")
    carry_out(shared.project, Merge((first.pk,), second.pk), lead)
    say(shared, reviewer, [second], "p", [second], ".")

    answer = client_of(lead).get(page(shared))

    text = text_of(answer)
    assert "Error types, the whole set 3 items, 1 differs" in text
    assert f"{second.name} 3 items, 1 differs" in text
    assert first.name not in text
    listed = text_of(client_of(lead).get(page(shared, "agreement_items", question=f"type-{second.pk}", show="alike")))
    assert "2 items where people agree" in listed
    assert f"Lea: Fail {first.name} Rob: Fail {second.name}" in listed  # what each said stays as it was said


def test_undoing_a_merge_lets_labels_differ_again(shared, lead, reviewer, types, client_of):
    first, second = types
    say(shared, lead, [first], ".", ".", ".")
    say(shared, reviewer, [second], ".", ".", ".")
    carry_out(shared.project, Merge((first.pk,), second.pk), lead)
    assert "Error types, the whole set 1 item, none differs" in text_of(client_of(lead).get(page(shared)))

    carry_out(shared.project, Restore(first.pk), lead)

    assert "Error types, the whole set 1 item, 1 differs" in text_of(client_of(lead).get(page(shared)))
