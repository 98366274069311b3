import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from evalhub.evalsets.models import Example
from reviews.desk.pace import deferrals_of, labels_of, labels_on, pace_of, returned_to
from reviews.labelling import record_label, return_label
from reviews.models import Deferral, Label, ReviewItem, Round
from reviews.rounds.bulk import assign_items
from reviews.rounds.closing import close_round
from reviews.rounds.progress import waiting_rounds
from taxonomy.models import ErrorType
from tests.making import assessed, make_candidate, make_round, make_run, make_version


@pytest.fixture
def run(project):
    return make_run(make_version(project, 4), make_candidate(project, "hidden-model"))


@pytest.fixture
def made(run):
    return make_round(run)


@pytest.fixture
def get(client_of, project, reviewer):
    def got(name="home", query="", who=reviewer):
        return client_of(who).get(reverse(f"reviews:{name}", args=[project.slug]) + query)

    return got


def first_of(made):
    return made.items.order_by("order").first()


def test_what_waits_is_what_the_person_can_still_label(project, reviewer, lead, made):
    record_label(first_of(made), reviewer, assessed("pass"))
    made.refresh_from_db()

    assert [(each, count) for each, count in waiting_rounds(project, reviewer)] == [(made, 3)]


def test_practice_comes_first_then_what_names_the_person(project, reviewer, lead, run):
    _, named, practice, for_lead = (make_round(run, name=name) for name in ("all", "named", "practice", "lead"))
    named.reviewers.add(reviewer)
    for_lead.reviewers.add(lead)
    Round.objects.filter(pk=practice.pk).update(is_practice=True)

    assert [each.name for each, _ in waiting_rounds(project, reviewer)] == ["practice", "named", "all"]


def test_of_a_round_given_to_some_only_their_own_items_wait(project, reviewer, lead, made):
    ReviewItem.objects.filter(pk=first_of(made).pk).update(is_known=True)
    assign_items(made, {"known": "no"}, [lead], lead)

    assert [(each.given_to_me, count) for each, count in waiting_rounds(project, reviewer)] == [(0, 1)]
    assert [(each.given_to_me, count) for each, count in waiting_rounds(project, lead)] == [(3, 4)]


def test_a_round_in_which_all_is_given_to_others_does_not_wait(project, reviewer, lead, made):
    assign_items(made, {}, [lead], lead)

    assert waiting_rounds(project, reviewer) == []


def test_home_leads_to_the_desk_and_says_who_a_round_is_for(get, project, reviewer, made):
    made.reviewers.add(reviewer)

    page = get().content.decode()

    assert reverse("reviews:desk", args=[project.slug, made.pk]) in page
    assert "4 items" in page
    assert "for you" in page
    assert "Start labelling" in page


def test_home_says_what_to_do_when_there_is_nothing(get, lead):
    assert "When a lead makes a review round, or gives you items, they show here." in get().content.decode()
    assert "No review round yet" in get(who=lead).content.decode()


def test_the_pace_is_the_median_of_the_latest_labels(project, reviewer, made):
    for item, seconds in zip(made.items.all(), (10, 20, 600, None), strict=True):
        record_label(item, reviewer, assessed("pass"))
        Label.objects.filter(item=item).update(seconds=seconds)

    pace = pace_of(project, reviewer)

    assert (pace.labels, pace.last_day, pace.seconds, pace.timed, pace.an_hour) == (4, 4, 20.0, 3, 180)
    assert (len(pace.days), pace.days[-1]) == (28, (timezone.localdate(), 4))


def test_each_day_of_the_chart_leads_to_its_labels(get, project, reviewer, made):
    yesterday = timezone.now() - timedelta(days=1)
    for item in made.items.all()[:2]:
        record_label(item, reviewer, assessed("pass"))
    Label.objects.filter(item=first_of(made)).update(created_at=yesterday)

    page = get().content.decode()
    day = timezone.localdate(yesterday).isoformat()

    assert page.count(f"day={day}") == 2  # in the chart and in its table
    history = get("history", f"?day={day}").content.decode()
    assert history.count("<tr>") == 2
    assert "example-1" in history


def test_a_day_begins_and_ends_in_the_zone_of_the_pages(project, reviewer, made, settings):
    settings.TIME_ZONE = "America/New_York"
    record_label(first_of(made), reviewer, assessed("pass"))
    Label.objects.update(created_at=datetime(2026, 3, 1, 3, 0, tzinfo=UTC))  # 22:00 of the day before
    own = labels_of(project, reviewer)

    with timezone.override("America/New_York"):
        assert labels_on(own, date(2026, 2, 28), date(2026, 2, 28)).count() == 1
        assert labels_on(own, date(2026, 3, 1), date(2026, 3, 1)).count() == 0


