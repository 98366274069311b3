"""Calls are written down before they are made, and settled when they are over."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from evalhub.projects.models import Project
from evalhub.runs import chunks
from evalhub.runs.attempts import Settlement, begin, settle, settle_and_begin
from evalhub.runs.models import LostCall, Run
from evalhub.runs.storing import store_outputs
from evalhub.runs.sweeping import sweep_runs
from tests.making import make_version
from tests.runs.making import make_caller, start
from tests.runs.test_chunks import row

CENT = Decimal("0.01")


@pytest.fixture
def run(project: Project) -> Run:
    """Ten examples in one chunk, and ten cents to spend."""
    candidate = make_caller(project)
    candidate.input_price = candidate.output_price = Decimal(1)
    candidate.save()
    return start(make_version(project, 10), candidate, size=10, budget=10 * CENT)


def taken(run: Run, reserve: Decimal = CENT) -> list[chunks.Item]:
    lease = chunks.claim(run.pk, run.version_id, "w1", True)
    items = list(lease.items.values())
    for item in items:
        item.reserve = reserve
    return items


def money(run: Run) -> tuple[Decimal, Decimal]:
    run.refresh_from_db()
    return run.reserved, run.spent


def lapse(run: Run) -> None:
    run.chunks.filter(state="leased").update(lease_until=timezone.now() - timedelta(hours=1))


def test_what_begins_is_written_down_with_what_it_could_cost(run):
    items = taken(run)

    granted = begin(run.pk, items[:3], has_budget=True)

    assert granted == {0, 1, 2}
    chunk = run.chunks.get()
    assert chunk.called == [item.example_id for item in items[:3]]
    assert (chunk.reserved, *money(run)) == (3 * CENT, 3 * CENT, 0)


def test_only_as_many_calls_begin_as_the_budget_has_room_for(run):
    items = taken(run, 4 * CENT)

    granted = begin(run.pk, items, has_budget=True)

    assert granted == {0, 1}
    assert money(run) == (8 * CENT, 0)


def test_beginning_again_after_a_lost_answer_reserves_nothing_twice(run):
    items = taken(run, 4 * CENT)
    begin(run.pk, items[:2], has_budget=True)

    granted = begin(run.pk, items[:2], has_budget=True)

    assert granted == {0, 1}
    assert len(run.chunks.get().called) == 2
    assert money(run) == (8 * CENT, 0)


def test_what_is_settled_frees_its_reserve_and_costs_what_it_cost_once(run):
    items = taken(run)
    begin(run.pk, items[:3], has_budget=True)
    settled = [Settlement(items[0], CENT, CENT / 4), Settlement(items[1], CENT, Decimal(0))]

    settle(settled)
    settle(settled)  # the answer to the first was lost

    assert run.chunks.get().called == [items[2].example_id]
    assert money(run) == (CENT, CENT / 4)


def test_a_call_that_is_made_again_is_crossed_out_and_written_down_anew(run):
    items = taken(run)
    begin(run.pk, items[:1], has_budget=True)

    granted = settle_and_begin(run.pk, [Settlement(items[0], CENT, CENT)], items[:1], has_budget=True)

    assert granted == {0}
    assert money(run) == (CENT, CENT)


@pytest.mark.parametrize("state", ["paused", "cancelled"])
def test_nothing_begins_in_a_run_that_does_not_run(state, run):
    items = taken(run)
    Run.objects.filter(pk=run.pk).update(state=state)

    assert begin(run.pk, items, has_budget=True) == set()
    assert begin(run.pk, items, has_budget=False) == set()


def test_nothing_begins_of_a_chunk_that_another_worker_has(run):
    items = taken(run)
    lapse(run)
    sweep_runs()
    taken(run)

    assert begin(run.pk, items, has_budget=True) == set()
    assert money(run) == (0, 0)


def test_what_a_lost_worker_had_called_is_told_and_reckoned_as_paid(run):
    items = taken(run)
    begin(run.pk, items[:4], has_budget=True)
    store_outputs([row(items[0])], [], [Settlement(items[0], CENT, CENT / 2)])
    lapse(run)

    sweep_runs()
    sweep_runs()

    lost = LostCall.objects.filter(run=run).order_by("example")
    assert [call.example_id for call in lost] == [item.example_id for item in items[1:4]]
    assert {(call.worker, call.repeat) for call in lost} == {("w1", 1)}
    assert money(run) == (0, 3 * CENT + CENT / 2)
    assert all(chunk.called == [] and chunk.reserved == 0 for chunk in run.chunks.all())


def test_without_a_budget_what_was_stored_is_not_told_to_be_lost(project):
    run = start(make_version(project, 5), make_caller(project), size=5)
    items = taken(run, Decimal(0))
    begin(run.pk, items[:3], has_budget=False)
    store_outputs([row(items[0])], [])
    lapse(run)

    sweep_runs()

    assert LostCall.objects.filter(run=run).count() == 2


def test_late_settlements_of_a_lost_worker_change_nothing(run):
    items = taken(run)
    begin(run.pk, items[:2], has_budget=True)
    lapse(run)
    sweep_runs()

    settle([Settlement(items[0], CENT, CENT / 2)])

    assert money(run) == (0, 2 * CENT)


def test_giving_back_frees_what_was_not_called_and_tells_what_was_broken_off(run):
    items = taken(run)
    begin(run.pk, items[:3], has_budget=True)

    chunks.release(items[0].lease, {}, None, lost=items[:1])

    assert money(run) == (0, CENT)
    assert [call.example_id for call in LostCall.objects.filter(run=run)] == [items[0].example_id]
    chunk = run.chunks.get()
    assert (chunk.state, chunk.called, chunk.reserved) == ("ready", [], 0)
