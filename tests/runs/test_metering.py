"""Requests and tokens a minute of an endpoint, kept by all shifts together, in the real Redis."""

from __future__ import annotations

import heapq
import itertools
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import settings as limits_of
from hypothesis import strategies as st
from redis import Redis

from evalhub.runs import metering
from evalhub.runs.metering import Meter, Pace, pace_of_requests
from evalhub.serving.embedded import Wanted, servers_of_our_own
from evalhub.serving.places import embedded_redis_url
from tests.serving.waiting import wait_until

endpoints = itertools.count(2_000_000)
Grant = tuple[float, float, int]
"""When it was asked for, when it was there, how many."""


# All times in Redis are moved back by so many microseconds.
PASS_TIME = """
local function back(key, field, time) redis.call('HSET', key, field, string.format('%.0f', time - ARGV[1])) end
local at = redis.call('HGET', KEYS[1], 'at')
if at then back(KEYS[1], 'at', at) end
for _, name in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    redis.call('ZINCRBY', KEYS[2], -ARGV[1], name)
    local due = redis.call('HGET', KEYS[3], name .. ':due')
    if due then back(KEYS[3], name .. ':due', due) end
end
"""


def connect() -> Redis:
    return Redis.from_url(settings.REDIS_URL)


def nobody_there() -> Redis:
    return Redis.from_url("unix:///nowhere/at-all.sock")


class World:
    """An endpoint with its limits and shifts, whose time passes when the test says so, beside the real time."""

    def __init__(self, requests: int | None = None, tokens: int | None = None) -> None:
        self.endpoint = next(endpoints)
        self.limits = requests, tokens
        self.redis = connect()
        self.passed = 0.0
        self.grants: list[Grant] = []
        self.calls: Counter[str] = Counter()
        self.meters: dict[str, Meter] = {}

    def shift(self, name: str = "a") -> Meter:
        if name not in self.meters:
            self.meters[name] = Meter(connect, self.endpoint, name, *self.limits)
        return self.meters[name]

    def now(self) -> float:
        return time.monotonic() + self.passed

    def wait(self, seconds: float) -> None:
        """As if so many seconds had passed for what is kept in Redis."""
        self.passed += seconds
        self.redis.eval(PASS_TIME, 3, *self.shift().keys, int(seconds * 1_000_000))

    def take(self, name: str, wanted: int, tokens: float = 0) -> metering.Granted:
        asked = self.now()
        granted = self.shift(name).take(wanted, tokens)
        self.grants.append((asked, self.now(), granted.count))
        self.calls[name] += granted.count
        return granted

    def let_ask(self, seconds: float, names: str, tokens: float = 0, late: float = 0, impatient: str = "") -> None:
        """Each of these asks for 16, again and again, when it is told to or later; the impatient ask all the time."""
        end = self.now() + seconds
        queue = [(self.now(), name) for name in names]
        while queue[0][0] < end:
            due, name = heapq.heappop(queue)
            self.wait(max(0.0, due - self.now()))
            told = self.take(name, 16, tokens).seconds or 0.01
            heapq.heappush(queue, (self.now() + (0.02 if name in impatient else told + late), name))


def most_within(grants: Sequence[Grant], seconds: float) -> int:
    """The most calls that were surely granted within so many seconds."""
    most, ordered = 0, sorted(grants)
    for first, (start, _, _) in enumerate(ordered):
        inside = itertools.takewhile(lambda grant: grant[0] <= start + seconds, ordered[first:])  # noqa: B023 -- used at once
        most = max(most, sum(count for _, end, count in inside if end <= start + seconds))
    return most


def allowed(a_minute: int, seconds: int) -> float:
    return max(1, a_minute * seconds / 60)


@given(st.integers(1, 10_000_000))
def test_no_pace_allows_more_than_the_limit_even_if_calls_arrive_a_third_of_a_second_apart(a_minute):
    pace = pace_of_requests(a_minute)

    for seconds in (10, 60):
        assert int(pace.capacity + pace.rate * seconds) <= allowed(a_minute, seconds)
        assert int(pace.capacity + pace.rate * (seconds + 0.3)) <= allowed(a_minute, seconds)
    # Sixths of a minute are whole calls.
    assert pace.rate * 60 >= 0.93 * (a_minute if a_minute < 6 else a_minute // 6 * 6) - 1e-6


@limits_of(max_examples=60)
@given(
    a_minute=st.sampled_from([1, 5, 6, 11, 20, 60, 61, 600, 6000]),
    steps=st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(1, 200), st.sampled_from([0, 0, 0.05, 0.3, 1, 4, 11, 30])),
        max_size=40,
    ),
)
def test_however_shifts_ask_no_window_sees_more_than_the_limit(a_minute, steps):
    world = World(a_minute)

    for name, wanted, seconds in steps:
        granted = world.take(name, wanted)
        assert 0 <= granted.count <= wanted
        assert (granted.seconds == 0) == (granted.count == wanted)
        world.wait(seconds)

    for seconds in (10, 60):
        assert most_within(world.grants, seconds) <= allowed(a_minute, seconds)


