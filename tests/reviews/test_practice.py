"""Practice: known answers with feedback after each label, with which new reviewers begin."""

import pytest
from django.urls import reverse

from evalhub.projects.models import Member, Role
from reviews.calibration.known import known_answers, mark_known
from reviews.calibration.meetings import feedback_on, meetings_of
from reviews.calibration.practice import make_practice_round, practice_first
from reviews.labelling import record_label, undo_label
from reviews.models import Label, Round
from reviews.rounds.closing import close_round
from taxonomy.models import ErrorType, Verdict
from taxonomy.types.editing import carry_out
from taxonomy.types.reshaping import Merge
from tests.making import assessed, claim_next, make_round, make_run, make_version
from tests.people import make_member

HTMX = {"HX-Request": "true"}


@pytest.fixture
def run(project):
    return make_run(make_version(project, 4))


@pytest.fixture
def types(project):
    return list(ErrorType.objects.filter(project=project)[:3])


@pytest.fixture
def practice(project, run, lead, types):
    """Two items: one that fails with the first two error types, and one that passes."""
    fails, passes, *_ = run.outputs.order_by("pk")
    mark_known(fails, lead, assessed("fail", types[:2], "The order id is not the customer's."))
    mark_known(passes, lead, assessed("pass", (), "All of it is right."))
    return make_practice_round(project, "Begin here", list(known_answers(project)), lead)


def item_of(practice, outcome):
    return practice.items.get(output__known_answer__outcome=outcome)


def do_all(practice, person):
    while item := claim_next(practice, person):
        record_label(item, person, assessed("pass"))


def first_for(project, person):
    return practice_first(Member.objects.get(project=project, user=person))


def test_everybody_does_all_items_whoever_did_them_before(project, practice, reviewer):
    people = [reviewer, *(make_member(project, name, Role.REVIEWER) for name in ("Una", "Vic"))]

    for person in people:
        do_all(practice, person)

    assert Label.objects.count() == 6
    assert {item.status for item in practice.items.all()} == {"in_review"}


def test_feedback_says_what_differs(practice, reviewer, types):
    item = item_of(practice, "fail")
    record_label(item, reviewer, assessed("fail", [types[0], types[2]], "mine"))

    feedback = feedback_on(item, reviewer)

    assert (feedback.is_right, feedback.agrees) == (True, False)
    assert (feedback.missed, feedback.extra) == ([types[1]], [types[2]])
    assert feedback.known.note == "The order id is not the customer's."


def test_feedback_on_what_is_as_it_is_known(practice, reviewer, types):
    item = item_of(practice, "fail")
    record_label(item, reviewer, assessed("fail", types[:2]))

    assert feedback_on(item, reviewer).agrees


def test_there_is_no_feedback_before_the_label_nor_outside_practice(practice, run, reviewer):
    assert feedback_on(item_of(practice, "fail"), reviewer) is None
    ordinary = make_round(run).items.order_by("order").first()  # its output has a known answer

    record_label(ordinary, reviewer, assessed("pass"))

    assert feedback_on(ordinary, reviewer) is None


def test_error_types_are_not_compared_where_they_are_hidden(practice, reviewer):
    Round.objects.filter(pk=practice.pk).update(hides_types=True)
    item = item_of(practice, "fail")
    record_label(item, reviewer, assessed("fail", note="The id is wrong."))
    item.refresh_from_db()

    assert feedback_on(item, reviewer).agrees


def test_labels_of_practice_make_no_verdict(practice, reviewer):
    do_all(practice, reviewer)

    assert not Verdict.objects.exists()


def test_the_desk_shows_feedback_beside_the_next_item(client_of, project, practice, reviewer, types):
    item = item_of(practice, "fail")
    claim_next(practice, reviewer)
    client = client_of(reviewer)
    client.get(reverse("reviews:item", args=[project.slug, item.pk]))

    answer = client.post(reverse("reviews:label", args=[project.slug, item.pk]), {"outcome": "pass"}, headers=HTMX)

    page = answer.content.decode()
    assert "You passed what fails" in page
    assert "The order id is not the customer&#x27;s." in page
    assert types[1].name in page


def test_the_desk_shows_feedback_without_javascript_and_after_the_last_item(client_of, project, practice, reviewer):
    client = client_of(reviewer)
    for outcome in ("pass", "fail"):
        item = item_of(practice, outcome)
        client.get(reverse("reviews:item", args=[project.slug, item.pk]))
        answer = client.post(
            reverse("reviews:label", args=[project.slug, item.pk]), {"outcome": outcome, "note": "n"}, follow=True
        )

    page = answer.content.decode()
    assert "Right outcome, other error types" in page
    assert "The order id is not the customer&#x27;s." in page
    assert Label.objects.count() == 2


def test_nothing_of_the_known_answer_is_on_the_desk_before_the_label(client_of, project, practice, reviewer):
    item = item_of(practice, "fail")

    page = client_of(reviewer).get(reverse("reviews:item", args=[project.slug, item.pk])).content.decode()

    assert "The order id is not" not in page
    assert "You passed" not in page


