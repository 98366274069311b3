"""When an endpoint counts as down, who tries whether it is back, and how long that goes on.

Inside a test's transaction the database's time stands still, so times are exact.
"""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.contrib.postgres.functions import TransactionNow
from django.db import connection

from evalhub.candidates.models import Endpoint
from evalhub.candidates.replies import CAUSES
from evalhub.runs.models import Outage, Run
from evalhub.runs.outages import (
    GAVE_UP_SECONDS,
    ProbeError,
    Streak,
    claim_probe,
    close_outage,
    give_back_probe,
    is_failing,
    look_again,
    open_outage,
    outage_of,
    outage_of_run,
    probe_failed,
    probe_plan,
    probe_request,
)
from tests.making import make_version
from tests.runs.making import make_caller, make_endpoint, start


@pytest.fixture
def endpoint(project) -> Endpoint:
    return make_endpoint(project)


def make_due(endpoint: Endpoint, seconds: float = 1) -> None:
    """As if the time for the next probe had come so many seconds ago."""
    Outage.objects.filter(endpoint=endpoint).update(probe_at=TransactionNow() - timedelta(seconds=seconds))


def wait_of(endpoint: Endpoint) -> float:
    with connection.cursor() as cursor:
        query = "SELECT extract(epoch FROM probe_at - now())::float8 FROM runs_outage WHERE endpoint_id = %s"
        cursor.execute(query, [endpoint.pk])
        return cursor.fetchone()[0]


def opened(streak: Streak, answers: list[tuple[int, bool]]) -> list[int]:
    """After which of these answers, counted from 1, it opened."""
    return [number for number, (example, failed) in enumerate(answers, 1) if streak.note(example, failed)]


def test_ten_failures_in_a_row_open_and_nine_do_not():
    assert opened(Streak(), [(n, True) for n in range(19)]) == [10]
    nine_and_an_answer = [(n, n % 10 != 9) for n in range(30)]
    assert opened(Streak(), nine_and_an_answer[:39]) == []


def test_a_few_examples_that_always_fail_do_not_open():
    assert opened(Streak(), [(n % 9, True) for n in range(200)]) == []


def test_where_there_are_few_examples_all_of_them_must_fail():
    assert opened(Streak(examples=3), [(n % 3, True) for n in range(10)]) == [10]
    assert opened(Streak(examples=3), [(n % 2, True) for n in range(10)]) == []


def test_a_model_that_never_answers_does_not_open_again_until_it_does():
    failures = [(n, True) for n in range(100)]

    assert opened(Streak(), failures) == [10]
    assert opened(Streak(), [*failures[:50], (0, False), *failures[:50]]) == [10, 61]


def test_half_of_the_last_forty_open_and_a_little_less_does_not():
    every_other = [(n, n % 2 == 0) for n in range(100)]
    nineteen_of_forty = [(n, n % 2 == 0 and n % 40 != 0) for n in range(200)]

    assert opened(Streak(), every_other) == [40, 80]
    assert opened(Streak(), nineteen_of_forty) == []


def test_half_of_the_last_forty_must_be_different_examples_too():
    assert opened(Streak(), [(n % 18, n % 2 == 0) for n in range(200)]) == []  # nine fail
    assert opened(Streak(), [(n % 20, n % 2 == 0) for n in range(40)]) == [40]  # ten fail


def test_what_came_before_an_outage_is_forgotten_after_it():
    streak = Streak()
    opened(streak, [(n, True) for n in range(9)])

    streak.forget()

    assert opened(streak, [(n, True) for n in range(9)]) == []


def test_only_what_waiting_may_cure_speaks_for_an_endpoint_that_is_down():
    failing = {cause for cause in CAUSES if is_failing(cause)}

    assert failing == {"connect", "timeout", "reset", "server_error", "truncated_stream"}
    assert not is_failing("")


def test_who_finds_out_first_is_right_about_the_time_and_the_reason(endpoint):
    assert outage_of(endpoint.pk) is None
    open_outage(endpoint.pk, "Connection refused.")
    Outage.objects.update(since=TransactionNow() - timedelta(seconds=20))

    open_outage(endpoint.pk, "Something else.")

    down = outage_of(endpoint.pk)
    assert (down.reason, down.probes, Outage.objects.count()) == ("Connection refused.", 0, 1)
    assert (down.seconds, down.seconds_to_probe) == (20, 1)
    assert down.since == Outage.objects.get().since


def test_a_long_reason_is_cut_and_a_deleted_endpoint_is_not_down(endpoint):
    open_outage(endpoint.pk, "x" * 1000)
    open_outage(endpoint.pk + 1000, "Connection refused.")

    assert [len(outage.reason) for outage in Outage.objects.all()] == [500]


def test_the_first_probe_is_due_after_a_second_and_the_next_ones_later_and_later(endpoint):
    open_outage(endpoint.pk, "Connection refused.")
    waits = [outage_of(endpoint.pk).seconds_to_probe]
    for _ in range(6):
        probe_failed(endpoint.pk, "Still refused.")
        waits.append(outage_of(endpoint.pk).seconds_to_probe)

    assert waits == [1, 2, 4, 8, 15, 15, 15]
    assert (outage_of(endpoint.pk).probes, outage_of(endpoint.pk).reason) == (6, "Still refused.")