@pytest.mark.parametrize("a_minute", [3, 6, 20, 60, 600])
def test_shifts_that_ask_when_told_get_nearly_all_that_the_limit_allows(a_minute):
    world = World(a_minute)

    world.let_ask(240, "abc", late=0.02)

    whole_sixths = a_minute if a_minute < 6 else a_minute // 6 * 6
    assert 0.9 * 4 * whole_sixths <= world.calls.total() <= 4 * a_minute
    for seconds in (10, 60):
        assert most_within(world.grants, seconds) <= allowed(a_minute, seconds)


def test_threads_that_ask_as_fast_as_they_can_keep_the_limit_in_every_part_of_a_second():
    world = World(60_000)
    pace = pace_of_requests(60_000)
    end = time.monotonic() + 2

    def ask(name: str) -> list[Grant]:
        meter, grants = Meter(connect, world.endpoint, name, 60_000, None), []
        while time.monotonic() < end:
            asked = time.monotonic()
            count = meter.take(50).count
            grants.append((asked, time.monotonic(), count))
        return grants

    with ThreadPoolExecutor(6) as threads:
        by_thread = list(threads.map(ask, "abcdef"))

    grants = [grant for grants in by_thread for grant in grants if grant[2]]
    for seconds in (0.1, 0.5, 2):
        assert most_within(grants, seconds) <= pace.capacity + pace.rate * seconds
    totals = [sum(count for _, _, count in grants) for grants in by_thread]
    assert sum(totals) > 0.5 * pace.rate * 2
    assert min(totals) > sum(totals) / 6 / 3


def test_one_take_leaves_the_others_their_part_of_what_is_there():
    world = World(6000)  # 41 at once, 93 a second
    world.take("a", 1)
    world.wait(10)
    for name in "abc":
        world.take(name, 1000)

    # The first was alone, and now all three wait for more.
    assert world.calls["a"] == 1 + 41
    world.wait(0.2)  # 18.6 and some for the time that the test takes, 41 at most
    assert 6 <= world.take("b", 1000).count <= 13


def test_scarce_calls_go_round_although_one_asks_all_the_time():
    world = World(60)

    world.let_ask(60, "abcde", impatient="a", late=0.05)

    assert world.calls.total() >= 54
    assert max(world.calls.values()) - min(world.calls.values()) <= 1


def test_who_comes_later_gets_its_part_at_once_and_not_all_that_it_missed():
    world = World(600)
    world.let_ask(20, "a")
    before = world.calls["a"]

    world.let_ask(20, "ab")

    late, early = world.calls["b"], world.calls["a"] - before
    assert before > 170
    assert abs(late - early) <= 16


def test_a_shift_that_does_not_come_for_its_turn_keeps_nobody_waiting():
    world = World(60)
    world.let_ask(10, "ab")
    world.calls.clear()

    world.let_ask(60, "a")  # b was killed, and it was its turn

    assert world.calls["a"] >= 53
    assert world.redis.zrange(world.shift("a").keys[1], 0, -1) == [b"a"]


def test_who_leaves_waits_no_more():
    world = World(60)
    world.let_ask(5, "ab")

    world.shift("b").leave()

    assert world.redis.zrange(world.shift("a").keys[1], 0, -1) == [b"a"]
    assert set(world.redis.hkeys(world.shift("a").keys[2])) == {b"a:served", b"a:due"}


def test_tokens_are_charged_as_estimated():
    world = World(tokens=600_000)  # 4,000 in the bucket, 9,300 a second

    first = world.take("a", 100, tokens=1000)
    second = world.take("a", 100, tokens=1000)

    assert (first.count, second.count <= 1) == (4, True)
    assert 0.05 <= second.seconds < 0.12  # 1,000 of 9,300 a second
    world.let_ask(60, "a", tokens=1000)
    assert 0.9 * 600 <= world.calls["a"] <= 600
    assert most_within(world.grants, 10) <= 100


def test_both_limits_hold_at_once():
    few_tokens, few_requests = World(6000, 60_000), World(60, 6_000_000)

    for world in (few_tokens, few_requests):
        world.let_ask(60, "a", tokens=100)

    assert 0.9 * 600 <= few_tokens.calls["a"] <= 600
    assert 0.9 * 60 <= few_requests.calls["a"] <= 60


