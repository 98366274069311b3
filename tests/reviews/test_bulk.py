import threading

import pytest
from django.db import connection
from django.urls import reverse

from evalhub.projects.models import Event
from reviews.labelling import NotYours, decide, record_label, said_of
from reviews.models import Claim, Draft, ItemEvent, Label, ReviewItem, Round, Seat
from reviews.queue import claim_item
from reviews.rounds import bulk
from reviews.rounds.closing import close_round
from reviews.status import item_status
from taxonomy.models import ErrorType, Finding, Verdict
from tests.making import assessed, claim_next, make_round, make_run, make_version


@pytest.fixture
def run(project):
    return make_run(make_version(project, 4))


@pytest.fixture
def made(run):
    return make_round(run)


def items_of(made):
    return list(made.items.order_by("order"))


def assert_derivable(made):
    """What every change has to leave behind: statuses, counts and verdicts that follow from labels and decisions."""
    made.refresh_from_db()
    for item in made.items.select_related("round"):
        said, is_decided = said_of(item.pk)
        status = item_status(
            said,
            item.labels_wanted,
            is_decided=is_decided,
            is_known=item.is_known,
            is_closed=item.closed_at is not None,
            contests_types=made.contests_types,
        )
        assert (item.status, item.label_count) == (status, len(said))
        assert Verdict.objects.filter(output=item.output_id).exists() == (status == "settled" and not item.is_known)
    for seat in Seat.objects.filter(round=made):
        assert seat.labels == Label.objects.filter(item__round=made, reviewer=seat.reviewer).count()


def test_items_are_assigned_to_people_who_alone_get_them_then(made, project, lead, reviewer):
    held = claim_next(made, lead)

    changed = bulk.assign_items(made, {}, [reviewer], lead)

    assert (changed.count, changed.refused) == (4, {})
    assert {tuple(item.assigned_to) for item in items_of(made)} == {(reviewer.pk,)}
    assert claim_next(made, lead) is None
    assert claim_next(made, reviewer) == held
    assert Event.objects.filter(project=project, action="assigned to Rob", subject="Disagreements: 4 items").exists()


def test_with_nobody_chosen_everyone_gets_the_items_again(made, lead, reviewer):
    bulk.assign_items(made, {}, [reviewer], lead)

    assert bulk.assign_items(made, {}, [], lead).count == 4

    assert claim_next(made, lead)


def test_an_item_is_not_assigned_to_fewer_people_than_it_still_wants(run, lead, reviewer):
    made = make_round(run, labels_wanted=2)
    first, second, *_ = items_of(made)
    record_label(first, lead, assessed("pass"))
    record_label(second, reviewer, assessed("pass"))

    changed = bulk.assign_items(made, {}, [reviewer], lead)

    assert changed.count == 1
    assert changed.refused == {"more labels are wanted than these people can still give": 3}
    first.refresh_from_db()
    assert first.assigned_to == [reviewer.pk]


def test_settled_items_are_not_assigned(made, lead, reviewer):
    record_label(items_of(made)[0], lead, assessed("pass"))

    changed = bulk.assign_items(made, {}, [reviewer], lead)

    assert (changed.count, changed.refused) == (3, {"no label is wanted any more": 1})


def test_items_are_not_assigned_to_somebody_who_may_not_label(made, lead, reviewer):
    made.reviewers.add(lead)

    with pytest.raises(bulk.BulkError, match="may not label"):
        bulk.assign_items(made, {}, [reviewer], lead)


def test_returned_labels_are_drafts_of_those_who_gave_them(made, lead, reviewer):
    types = list(ErrorType.objects.in_project(made.project)[:2])
    first, second, *_ = items_of(made)
    label = record_label(
        first, reviewer, assessed("fail", types, "no order id", severity="major", fault="model", failing_step=2)
    )
    said = label.as_said()
    record_label(second, lead, assessed("pass"))

    changed = bulk.return_labels(made, {}, "See the new definition", lead)

    assert (changed.count, changed.refused) == (2, {"no label to return": 2})
    assert not Label.objects.exists()
    assert Draft.objects.get(reviewer=reviewer).said == said
    event = ItemEvent.objects.get(action="returned", reviewer=reviewer)
    assert (event.item, event.actor, event.said, event.note) == (first, lead, said, "See the new definition")
    assert not Verdict.objects.exists()
    assert not Finding.objects.exists()
    assert_derivable(made)


def test_only_the_labels_of_the_person_asked_for_are_returned(run, lead, reviewer):
    made = make_round(run, labels_wanted=2)
    for item in items_of(made)[:2]:
        record_label(item, lead, assessed("pass"))
    record_label(items_of(made)[0], reviewer, assessed("fail", note="x"))

    changed = bulk.return_labels(made, {"person": str(reviewer.pk)}, "Again", lead)

    assert changed.count == 1
    assert set(Label.objects.values_list("reviewer", flat=True)) == {lead.pk}
    assert [item.status for item in items_of(made)] == ["in_review", "in_review", "waiting", "waiting"]
    assert_derivable(made)