def test_a_probe_is_claimed_when_it_is_due_and_by_one(endpoint):
    open_outage(endpoint.pk, "Connection refused.")

    assert not claim_probe(endpoint.pk, 30)
    make_due(endpoint)
    assert [claim_probe(endpoint.pk, 30), claim_probe(endpoint.pk, 30)] == [True, False]
    assert wait_of(endpoint) == 32

    make_due(endpoint)  # whoever claimed it was killed
    assert claim_probe(endpoint.pk, 3600)
    assert wait_of(endpoint) == 32  # a probe ends earlier than other calls


def test_nobody_goes_far_away_while_a_probe_is_under_way(endpoint):
    open_outage(endpoint.pk, "Connection refused.")
    make_due(endpoint)
    claim_probe(endpoint.pk, 30)

    assert (wait_of(endpoint), outage_of(endpoint.pk).seconds_to_probe) == (32, 1)


def test_a_probe_that_is_given_back_is_another_ones_at_once(endpoint):
    open_outage(endpoint.pk, "Connection refused.")
    make_due(endpoint)
    assert claim_probe(endpoint.pk, 30)

    give_back_probe(endpoint.pk)

    assert claim_probe(endpoint.pk, 30)


def test_of_many_who_claim_at_once_exactly_one_probes(transactional_db, endpoint):
    barrier = Barrier(8)

    def claim(_number: int) -> bool:
        barrier.wait()
        try:
            return claim_probe(endpoint.pk, 30)
        finally:
            connection.close()

    open_outage(endpoint.pk, "Connection refused.")
    with ThreadPoolExecutor(8) as threads:
        for _ in range(10):
            make_due(endpoint)
            assert sum(threads.map(claim, range(8))) == 1


def test_it_is_closed_by_one(endpoint):
    open_outage(endpoint.pk, "Connection refused.")

    assert [close_outage(endpoint.pk), close_outage(endpoint.pk)] == [True, False]
    assert outage_of(endpoint.pk) is None
    probe_failed(endpoint.pk, "A probe that took too long.")
    assert not claim_probe(endpoint.pk, 30)
    assert outage_of(endpoint.pk) is None


def test_a_run_gives_up_after_a_quarter_of_an_hour(endpoint):
    open_outage(endpoint.pk, "Connection refused.")
    Outage.objects.update(since=TransactionNow() - timedelta(seconds=GAVE_UP_SECONDS))
    assert not outage_of(endpoint.pk).is_given_up
    Outage.objects.update(since=TransactionNow() - timedelta(seconds=GAVE_UP_SECONDS + 1))
    assert outage_of(endpoint.pk).is_given_up

    look_again(endpoint.pk)

    assert not outage_of(endpoint.pk).is_given_up
    assert claim_probe(endpoint.pk, 30)


def test_an_outage_that_nobody_probed_for_long_begins_anew_with_the_next_probe(endpoint):
    open_outage(endpoint.pk, "Connection refused.")
    Outage.objects.update(since=TransactionNow() - timedelta(days=2), probes=7)
    make_due(endpoint, seconds=3600)
    assert (outage_of(endpoint.pk).is_forgotten, outage_of(endpoint.pk).is_given_up) == (True, False)

    assert claim_probe(endpoint.pk, 30)

    down = outage_of(endpoint.pk)
    assert (down.seconds, down.probes, down.is_forgotten) == (0, 0, False)


def test_one_that_is_probed_a_little_late_goes_on(endpoint):
    open_outage(endpoint.pk, "Connection refused.")
    Outage.objects.update(since=TransactionNow() - timedelta(seconds=300), probes=7)
    make_due(endpoint, seconds=20)

    assert claim_probe(endpoint.pk, 30)

    assert (outage_of(endpoint.pk).seconds, outage_of(endpoint.pk).probes) == (300, 7)


def test_only_a_running_run_waits_for_its_endpoint(project):
    run = start(make_version(project, 3), make_caller(project))
    other = start(make_version(project, 3, name="Other"), make_caller(project, name="other"))
    open_outage(run.plan["endpoint"], "Connection refused.")

    assert outage_of_run(run).reason == "Connection refused."
    assert outage_of_run(other) is None
    for state in (Run.State.PAUSED, Run.State.FINISHED, Run.State.CANCELLED):
        run.state = state
        assert outage_of_run(run) is None
    run.state = Run.State.RUNNING
    Outage.objects.update(probe_at=TransactionNow() - timedelta(hours=1))
    assert outage_of_run(run) is None


def test_a_probe_asks_for_any_of_the_examples(project):
    version = make_version(project, 5)
    make_version(project, 5, name="Another set")

    asked = Counter(json.loads(probe_request(version.pk))["messages"][0]["content"] for _ in range(300))

    # 60 of each expected; one that never came would have a chance of 1e-29.
    assert sorted(asked) == [f"Say the number {n}." for n in range(1, 6)]
    assert min(asked.values()) > 20


def test_a_version_without_examples_cannot_be_probed_with(project):
    with pytest.raises(ProbeError, match="no examples"):
        probe_request(make_version(project, 0).pk)


def test_a_probe_is_a_short_call_of_the_same_model():
    plan = {"model": "m", "max_tokens": 500, "streams": True, "timeout_seconds": 120, "temperature": 0.0}

    assert probe_plan(plan) == {
        "model": "m", "max_tokens": 1, "streams": False, "timeout_seconds": 30, "temperature": 0.0
    }  # fmt: skip
    assert probe_plan(plan | {"timeout_seconds": 5})["timeout_seconds"] == 5
    assert plan["max_tokens"] == 500
