from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from reviews.labelling import decide, record_label, return_label
from reviews.models import Deferral, Label, ReviewItem
from reviews.rounds.closing import close_round
from reviews.rounds.figures import figures_of
from reviews.rounds.narrowing import NarrowingError, filters_in, narrowed
from taxonomy.models import ErrorType
from tests.making import assessed, make_candidate, make_round, make_run, make_version

HTMX = {"HX-Request": "true"}


@pytest.fixture
def run(project):
    return make_run(make_version(project, 4), make_candidate(project, "small-model"))


@pytest.fixture
def made(run):
    return make_round(run)


@pytest.fixture
def get(client_of, project, lead, made):
    def got(query="", name="round", **headers):
        return client_of(lead).get(reverse(f"reviews:{name}", args=[project.slug, made.pk]) + query, headers=headers)

    return got


def items_of(made):
    return list(made.items.order_by("order"))


def found(made, **given):
    """The places of the items that fit, from 0."""
    places = {item.pk: place for place, item in enumerate(items_of(made))}
    return sorted(places[item.pk] for item in narrowed(made, filters_in({k: str(v) for k, v in given.items()})))


def test_the_page_counts_items_by_status_and_leads_to_them(get, project, reviewer, made):
    record_label(items_of(made)[0], reviewer, assessed("pass"))

    page = get().content.decode()

    assert "1 of 4" in page
    assert f"{reverse('reviews:round', args=[project.slug, made.pk])}?status=settled#items" in page
    assert "example-4" in page
    settled = get("?status=settled").content.decode()
    assert "example-1" in settled
    assert "example-2" not in settled


def test_items_are_found_by_status_reason_and_candidate(project, reviewer, made):
    first, second, *_ = items_of(made)
    record_label(first, reviewer, assessed("pass"))
    ReviewItem.objects.filter(pk=second.pk).update(reasons=["audit", "tag"], is_known=True)
    candidate = made.runs.get().candidate_id

    assert found(made, status="settled") == [0]
    assert found(made, reason="tag") == [1]
    assert found(made, reason="failed_check") == [0, 2, 3]
    assert found(made, known="yes") == [1]
    assert found(made, candidate=candidate) == [0, 1, 2, 3]
    assert found(made, candidate=make_candidate(project, "other").pk) == []
    assert found(made, status="waiting", reason="failed_check") == [2, 3]


def test_items_are_found_by_what_one_label_says(run, lead, reviewer):
    made = make_round(run, labels_wanted=2)
    wrong, odd = ErrorType.objects.in_project(made.project)[:2]
    first, second, *_ = items_of(made)
    record_label(first, lead, assessed("pass"))
    record_label(first, reviewer, assessed("fail", [wrong], "Order id 5 % off"))
    record_label(second, lead, assessed("fail", [odd], "made up"))

    assert found(made, person=lead.pk) == [0, 1]
    assert found(made, person=lead.pk, outcome="fail") == [1]
    assert found(made, outcome="fail") == [0, 1]
    assert found(made, error_type=wrong.pk) == [0]
    assert found(made, error_type=wrong.pk, person=lead.pk) == []
    assert found(made, text="ORDER ID") == [0]
    assert found(made, text="5 %") == [0]
    assert found(made, text="_") == []


def test_items_are_found_by_how_they_were_settled(run, lead, reviewer):
    made = make_round(run, labels_wanted=2)
    agreed, decided, contested, known = items_of(made)
    ReviewItem.objects.filter(pk=known.pk).update(is_known=True)
    for item in (agreed, known):
        for person in (lead, reviewer):
            record_label(item, person, assessed("fail", note="x"))
    for item in (decided, contested):
        record_label(item, lead, assessed("pass"))
        record_label(item, reviewer, assessed("fail", note="x"))
    decide(decided, lead, assessed("pass"))

    assert found(made, outcome="settled_fail") == [0]
    assert found(made, outcome="settled_pass") == [1]
    assert found(made, status="contested") == [2]


