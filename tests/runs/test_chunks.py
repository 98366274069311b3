"""Planning, claiming, keeping and giving back."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from evalhub.projects.models import Project
from evalhub.runs import chunks
from evalhub.runs.chunks import claim
from evalhub.runs.models import Chunk, Output, Run
from evalhub.runs.storing import store_outputs
from evalhub.runs.sweeping import QUARANTINED, SWEEP_LOCK, sweep_runs
from tests.making import make_version
from tests.runs.making import make_caller, start


def take(run: Run, worker: str = "w1", suspects: bool = True) -> chunks.Lease | None:
    return claim(run.pk, run.version_id, worker, suspects)


def row(item: chunks.Item, text: str = "answer", **fields: object) -> dict:
    return {
        "chunk_id": item.lease.chunk_id,
        "token": item.lease.token,
        "example_id": item.example_id,
        "text": text,
        "tool_calls": [],
        "finish_reason": "stop",
        "prompt_tokens": 3,
        "completion_tokens": 5,
        "cost": "0.000000125",
        "first_token_ms": None,
        "total_ms": 12.5,
        "attempts": 1,
        "error_cause": "",
        "error": "",
        "raw": "",
        "truncated": False,
    } | fields


def answer(lease: chunks.Lease, **fields: object) -> int:
    return store_outputs([row(item, **fields) for item in lease.items.values()], [lease])


def lapse(run: Run) -> None:
    """As if the lease had run out."""
    run.chunks.filter(state="leased").update(lease_until=timezone.now() - timedelta(hours=1))


@pytest.fixture
def run(project: Project) -> Run:
    """Seven examples, twice, in chunks of three."""
    return start(make_version(project, 7), make_caller(project), repeats=2, size=3)


def test_a_run_is_planned_as_chunks_of_consecutive_examples_for_each_repeat(run):
    planned = run.chunks.order_by("pk").values_list("repeat", "first_position", "last_position", "state")

    assert list(planned) == [
        (1, 1, 3, "ready"), (1, 4, 6, "ready"), (1, 7, 7, "ready"),
        (2, 1, 3, "ready"), (2, 4, 6, "ready"), (2, 7, 7, "ready"),
    ]  # fmt: skip
    assert run.planned_outputs == 14


def test_each_claim_gets_another_chunk_until_none_is_left(run):
    leases = [take(run) for _ in range(7)]

    assert len({lease.chunk_id for lease in leases[:6]}) == 6
    assert leases[6] is None
    first = next(iter(leases[0].items.values()))
    assert json.loads(first.request) == {"messages": [{"role": "user", "content": "Say the number 1."}]}


def test_a_claim_leaves_out_what_is_answered_already(run):
    lease = take(run)
    first, *others = lease.items.values()
    store_outputs([row(first)], [])
    chunks.release(lease, {}, None)

    again = take(run)

    assert again.chunk_id == lease.chunk_id
    assert again.token == lease.token + 1
    assert list(again.items) == [item.example_id for item in others]


def test_attempts_and_waits_survive_a_release(run):
    lease = take(run)
    tried = next(iter(lease.items.values()))
    chunks.release(lease, {tried.example_id: (2, 30.0)}, None)

    again = take(run).items[tried.example_id]

    assert again.attempts == 2
    assert 29 < again.wait <= 30


def test_a_chunk_of_which_all_waits_is_not_claimed_before(run):
    for _ in range(6):
        chunks.release(take(run), {}, 30.0)

    assert take(run) is None
    assert run.chunks.filter(state="ready", not_before__gt=timezone.now() + timedelta(seconds=20)).count() == 6


def test_nothing_is_claimed_of_a_run_that_is_paused_or_told_to_wait(run):
    Run.objects.filter(pk=run.pk).update(state="paused")
    assert take(run) is None

    Run.objects.filter(pk=run.pk).update(state="running", waits_until=timezone.now() + timedelta(seconds=60))
    assert take(run) is None

    Run.objects.filter(pk=run.pk).update(waits_until=timezone.now() - timedelta(hours=1))
    assert take(run) is not None


def test_a_chunk_is_done_when_all_its_outputs_are_stored(run):
    lease = take(run)
    first, *others = lease.items.values()

    store_outputs([row(first)], [])
    assert Chunk.objects.get(pk=lease.chunk_id).state == "leased"

    store_outputs([row(item) for item in others], [lease])
    assert Chunk.objects.get(pk=lease.chunk_id).state == "done"
    output = Output.objects.get(example_id=first.example_id)
    assert (output.text, output.tool_calls, output.cost, output.total_ms) == (
        "answer", [], Decimal("0.000000125"), 12.5,
    )  # fmt: skip


def test_the_same_rows_stored_twice_are_there_once_and_as_they_were(run):
    lease = take(run)

    assert answer(lease, text="first") == 3
    Chunk.objects.filter(pk=lease.chunk_id).update(state="leased")
    assert answer(lease, text="second") == 0

    assert set(run.outputs.values_list("text", flat=True)) == {"first"}


def test_a_worker_whose_lease_was_taken_back_stores_nothing(run):
    old = take(run, "slow")
    lapse(run)
    sweep_runs()
    new = take(run, "quick")

    assert answer(old) == 0
    assert chunks.beat(run.pk, [old, new]) == {new.chunk_id}
    assert answer(new) == len(new.items)


def test_a_claim_of_which_the_answer_was_lost_is_given_back_by_the_one_who_made_it(run):
    held = take(run, "w1")
    lost = take(run, "w1")
    others = take(run, "w2")

    chunks.give_back_unheld(run.pk, "w1", [held])

    leased = run.chunks.filter(state="leased").values_list("pk", flat=True)
    assert set(leased) == {held.chunk_id, others.chunk_id}
    assert take(run).chunk_id == lost.chunk_id
    assert run.chunks.get(pk=lost.chunk_id).crashes == 0


def test_a_beat_keeps_the_lease_and_leaves_a_sign_of_life(run):
    lease = take(run)
    run.chunks.filter(pk=lease.chunk_id).update(lease_until=timezone.now() + timedelta(seconds=5))

    assert chunks.beat(run.pk, [lease]) == {lease.chunk_id}

    run.refresh_from_db()
    left = Chunk.objects.get(pk=lease.chunk_id).lease_until - timezone.now()
    assert 55 < left.total_seconds() <= 60
    assert timezone.now() - run.worked_at < timedelta(seconds=5)


def test_a_chunk_that_a_worker_was_lost_with_is_cut_and_claimed_last_and_only_alone(project):
    run = start(make_version(project, 25), make_caller(project), size=15)
    take(run)
    lapse(run)
    sweep_runs()

    # Chunk 1 to 15 became 1 to 10 and 11 to 15; chunk 16 to 25 is innocent.
    found = run.chunks.order_by("first_position").values_list("first_position", "last_position", "crashes")
    assert list(found) == [(1, 10, 1), (11, 15, 1), (16, 25, 0)]
    innocent = take(run, suspects=False)
    assert len(innocent.items) == 10 and not innocent.is_suspect
    assert take(run, suspects=False) is None
    suspect = take(run, suspects=True)
    assert suspect.is_suspect and len(suspect.items) == 10


def test_after_three_crashes_the_example_alone_is_quarantined_and_the_run_ends(project):
    run = start(make_version(project, 12), make_caller(project), size=12)
    poison = run.version.examples.get(position=4).pk

    for _ in range(40):  # a worker that dies of the fourth example, whatever it does
        lease = take(run)
        if lease is None:
            break
        if poison in lease.items:
            lapse(run)
            sweep_runs()
        else:
            answer(lease)
    sweep_runs()

    run.refresh_from_db()
    assert run.state == "finished"
    assert run.outputs.count() == 12
    failed = run.outputs.exclude(error_cause="").get()
    assert (failed.example_id, failed.error_cause, failed.attempts) == (poison, QUARANTINED, 3)
    assert "retry the failed outputs" in failed.error


def test_a_hostile_answer_is_stored_with_its_damage_visible(run):
    lease = take(run)
    item = next(iter(lease.items.values()))
    calls = [{"id": "a", "name": "f", "arguments": '{"x": "\0"}'}]

    store_outputs([row(item, text="nul \0, half \ud800, plain ü, written \\u0000", tool_calls=calls)], [])

    output = run.outputs.get()
    assert output.text == "nul �, half �, plain ü, written \\u0000"
    assert output.tool_calls == [{"id": "a", "name": "f", "arguments": '{"x": "�"}'}]


def test_of_two_sweeps_at_once_the_second_leaves_it_to_the_first(run):
    other = connection.copy()
    take(run)
    lapse(run)

    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [SWEEP_LOCK])
        sweep_runs()
        assert run.chunks.filter(state="leased").count() == 1
        cursor.execute("SELECT pg_advisory_unlock(%s)", [SWEEP_LOCK])
    other.close()
    sweep_runs()

    assert run.chunks.filter(state="leased").count() == 0
