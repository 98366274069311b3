"""What is called again, and when."""

from __future__ import annotations

from random import Random

import pytest

from evalhub.candidates.calling import Reply
from evalhub.runs.retrying import Retry, backoff, retry_of


def reply(cause: str, is_transient: bool = True, retry_after: float | None = None) -> Reply:
    return Reply(cause=cause, is_transient=is_transient, retry_after=retry_after)


def test_an_answer_is_final():
    assert retry_of(reply(""), 1, Random(1)) is None


@pytest.mark.parametrize("cause", ["bad_request", "not_found", "too_large", "refused_address", "internal"])
def test_what_would_fail_again_is_final(cause):
    assert retry_of(reply(cause, is_transient=False), 1, Random(1)) is None


@pytest.mark.parametrize("cause", ["timeout", "reset", "truncated_stream", "rate_limited", "server_error", "connect"])
def test_what_may_pass_is_called_six_times(cause):
    asked_again = [retry_of(reply(cause), attempts, Random(1)) is not None for attempts in range(1, 8)]

    assert asked_again == [True, True, True, True, True, False, False]


@pytest.mark.parametrize("cause", ["not_json", "no_choices", "empty"])
def test_what_cannot_be_read_is_called_twice_more(cause):
    asked_again = [retry_of(reply(cause), attempts, Random(1)) is not None for attempts in range(1, 5)]

    assert asked_again == [True, True, False, False]


def test_a_refused_key_is_no_fault_of_the_example():
    assert retry_of(reply("auth", is_transient=False), 1, Random(1)) is not None


def test_the_wait_that_the_endpoint_asks_for_is_kept_between_0_and_600_seconds():
    assert retry_of(reply("rate_limited", retry_after=7), 1, Random(1)) == Retry(7, holds_endpoint=True)
    assert retry_of(reply("rate_limited", retry_after=600), 1, Random(1)) == Retry(600, holds_endpoint=True)
    for nonsense in (-5, 601, 3600):
        retry = retry_of(reply("rate_limited", retry_after=nonsense), 1, Random(1))
        assert 0 <= retry.seconds <= 1 and not retry.holds_endpoint


def test_waits_are_drawn_from_a_range_that_doubles_up_to_a_minute():
    chance = Random(7)
    longest = [max(backoff(attempts, chance) for _ in range(500)) for attempts in range(1, 9)]

    for drawn, bound in zip(longest, [1, 2, 4, 8, 16, 32, 60, 60], strict=True):
        assert bound * 0.9 < drawn <= bound
    assert min(backoff(6, chance) for _ in range(500)) < 1
