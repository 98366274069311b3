"""What a task does: one shift of work on one run, with everything that is needed for it fetched first."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from asyncio import FIRST_COMPLETED
from collections.abc import Container
from functools import partial
from secrets import token_hex

import uvloop
from django.conf import settings
from django.db import DatabaseError
from redis import Redis

from evalhub.candidates.keys import is_same_place, key_of
from evalhub.candidates.plan import limits_of
from evalhub.errors import EvalHubError
from evalhub.runs.database_thread import DatabaseThread
from evalhub.runs.in_hand import Order
from evalhub.runs.leaving import Leaving
from evalhub.runs.metering import Meter
from evalhub.runs.models import Run
from evalhub.runs.pausing import pause_before_calls
from evalhub.runs.shift import Shift, Stop
from evalhub.runs.slots import Share
from evalhub.runs.sweeping import neglected_runs

log = logging.getLogger(__name__)

SHIFT_SECONDS = 90.0
MOST_SHIFTS = 8
LOOK_AROUND_SECONDS = 1.0
# A loop that is later than this has enough to do: calls would wait for it, not for their endpoints.
MOST_LATE_SECONDS = 0.5


class OrderError(EvalHubError):
    """The run's calls cannot be made as planned."""


def execute_chunks(run_id: int) -> bool:
    """Work on the run, for at most a minute and a half; false if there was nothing to do for this worker.

    Safe to do twice, at once and elsewhere: chunks are claimed, and an output that is there stays as it is.
    """
    run = Run.objects.select_related("candidate__endpoint").filter(pk=run_id, state=Run.State.RUNNING).first()
    if run is None or run.source != Run.Source.CALLED:
        return False
    try:
        order = order_for(run)
    except EvalHubError as error:
        pause_before_calls(run_id, str(error))
        return False
    return uvloop.run(work(order))


def order_for(run: Run) -> Order:
    endpoint = run.candidate.endpoint
    if endpoint is None or endpoint.pk != run.plan["endpoint"]:
        raise OrderError("The candidate has another endpoint now than when this run was started. Start a new run.")
    key = key_of(endpoint)
    if key is not None and not is_same_place(endpoint.base_url, run.plan["base_url"]):
        raise OrderError(
            "The endpoint's address was changed after this run was started, and its key is not sent to the old one. "
            "Start a new run."
        )
    # Limits protect the endpoint, and are no part of what is asked: they hold as they are now.
    plan = run.plan | limits_of(endpoint)
    return Order(run.pk, run.version_id, plan, key, run.budget is not None, run.reuses_outputs)


def order_for_neglected_run(known: Container[int]) -> Order | None:
    """The order for a run that has work and no worker; a run that cannot be called is paused and says why."""
    neglected = [run_id for run_id in neglected_runs(with_suspects=False) if run_id not in known]
    runs = Run.objects.select_related("candidate__endpoint")
    for run in runs.filter(pk__in=neglected, state=Run.State.RUNNING).order_by("?"):
        try:
            return order_for(run)
        except EvalHubError as error:
            pause_before_calls(run.pk, str(error))
    return None


class Crew:
    """The shifts of one process: mostly a run's alone, and others beside it that nobody else has the time for.

    Calls mostly wait, so one process carries many runs. All end at the same time, a minute and a half after the first
    began.
    """

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.deadline = self.loop.time() + SHIFT_SECONDS
        self.leaving = Leaving()
        self.database = DatabaseThread()
        self.filing = DatabaseThread()
        self.shifts: dict[asyncio.Task[Stop], Shift] = {}
        self.has_claimed = False

    async def work(self, order: Order) -> bool:
        """Work on the run, and on neglected ones meanwhile; false if there was nothing to do."""
        try:
            with self.leaving.listening(self.loop):
                self.begin(order)
                while self.shifts:
                    await self.look_around()
        finally:
            self.database.close()
            self.filing.close()
        return self.has_claimed

    async def look_around(self) -> None:
        """Wait a second for a shift to end. If none does and the loop has time, take up what runs have nobody."""
        asked_at = self.loop.time()
        ended, _ = await asyncio.wait(self.shifts, timeout=LOOK_AROUND_SECONDS, return_when=FIRST_COMPLETED)
        for task in ended:
            self.end(task)
        late = self.loop.time() - asked_at - LOOK_AROUND_SECONDS
        if ended or late > MOST_LATE_SECONDS or not self.has_room():
            return
        try:
            while self.has_room() and (neglected := await self.find_neglected()):
                self.begin(neglected)
        except DatabaseError as error:
            log.warning("No other run can be taken up: %s", error)

    async def find_neglected(self) -> Order | None:
        known = {shift.order.run_id for shift in self.shifts.values()}
        return await self.database.run(partial(order_for_neglected_run, known))

    def begin(self, order: Order) -> None:
        name = shift_name()
        share = Share(connect_to_redis, order.plan["endpoint"], name, order.plan["max_in_flight"])
        limits = order.plan["requests_per_minute"], order.plan["tokens_per_minute"]
        meter = Meter(connect_to_redis, order.plan["endpoint"], name, *limits)
        shift = Shift(order, name, share, meter, self.filing, self.leaving, self.deadline, self.has_one_shift)
        self.shifts[self.loop.create_task(shift.work())] = shift

    def has_one_shift(self) -> bool:
        return len(self.shifts) == 1

    def end(self, task: asyncio.Task[Stop]) -> None:
        shift = self.shifts.pop(task)
        self.has_claimed = self.has_claimed or shift.has_claimed
        if error := task.exception():
            # What it held is another's once the leases have run out. The other shifts go on.
            log.error("Run %s: the shift ended by a fault", shift.order.run_id, exc_info=error)

    def has_room(self) -> bool:
        if any(shift.hand.has_suspect for shift in self.shifts.values()):
            return False  # what a worker was lost with must not take others with it
        return len(self.shifts) < MOST_SHIFTS and self.loop.time() < self.deadline and not self.leaving.is_asked()


async def work(order: Order) -> bool:
    return await Crew().work(order)


def shift_name() -> str:
    """Host, process, and a mark of this shift: what an earlier shift of the process left is not this one's."""
    return f"{socket.gethostname()}:{os.getpid()}:{token_hex(4)}"


def connect_to_redis() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