def test_labels_of_decided_and_closed_items_are_not_returned(run, lead, reviewer):
    made = make_round(run, labels_wanted=2)
    decided, closed, *_ = items_of(made)
    for item in (decided, closed):
        record_label(item, reviewer, assessed("fail", note="x"))
    decide(decided, lead, assessed("pass"))
    bulk.close_items(made, {"status": "in_review"}, lead)

    changed = bulk.return_labels(made, {}, "Again", lead)

    assert changed.count == 0
    assert changed.refused == {"decided": 1, "closed": 1, "no label to return": 2}
    assert Label.objects.count() == 2
    assert_derivable(made)


def test_an_item_with_more_labels_than_it_wants_is_settled_by_those_left(run, lead, reviewer):
    made = make_round(run, labels_wanted=2)
    item = items_of(made)[0]
    record_label(item, lead, assessed("pass"))
    record_label(item, reviewer, assessed("fail", note="x"))
    ReviewItem.objects.filter(pk=item.pk).update(labels_wanted=1)

    assert bulk.return_labels(made, {"person": str(reviewer.pk)}, "Again", lead).count == 1

    item.refresh_from_db()
    assert (item.status, item.label_count) == ("settled", 1)
    assert Verdict.objects.get().outcome == "pass"
    assert_derivable(made)


def test_a_returned_label_leaves_the_verdict_of_an_older_round(run, lead, reviewer):
    older, newer = make_round(run, name="Older"), make_round(run, name="Newer")
    record_label(items_of(older)[0], lead, assessed("fail", note="x"))
    record_label(items_of(newer)[0], reviewer, assessed("pass"))

    bulk.return_labels(newer, {}, "Again", lead)

    assert Verdict.objects.get().outcome == "fail"


def test_one_more_label_reopens_what_was_settled(made, lead, reviewer):
    first = items_of(made)[0]
    record_label(first, lead, assessed("pass"))

    changed = bulk.add_label(made, {"status": "settled"}, lead)

    assert changed.count == 1
    first.refresh_from_db()
    assert (first.status, first.labels_wanted) == ("in_review", 2)
    assert_derivable(made)
    made.refresh_from_db()
    assert made.labels_planned == 5
    record_label(first, reviewer, assessed("pass"))
    assert_derivable(made)


def test_nobody_is_asked_for_a_label_that_nobody_can_give(run, project, lead, reviewer):
    made = make_round(run, labels_wanted=2)
    made.reviewers.set([lead, reviewer])

    changed = bulk.add_label(made, {}, lead)

    assert (changed.count, changed.refused) == (0, {"everyone labelled it or is asked to": 4})


def test_an_item_of_one_person_is_not_asked_for_two_labels(made, lead, reviewer):
    bulk.assign_items(made, {}, [reviewer], lead)

    changed = bulk.add_label(made, {}, lead)

    assert changed.refused == {"assigned to too few people for one more": 4}


def test_a_form_that_is_sent_twice_asks_for_one_label(made, lead, reviewer):
    bulk.add_label(made, {}, lead, planned=4)

    with pytest.raises(bulk.BulkError, match="has changed since you looked"):
        bulk.add_label(made, {}, lead, planned=4)

    assert {item.labels_wanted for item in items_of(made)} == {2}


def test_closed_items_are_nobody_s_and_come_back_when_opened(run, lead, reviewer):
    made = make_round(run, labels_wanted=2)
    record_label(items_of(made)[0], reviewer, assessed("pass"))

    assert bulk.close_items(made, {}, lead).count == 4
    assert [item.status for item in items_of(made)] == ["closed"] * 4
    assert claim_next(made, lead) is None
    assert_derivable(made)
    assert (made.item_count, made.labels_planned) == (1, 1)  # what was labelled stays counted, so the round is done
    changed = bulk.open_items(made, {"status": "closed"}, lead)

    assert changed.count == 4
    assert [item.status for item in items_of(made)] == ["in_review", "waiting", "waiting", "waiting"]
    made.refresh_from_db()
    assert (made.item_count, made.labels_planned) == (4, 8)
    assert_derivable(made)


def test_settled_items_are_not_closed_and_open_ones_not_opened(made, lead):
    record_label(items_of(made)[0], lead, assessed("pass"))

    assert bulk.close_items(made, {"status": "settled"}, lead).refused == {"no label is wanted any more": 1}
    assert bulk.open_items(made, {}, lead).refused == {"not closed": 4}


def test_items_of_a_closed_round_stay_as_they_are(made, lead, reviewer):
    close_round(made, lead)

    with pytest.raises(bulk.BulkError, match="The round is closed"):
        bulk.close_items(made, {}, lead)

    assert {item.status for item in items_of(made)} == {"waiting"}