def test_a_new_reviewer_is_led_to_practice_first(client_of, project, practice, run, reviewer):
    other = make_round(run, name="Real work")
    client = client_of(reviewer)

    for url in (
        reverse("reviews:desk", args=[project.slug, other.pk]),
        reverse("reviews:item", args=[project.slug, other.items.first().pk]),
    ):
        answer = client.get(url, follow=True)
        assert answer.redirect_chain[-1][0] == reverse("reviews:desk", args=[project.slug, practice.pk])
        assert "New reviewers begin with practice" in answer.content.decode()
    home = client.get(reverse("reviews:home", args=[project.slug])).content.decode()

    assert "Start practising" in home
    assert Label.objects.count() == 0
    assert not other.items.filter(claims__isnull=False).exists()


def test_who_finished_practice_goes_on(client_of, project, practice, run, reviewer):
    other = make_round(run, name="Real work")
    do_all(practice, reviewer)

    answer = client_of(reviewer).get(reverse("reviews:desk", args=[project.slug, other.pk]))

    assert answer.status_code == 200
    assert first_for(project, reviewer) is None


def test_who_labelled_before_is_not_held_up(project, practice, run, reviewer):
    other = make_round(run, name="Real work")
    assert first_for(project, reviewer) == practice

    record_label(other.items.first(), reviewer, assessed("pass"))

    assert first_for(project, reviewer) is None


def test_leads_are_not_held_up(project, practice, lead, reviewer):
    assert first_for(project, lead) is None
    member = Member.objects.get(user=reviewer)

    member.role = Role.LEAD

    assert practice_first(member) is None


def test_a_closed_practice_round_holds_nobody_up(project, practice, lead, reviewer):
    close_round(practice, lead)

    assert first_for(project, reviewer) is None


def test_one_finished_practice_round_is_enough(project, practice, lead, reviewer):
    make_practice_round(project, "Another", list(known_answers(project)), lead)

    do_all(practice, reviewer)

    assert first_for(project, reviewer) is None


def test_a_lead_makes_a_practice_round_on_the_page(client_of, project, practice, lead):
    chosen = known_answers(project).earliest("pk")
    url = reverse("reviews:practice", args=[project.slug])
    client = client_of(lead)
    assert "example-1: fail" in client.get(url).content.decode()

    answer = client.post(url, {"name": "Second <set>", "known": [chosen.pk], "guidelines": "Be strict."})

    made = Round.objects.latest("pk")
    assert answer.headers["Location"] == reverse("reviews:round", args=[project.slug, made.pk])
    assert (made.name, made.is_practice, made.guidelines, made.item_count) == ("Second <set>", True, "Be strict.", 1)
    assert made.items.get().output == chosen.output


def test_a_known_answer_of_another_project_cannot_be_practised(client_of, project, practice, lead, stranger):
    foreign = make_run(make_version(stranger.memberships.get().project, 1)).outputs.get()
    known = mark_known(foreign, stranger, assessed("pass"))

    answer = client_of(lead).post(
        reverse("reviews:practice", args=[project.slug]), {"name": "Mine", "known": [known.pk]}
    )

    assert answer.status_code == 422
    assert Round.objects.count() == 1


def test_the_first_answer_counts_and_not_the_one_after_the_feedback(
    client_of, project, practice, lead, reviewer, types
):
    item = item_of(practice, "fail")
    record_label(item, reviewer, assessed("pass"))
    undo_label(item, reviewer)
    record_label(item, reviewer, assessed("fail", types[:2]))

    page = (
        client_of(lead)
        .get(reverse("reviews:calibration", args=[project.slug]), {"person": reviewer.pk})
        .content.decode()
    )

    assert "0 of 1" in page
    assert "practice, first answer" in page


@pytest.mark.parametrize("known_first", [True, False])
def test_who_says_the_type_into_which_the_known_one_was_merged_is_right(
    project, run, practice, lead, reviewer, types, known_first
):
    item, merge = item_of(practice, "fail"), Merge((types[1].pk,), types[2].pk)
    if not known_first:
        record_label(item, reviewer, assessed("fail", types[:2]))
        carry_out(project, merge, lead)
        mark_known(item.output, lead, assessed("fail", [types[0], types[2]]))
    else:
        carry_out(project, merge, lead)
        record_label(item, reviewer, assessed("fail", [types[0], types[2]]))

    feedback = feedback_on(item, reviewer)

    assert feedback.agrees
    assert (feedback.missed, feedback.extra) == ([], [])
    assert feedback.said_types == feedback.known_types == [types[0], types[2]]
    (met,) = meetings_of(project, reviewer)
    assert not met.differs_in_types


def test_feedback_asks_for_the_taxonomy_only_where_other_types_were_said_than_are_known(
    practice, reviewer, types, django_assert_num_queries
):
    item = item_of(practice, "fail")
    record_label(item, reviewer, assessed("fail", types[:2]))
    with django_assert_num_queries(4):  # the label, what is known, and the types of both
        assert feedback_on(item, reviewer).agrees

    record_label(item, reviewer, assessed("fail", types[:1]))
    with django_assert_num_queries(5):
        assert feedback_on(item, reviewer).missed == [types[1]]