def test_items_are_found_by_whom_they_wait_for(made, lead, reviewer):
    put_off, returned, assigned, _ = items_of(made)
    Deferral.objects.create(item=put_off, reviewer=reviewer)
    record_label(returned, reviewer, assessed("pass"))
    return_label(returned, reviewer, lead, "again")
    ReviewItem.objects.filter(pk=returned.pk).update(assigned_to=[])
    ReviewItem.objects.filter(pk=assigned.pk).update(assigned_to=[lead.pk])

    assert found(made, deferred="anyone") == found(made, deferred=reviewer.pk) == [0]
    assert found(made, deferred=lead.pk) == []
    assert found(made, deferred="nobody") == [1, 2, 3]
    assert found(made, returned="anyone") == found(made, returned=reviewer.pk) == [1]
    assert found(made, assigned=lead.pk) == found(made, assigned="anyone") == [2]
    assert found(made, assigned="nobody") == [0, 1, 3]
    record_label(returned, reviewer, assessed("pass"))
    assert found(made, returned="anyone") == []


def test_items_are_found_by_tag(project):
    rows = [
        {"key": f"k{n}", "request": {"messages": []}, "expected_kind": "", "tags": tags}
        for n, tags in enumerate((["refund", "de"], ["de"], []))
    ]
    made = make_round(make_run(make_version(project, rows)))

    assert found(made, tag="refund") == [0]
    assert found(made, tag="de") == [0, 1]
    assert found(made, tag="d") == []


@pytest.mark.parametrize(
    "given",
    [
        *({"status": "odd"}, {"reason": "x"}, {"outcome": "maybe"}, {"known": "1"}, {"person": "Rob"}),
        *({"person": "-1"}, {"deferred": "somebody"}, {"error_type": "9" * 19}, {"text": "a\0"}, {"tag": "x" * 501}),
        *({"person": "anyone"}, {"person": "٣"}),
    ],
)
def test_a_filter_that_cannot_be_is_refused(get, given):
    with pytest.raises(NarrowingError):
        filters_in(given)

    assert get("?" + "&".join(f"{name}={value}" for name, value in given.items())).status_code == 400


def test_the_page_keeps_its_filters_for_what_is_done_to_all_that_fit(get, project, made, reviewer):
    record_label(items_of(made)[0], reviewer, assessed("fail", note="x"))

    page = get(f"?person={reviewer.pk}&outcome=fail").content.decode()

    assert "The one item that fits" in page
    bulk_url = reverse("reviews:bulk", args=[project.slug, made.pk])
    assert f'action="{bulk_url}?person={reviewer.pk}&amp;outcome=fail"' in page


def test_figures_by_person(made, lead, reviewer):
    first, second, third, _ = items_of(made)
    for item, outcome, seconds in ((first, "fail", 10), (second, "pass", 30)):
        record_label(item, reviewer, assessed(outcome, note="x"))
        Label.objects.filter(item=item).update(seconds=seconds)
    Deferral.objects.create(item=third, reviewer=lead)

    people = figures_of(made).people

    assert [(each.name, each.labels, each.fails, each.deferred) for each in people] == [
        ("Rob", 2, 1, 0),
        ("Lea", 0, 0, 1),
    ]
    assert (people[0].seconds, people[0].an_hour, people[0].fail_share) == (20.0, 180, 0.5)
    assert people[0].last == Label.objects.latest("changed_at").changed_at
    assert (people[1].seconds, people[1].an_hour, people[1].last) == (None, None, None)


def test_people_who_are_named_show_before_they_begin(made, lead, reviewer):
    made.reviewers.set([reviewer])

    assert [(each.name, each.labels) for each in figures_of(made).people] == [("Rob", 0)]


def test_figures_by_reason(run, lead, reviewer):
    made = make_round(run, labels_wanted=2)
    failed, passed, contested, known = items_of(made)
    ReviewItem.objects.filter(pk=failed.pk).update(reasons=["failed_check", "audit"])
    ReviewItem.objects.filter(pk=known.pk).update(is_known=True)
    for item, outcomes in ((failed, "ff"), (passed, "pp"), (contested, "pf"), (known, "ff")):
        for person, outcome in zip((lead, reviewer), outcomes, strict=True):
            record_label(item, person, assessed("fail" if outcome == "f" else "pass", note="x"))

    rows = {row.reason: (row.items, row.done, row.contested, row.judged, row.fails) for row in figures_of(made).reasons}

    assert rows == {"failed_check": (4, 3, 1, 2, 1), "audit": (1, 1, 0, 1, 1)}