def test_a_call_larger_than_the_bucket_begins_when_there_is_enough_and_the_debt_is_waited_for():
    world = World(tokens=6000)  # 40 in the bucket, 93 a second

    first, second = world.take("a", 5, tokens=930), world.take("a", 5, tokens=930)

    assert (first.count, second.count, second.seconds) == (1, 0, 1.0)
    world.wait(9)  # 40 - 930 + 837 is below 20
    assert world.take("a", 5, tokens=930).count == 0
    world.wait(0.8)  # + 74
    assert world.take("a", 5, tokens=930).count == 1


def test_what_a_call_took_more_or_less_than_estimated_is_settled_with_the_next():
    dear, cheap = World(tokens=6000), World(tokens=6000)  # 40 in the bucket, 93 a second
    for world in (dear, cheap):
        assert world.take("a", 4, tokens=10).count == 4

    cheap.shift("a").correct(-25)
    cheap.shift("a").correct(-5)
    dear.shift("a").correct(930)

    assert cheap.take("a", 4, tokens=10).count >= 3
    assert dear.take("a", 4, tokens=10).count == 0
    dear.wait(9)
    assert dear.take("a", 4, tokens=10).count == 0
    dear.wait(2)
    assert dear.take("a", 4, tokens=10).count >= 3


def test_nothing_that_comes_back_fills_a_bucket_over_its_brim():
    world = World(tokens=600_000)

    world.shift("a").correct(-1_000_000)

    assert world.take("a", 1000, tokens=100).count == 40


def test_two_meters_of_an_endpoint_share_and_another_endpoint_is_free():
    world = World(60)

    assert [world.take(name, 1).count for name in "ab"] == [1, 0]
    assert World(60).take("a", 1).count == 1


def test_without_limits_nothing_is_asked():
    free = Meter(nobody_there, 1, "a", None, None)

    assert not free.is_needed
    assert free.take(7) == metering.Granted(7, 0.0)
    free.leave()


def test_the_keys_do_not_stay_for_ever():
    world = World(60, 6000)
    world.take("a", 5, tokens=10)

    assert all(0 < world.redis.ttl(key) <= 3600 for key in world.shift("a").keys)


def test_a_shift_does_not_begin_anew_when_redis_forgot_everything():
    world = World(6000)
    world.take("a", 50)

    world.redis.delete(*world.shift("a").keys)

    assert world.take("a", 50).count == 0


def is_kept(meter: Meter, share: Pace, tokens: float = 0) -> bool:
    """Whether asking for a second grants what such a share allows, and not much less."""
    start, count = time.monotonic(), 0
    while time.monotonic() < start + 1:
        count += meter.take(1000, tokens).count
    return 0.5 * share.rate < count <= share.capacity + share.rate * (time.monotonic() - start)


A_QUARTER_OF_60_000 = pace_of_requests(15_000)


def test_without_redis_a_shift_has_a_quarter_of_the_limits_and_no_more():
    requests, tokens = Meter(nobody_there, 1, "a", 60_000, None), Meter(nobody_there, 1, "a", None, 6_000_000)

    assert requests.take(1000).count == 0
    assert is_kept(requests, A_QUARTER_OF_60_000)
    assert is_kept(tokens, A_QUARTER_OF_60_000, tokens=100)
    assert requests.take(10**9).seconds >= 0.05


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("valkey")


def connected_to(home: Path) -> Callable[[], Redis]:
    return lambda: Redis.from_url(embedded_redis_url(home), socket_timeout=0.5, socket_connect_timeout=0.5)


def test_a_redis_that_goes_and_comes_back_is_used_again(home, monkeypatch):
    monkeypatch.setattr(metering, "AGAIN_SECONDS", 0.2)
    meter = Meter(connected_to(home), 1, "a", 60_000, None)
    with servers_of_our_own(home, "tests", Wanted(postgres=False)):
        assert meter.take(1).count == 1
        assert not meter.is_away

    assert is_kept(meter, A_QUARTER_OF_60_000)
    assert meter.is_away

    with servers_of_our_own(home, "tests", Wanted(postgres=False)):
        taken = []
        wait_until(lambda: taken.append(meter.take(1000).count) or not meter.is_away)
        # What was granted without Redis counts: the bucket there begins empty.
        assert taken[-1] == 0


def test_a_frozen_redis_does_not_stop_the_calls(home):
    meter = Meter(connected_to(home), 1, "a", 60_000, None)
    with servers_of_our_own(home, "tests", Wanted(postgres=False)) as [(_, valkey)]:
        meter.take(1)
        os.kill(valkey.pid, signal.SIGSTOP)
        try:
            meter.take(1)
            assert meter.is_away
            assert is_kept(meter, A_QUARTER_OF_60_000)
        finally:
            os.kill(valkey.pid, signal.SIGCONT)