def test_what_was_put_off_shows_with_its_reason_until_it_is_labelled(get, project, reviewer, lead, made):
    item = first_of(made)
    Deferral.objects.create(item=item, reviewer=reviewer, reason="Ask Lea about refunds")

    page = get().content.decode()
    assert "Ask Lea about refunds" in page
    assert reverse("reviews:item", args=[project.slug, item.pk]) in page
    assert "Ask Lea about refunds" in get("deferred").content.decode()
    assert "Ask Lea about refunds" not in get(who=lead).content.decode()
    record_label(item, lead, assessed("pass"))

    assert not deferrals_of(project, reviewer).exists()


def test_a_returned_label_shows_with_its_reason_until_it_is_given_again(get, project, reviewer, lead, made):
    item = first_of(made)
    for reason in ("First reason", "Second reason"):
        record_label(item, reviewer, assessed("pass"))
        return_label(item, reviewer, lead, reason)

    page = get().content.decode()
    assert "Second reason" in page
    assert "First reason" not in page
    assert "Second reason" in get("returned").content.decode()
    assert not returned_to(project, lead).exists()
    record_label(item, reviewer, assessed("pass"))

    assert not returned_to(project, reviewer).exists()


def test_the_history_holds_ones_own_labels_newest_first(get, reviewer, lead, made):
    one, two, three, _ = made.items.order_by("order")
    types = list(ErrorType.objects.in_project(made.project)[:1])
    record_label(one, reviewer, assessed("pass"))
    record_label(two, reviewer, assessed("fail", types, "mine"))
    record_label(three, lead, assessed("fail", types, "theirs"))

    page = get("history").content.decode()

    assert re.findall(r"example-\d", page) == ["example-2", "example-1"]
    assert types[0].name in page
    assert "theirs" not in page
    assert "hidden-model" not in page


def test_the_history_is_narrowed_by_round_and_outcome(get, reviewer, run, made):
    other = make_round(run, name="Other")
    record_label(first_of(made), reviewer, assessed("pass"))
    record_label(first_of(other), reviewer, assessed("fail", note="x"))

    assert get("history", f"?round={made.pk}").content.decode().count("badge-good") == 1
    assert get("history", "?outcome=fail").content.decode().count("<tr>") == 2
    assert "No label of yours fits" in get("history", f"?round={made.pk}&outcome=fail").content.decode()


@pytest.mark.parametrize("query", ["?outcome=odd", "?day=2026-13-01", "?round=x", "?after=-"])
def test_odd_addresses_of_the_history_are_answered_calmly(get, reviewer, query):
    assert get("history", query).status_code == 400


def test_home_shows_nothing_of_others_labels(get, reviewer, lead, made):
    record_label(first_of(made), lead, assessed("fail", note="a secret note"))

    page = get().content.decode()

    assert "a secret note" not in page
    assert "hidden-model" not in page


def test_a_reviewer_does_not_see_rounds_of_others(get, reviewer, lead, made):
    made.reviewers.add(lead)

    assert "Disagreements" not in get().content.decode()
    assert "Disagreements" in get(who=lead).content.decode()


def test_a_closed_round_stays_on_home_with_its_notes(get, project, reviewer, lead, made):
    record_label(first_of(made), reviewer, assessed("fail", note="x"))
    close_round(made, lead)

    page = get().content.decode()

    assert "closed" in page
    assert reverse("reviews:notes", args=[project.slug, made.pk]) in page


@pytest.mark.parametrize("size", [1, 30])
def test_home_and_history_take_the_same_queries_for_any_size(
    client_of, project, reviewer, lead, size, django_assert_num_queries
):
    run = make_run(make_version(project, size + 2))
    rounds = [make_round(run, name=f"Round {number}") for number in range(size)]
    Round.objects.filter(pk=rounds[0].pk).update(selection={"assigned": True})
    for item in rounds[0].items.all()[:size]:
        record_label(item, reviewer, assessed("pass"))
    for each in rounds[0].items.all()[size:]:
        Deferral.objects.create(item=each, reviewer=reviewer)
    client = client_of(reviewer)

    # session, user, member, rounds that wait, those given to some, four of the pace, other rounds, put off, returned
    with django_assert_num_queries(13):
        client.get(reverse("reviews:home", args=[project.slug]))
    with django_assert_num_queries(6):  # session, user, member, labels, their error types, rounds
        client.get(reverse("reviews:history", args=[project.slug]))
    assert Example.objects.count() == size + 2
