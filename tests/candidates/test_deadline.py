"""A deadline for call after call in one task."""

import asyncio
import time

import pytest

from evalhub.candidates.deadline import deadline


def test_a_call_that_is_too_long_is_broken_off_and_the_next_one_has_its_own_time():
    async def calls():
        ends = []
        for seconds, lasts in [(0.05, 5), (0.3, 0.1), (0.05, 5), (5, 0.1), (0.05, 5)]:
            began = time.monotonic()
            try:
                with deadline(seconds):
                    await asyncio.sleep(lasts)
                ends.append("answered")
            except TimeoutError:
                ends.append("late")
            assert time.monotonic() - began < 1
        return ends

    assert asyncio.run(calls()) == ["late", "answered", "late", "answered", "late"]


def test_a_timer_of_an_earlier_call_does_not_end_a_later_one_that_has_time():
    async def calls():
        with deadline(0.1):
            await asyncio.sleep(0.05)
        with deadline(1):
            await asyncio.sleep(0.2)
        with pytest.raises(TimeoutError), deadline(0.1):
            await asyncio.sleep(5)
        await asyncio.sleep(0.2)  # nothing strikes when no call is under way
        return asyncio.current_task().cancelling()

    assert asyncio.run(calls()) == 0


def test_somebody_elses_cancellation_stays_one():
    async def call():
        with deadline(5):
            await asyncio.sleep(5)

    async def cancelled():
        task = asyncio.create_task(call())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())


def test_tasks_begun_inside_a_call_have_deadlines_of_their_own():
    async def call(seconds):
        try:
            with deadline(seconds):
                await asyncio.sleep(0.3)
        except TimeoutError:
            return "late"
        return "answered"

    async def nested():
        with deadline(5):
            return await asyncio.gather(call(0.05), call(2), call(0.1))

    assert asyncio.run(nested()) == ["late", "answered", "late"]