def test_known_items_follow_their_own_rule(run, lead, reviewer):
    made = make_round(run, labels_wanted=2)
    item = items_of(made)[0]
    ReviewItem.objects.filter(pk=item.pk).update(is_known=True)
    record_label(item, lead, assessed("pass"))
    record_label(item, reviewer, assessed("fail", note="x"))

    assert bulk.return_labels(made, {"person": str(reviewer.pk)}, "Again", lead).count == 1

    assert_derivable(made)
    assert not Verdict.objects.exists()


def test_batches_reach_every_item_once(made, lead, monkeypatch):
    monkeypatch.setattr("reviews.rounds.bulk.AT_ONCE", 3)

    assert bulk.add_label(made, {}, lead).count == 4

    assert {item.labels_wanted for item in items_of(made)} == {2}


@pytest.mark.django_db(transaction=True)
def test_many_changes_and_labels_at_once_leave_everything_derivable(run, lead, reviewer, admin, monkeypatch):
    """Three who label, and leads who return, ask for more, close and open: no deadlock, nothing out of step."""
    monkeypatch.setattr("reviews.rounds.bulk.AT_ONCE", 2)
    made, other = make_round(run, labels_wanted=2), make_round(run, labels_wanted=1, name="Other")
    faults = []

    def alone(work):
        try:
            work()
        except (bulk.BulkError, NotYours):
            pass  # somebody else changes the round, or closed the item meanwhile: the page says so
        except Exception as fault:
            faults.append(fault)
        finally:
            connection.close()

    def label(person):
        def work():
            for _ in range(12):
                for each in (made, other):
                    if item := claim_next(each, person):
                        record_label(item, person, assessed("fail" if item.pk % 3 else "pass", note="x"))

        return work

    def change(each):
        def work():
            for _ in range(4):
                bulk.return_labels(each, {}, "Again", lead)
                bulk.close_items(each, {"status": "waiting"}, lead)
                bulk.open_items(each, {}, lead)
                bulk.add_label(each, {"status": "contested"}, lead)

        return work

    works = [label(person) for person in (lead, reviewer, admin)] + [change(made), change(other), change(made)]
    threads = [threading.Thread(target=alone, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    for each in (made, other):
        for item in each.items.select_related("round"):
            said, _ = said_of(item.pk)
            assert item.label_count == len(said) <= max(item.labels_wanted, 3)
            assert item.status == item_status(said, item.labels_wanted, is_closed=item.closed_at is not None)
        for seat in Seat.objects.filter(round=each):
            assert seat.labels == Label.objects.filter(item__round=each, reviewer=seat.reviewer).count()


@pytest.fixture
def post(client_of, project, lead, made):
    def posted(query="", **data):
        client = client_of(lead)
        address = reverse("reviews:bulk", args=[project.slug, made.pk])
        return client.post(address + query, data, follow=True).content.decode()

    return posted


def test_the_page_says_how_many_were_changed_and_how_many_not(post, made, lead, reviewer):
    record_label(items_of(made)[0], lead, assessed("pass"))

    page = post(action="assign", people=[reviewer.pk, lead.pk])

    assert "3 items are now for Lea and Rob. Not changed: 1 (no label is wanted any more)." in page


def test_the_filters_of_the_page_choose_the_items(post, made, lead, reviewer):
    record_label(items_of(made)[0], reviewer, assessed("pass"))

    assert "1 item is returned to those who labelled." in post("?status=settled", action="return", note="Look again")

    assert ItemEvent.objects.get(action="returned").note == "Look again"


def test_labels_are_not_returned_without_a_word_on_why(post, made, reviewer):
    record_label(items_of(made)[0], reviewer, assessed("pass"))

    assert "Say in a few words why you return them" in post(action="return", note=" ")

    assert Label.objects.count() == 1


def test_many_items_are_changed_only_when_all_of_them_are_meant(post, made, monkeypatch):
    monkeypatch.setattr("reviews.rounds.bulk_views.MANY", 3)

    assert "That would change 4 items. Tick that you mean all of them." in post(action="close")
    assert Round.objects.get().items.filter(status="closed").count() == 0
    assert "4 items are closed." in post(action="close", sure="on")


def test_an_unknown_filter_changes_nothing(client_of, project, lead, made):
    address = reverse("reviews:bulk", args=[project.slug, made.pk]) + "?status=odd"

    assert client_of(lead).post(address, {"action": "close"}).status_code == 400

    assert {item.status for item in items_of(made)} == {"waiting"}


def test_a_claim_of_somebody_else_is_given_up(made, lead, reviewer):
    item = items_of(made)[0]
    claim_item(item.pk, lead)

    bulk.assign_items(made, {}, [reviewer], lead)

    assert not Claim.objects.filter(item=item).exists()
    assert claim_item(item.pk, reviewer)