def test_what_is_left_and_how_long_it_takes(run, lead, reviewer):
    made = make_round(run, labels_wanted=2)
    for item in items_of(made)[:2]:
        record_label(item, reviewer, assessed("pass"))
    Label.objects.update(seconds=30)

    figures = figures_of(made)

    assert (figures.left, figures.last_hour, figures.last_day) == (6, 2, 2)
    assert (figures.seconds, figures.timed, figures.timed_people) == (30.0, 2, 1)
    assert figures.work_left == 180.0
    assert figures.time_left == 3 * 3600.0  # 6 labels at 2 an hour
    Label.objects.update(created_at=timezone.now() - timedelta(hours=5))
    assert figures_of(made).time_left == 3 * 86400.0  # 6 labels at 2 a day


def test_a_round_that_nobody_has_begun_has_no_estimate(made):
    figures = figures_of(made)

    assert (figures.left, figures.work_left, figures.time_left) == (4, None, None)


def test_progress_comes_after_the_page_and_stands_alone_too(get, project, reviewer, made):
    record_label(items_of(made)[0], reviewer, assessed("fail", note="x"))

    assert f'hx-get="{reverse("reviews:round_progress", args=[project.slug, made.pk])}"' in get().content.decode()
    part = get(name="round_progress", **HTMX).content.decode()
    assert "<html" not in part
    assert f"?person={reviewer.pk}&amp;outcome=fail#items" in part
    assert "?reason=failed_check&amp;outcome=settled_fail#items" in part
    assert "<html" in get(name="round_progress").content.decode()


def test_a_contested_item_leads_to_whoever_decides(run, client_of, project, lead, reviewer):
    made = make_round(run, labels_wanted=2)
    item = items_of(made)[0]
    record_label(item, lead, assessed("pass"))
    record_label(item, reviewer, assessed("fail", note="x"))

    page = client_of(lead).get(reverse("reviews:round", args=[project.slug, made.pk])).content.decode()

    assert reverse("reviews:decide", args=[project.slug, item.pk]) in page


def test_a_closed_round_offers_no_changes(get, made, lead):
    close_round(made, lead)

    page = get().content.decode()

    assert "Open again" in page
    assert "Assign" not in page.split('id="items"')[1].split("<table>")[0].replace("Assigned", "")


def test_items_are_paged_by_key_and_keep_their_filters(client_of, project, lead):
    made = make_round(make_run(make_version(project, 60)))

    page = client_of(lead).get(reverse("reviews:round", args=[project.slug, made.pk]) + "?status=waiting")

    last = page.context["page"].rows[-1]
    assert page.context["fitting"] == 60
    assert f"status=waiting&amp;after={last.output_id}" in page.content.decode()


@pytest.mark.parametrize("size", [1, 30])
def test_the_page_takes_the_same_queries_for_any_size(
    client_of, project, lead, reviewer, size, django_assert_num_queries
):
    made = make_round(make_run(make_version(project, size)), labels_wanted=2)
    types = list(ErrorType.objects.in_project(project)[:2])
    for item in made.items.all():
        record_label(item, reviewer, assessed("fail", types, "x"))
        record_label(item, lead, assessed("pass"))
    client = client_of(lead)
    address = reverse("reviews:round", args=[project.slug, made.pk])

    # session, user, member, round, statuses, runs, people, error types, who labels (2), items, labels, their types
    with django_assert_num_queries(13):
        client.get(address)
    with django_assert_num_queries(14):  # and how many fit
        client.get(f"{address}?person={reviewer.pk}&outcome=fail")
    with django_assert_num_queries(8):  # session, user, member, round, and four of the figures
        client.get(reverse("reviews:round_progress", args=[project.slug, made.pk]))
