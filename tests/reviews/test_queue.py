import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from reviews.labelling import NotYours, record_label
from reviews.models import Claim, Label
from reviews.queue import claim_item
from tests.making import assessed, claim_next, make_round, make_run, make_version
from tests.people import make_user


@pytest.fixture
def open_round(project):
    return make_round(make_run(make_version(project, 3)))


def expire(item):
    Claim.objects.filter(item=item).update(until=timezone.now() - timedelta(seconds=1))


def test_two_people_get_different_items(open_round, lead, reviewer):
    assert claim_next(open_round, lead) != claim_next(open_round, reviewer)


def test_who_asks_again_gets_the_same_item(open_round, reviewer):
    assert claim_next(open_round, reviewer) == claim_next(open_round, reviewer)


def test_an_item_held_too_long_goes_to_the_next_person(open_round, lead, reviewer):
    held = claim_next(open_round, lead)
    expire(held)

    assert claim_next(open_round, reviewer) == held


def test_nobody_gets_an_item_that_they_labelled(open_round, reviewer):
    open_round.items.update(labels_wanted=2)
    seen = []
    while item := claim_next(open_round, reviewer):
        seen.append(item.pk)
        record_label(item, reviewer, assessed("pass"))

    assert sorted(seen) == sorted(open_round.items.values_list("pk", flat=True))


def test_a_claimed_item_cannot_be_claimed_by_another(open_round, lead, reviewer):
    held = claim_next(open_round, lead)

    assert not claim_item(held.pk, reviewer)
    assert claim_item(held.pk, lead)


def test_a_late_label_is_refused_when_another_holds_the_item(open_round, lead, reviewer):
    held = claim_next(open_round, lead)
    expire(held)
    claim_next(open_round, reviewer)

    with pytest.raises(NotYours, match="15 minutes"):
        record_label(held, lead, assessed("pass"))

    assert not Label.objects.exists()


def test_a_late_label_counts_when_nobody_took_the_item(open_round, lead):
    held = claim_next(open_round, lead)
    expire(held)

    record_label(held, lead, assessed("pass"))

    assert Label.objects.get().item == held


@pytest.mark.django_db(transaction=True)
def test_ten_people_at_once_label_each_item_as_often_as_wanted(project):
    made = make_round(make_run(make_version(project, 30)), labels_wanted=2)
    people = [make_user(f"Person{number}") for number in range(10)]
    held_together = []

    def work(person):
        try:
            while item := claim_next(made, person):
                try:
                    record_label(item, person, assessed("pass"))
                except NotYours:
                    held_together.append(item.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert held_together == []
    labels = Counter(Label.objects.values_list("item_id", flat=True))
    assert labels == dict.fromkeys(made.items.values_list("pk", flat=True), 2)
    assert not made.items.exclude(status="settled").exists()
