"""Sharing an endpoint's slots between workers, in the real Redis."""

from __future__ import annotations

import itertools

import pytest
from django.conf import settings
from redis import Redis

from evalhub.runs.slots import SHARE, Share

endpoints = itertools.count(1_000_000)


@pytest.fixture
def endpoint() -> int:
    return next(endpoints)


def connect() -> Redis:
    return Redis.from_url(settings.REDIS_URL)


def nobody_there() -> Redis:
    return Redis.from_url("unix:///nowhere/at-all.sock")


def shift(endpoint: int, name: str, limit: int = 10) -> Share:
    return Share(connect, endpoint, name, limit)


def test_one_alone_gets_all_it_wants_up_to_the_limit(endpoint):
    alone = shift(endpoint, "a")

    alone.renew(in_flight=0, wanted=7)
    assert alone.granted == 7
    alone.renew(in_flight=7, wanted=50)
    assert alone.granted == 10


def test_two_share_and_nobody_gets_a_slot_that_the_other_still_holds(endpoint):
    first, second = shift(endpoint, "a"), shift(endpoint, "b")
    first.renew(0, 10)
    second.renew(0, 10)
    assert (first.granted, second.granted) == (10, 0)

    first.renew(10, 10)  # is told to shrink, but ten calls are in flight
    second.renew(0, 10)
    assert (first.granted, second.granted) == (5, 0)

    first.renew(5, 10)
    second.renew(0, 10)
    assert (first.granted, second.granted) == (5, 5)


def test_who_wants_few_gets_them_and_the_rest_is_for_the_others(endpoint):
    few, many = shift(endpoint, "a"), shift(endpoint, "b")
    few.renew(0, 2)
    many.renew(0, 10)

    assert (few.granted, many.granted) == (2, 8)


def test_a_single_slot_is_given_to_one_of_three(endpoint):
    shifts = [shift(endpoint, name, limit=1) for name in "abc"]
    for each in shifts:
        each.renew(0, 1)

    assert sum(each.granted for each in shifts) <= 1


def test_who_leaves_frees_its_slots_at_once(endpoint):
    first, second = shift(endpoint, "a"), shift(endpoint, "b")
    first.renew(0, 10)
    first.leave()

    second.renew(0, 10)

    assert second.granted == 10


def test_who_does_not_come_back_is_forgotten(endpoint):
    crashed, other = shift(endpoint, "a"), shift(endpoint, "b")
    crashed.renew(0, 10)
    connect().zadd(crashed.keys[0], {"a": 1})  # as if ten seconds had passed

    other.renew(0, 10)

    assert other.granted == 10
    assert connect().hgetall(crashed.keys[1]) == {b"b:wanted": b"10", b"b:held": b"10"}


def test_a_wait_that_one_was_told_holds_for_all_and_the_longest_counts(endpoint):
    told, other = shift(endpoint, "a"), shift(endpoint, "b")
    told.renew(1, 10, hold=30)
    told.renew(1, 10, hold=5)

    assert 29 < other.renew(0, 10) <= 30


def test_without_redis_a_worker_keeps_its_share_and_never_takes_all():
    never = Share(nobody_there, 1, "a", 16)
    never.renew(0, 16)
    assert never.granted == 4

    before = shift(next(endpoints), "a", limit=16)
    before.renew(0, 6)
    before.redis, before.connect = None, nobody_there
    before.renew(6, 16)
    before.renew(6, 16)
    assert before.granted == 6


def test_the_keys_do_not_stay_for_ever(endpoint):
    shift(endpoint, "a").renew(0, 1, hold=1)

    kept = shift(endpoint, "a").keys
    assert all(0 < connect().ttl(key) <= 3600 for key in kept)
    assert "EXPIRE" in SHARE
