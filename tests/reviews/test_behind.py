"""What becomes free behind somebody who is far ahead: found by its mark, without looking through the round again."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from reviews import queue
from reviews.counting import count_items
from reviews.labelling import decide, record_label, return_label, take_decision_back, undo_label
from reviews.models import Claim, ReviewItem, Seat
from reviews.queue import claim_next_item, leave_item
from tests.making import assessed, claim_next, make_round, make_run, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def every_round_is_large(monkeypatch):
    monkeypatch.setattr(queue, "FEW", 0)


@pytest.fixture
def passed(project, lead, reviewer):
    """The first of three items, which Lea held while Rob labelled the others."""
    made = make_round(make_run(make_version(project, 3)))
    held = claim_next(made, lead)
    while item := claim_next(made, reviewer):
        record_label(item, reviewer, assessed("pass"))
    assert held.order < Seat.objects.get(reviewer=reviewer).position
    return held


def expire(item, lead, reviewer):
    Claim.objects.filter(item=item).update(until=timezone.now() - timedelta(seconds=1))


def leave(item, lead, reviewer):
    leave_item(item.pk, lead)


def undo(item, lead, reviewer):
    record_label(item, lead, assessed("fail", note="no"))
    assert claim_next_item(item.round, reviewer) is None
    undo_label(item, lead)


def give_back(item, lead, reviewer):
    record_label(item, lead, assessed("fail", note="no"))
    return_label(item, lead, lead, "look again")


def reopen(item, lead, reviewer):
    leave_item(item.pk, lead)
    decide(item, lead, assessed("pass"))
    Claim.objects.filter(item=item).delete()
    assert claim_next_item(item.round, reviewer) is None
    take_decision_back(item, lead)


def want_more(item, lead, reviewer):
    ReviewItem.objects.filter(pk=item.pk).update(labels_wanted=2)
    count_items(item.round_id)


@pytest.mark.parametrize("free", [expire, leave, undo, give_back, reopen, want_more])
def test_what_becomes_free_behind_somebody_is_theirs(free, passed, lead, reviewer):
    assert claim_next_item(passed.round, reviewer) is None

    free(passed, lead, reviewer)

    assert claim_next_item(passed.round, reviewer) == passed.pk
    assert claim_next_item(passed.round, lead, besides=passed.pk) is None


def rows_looked_at(statement, values):
    """How many rows of items the statement reads to find the first, by the plan's own count."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values)
        (plan,) = cursor.fetchone()
    nodes, looked_at = [(plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"]], 0
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        if node.get("Relation Name") == "reviews_reviewitem":
            looked_at += (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return looked_at


@pytest.mark.parametrize("statement", [queue.NEXT, queue.FREED, queue.DEFERRED, queue.HELD])
def test_whoever_is_far_ahead_or_done_looks_at_no_more_items_for_that(statement, project, lead, reviewer):
    made = make_round(make_run(make_version(project, 120)), labels_wanted=2)
    values = {"me": reviewer.pk, "round": made.pk, "besides": 0, "id": 0}

    def looked_at():
        position = Seat.objects.get(round=made, reviewer=reviewer).position
        return rows_looked_at(statement, values | {"order": position})

    for _ in range(100):
        record_label(claim_next(made, reviewer), reviewer, assessed("pass"))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE reviews_label, reviews_reviewitem")
    far_ahead = looked_at()
    while item := claim_next(made, reviewer):
        record_label(item, reviewer, assessed("pass"))

    assert far_ahead <= 2
    assert looked_at() <= 1
    assert claim_next(made, reviewer) is None
