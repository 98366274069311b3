"""What a task does: one shift of work on one run, with everything that is needed for it fetched first."""

from __future__ import annotations

import asyncio
import os
import socket
from secrets import token_hex

from django.conf import settings
from redis import Redis

from evalhub.candidates.keys import is_same_place, key_of
from evalhub.errors import EvalHubError
from evalhub.runs.leaving import Leaving
from evalhub.runs.models import Run
from evalhub.runs.pausing import pause_before_calls
from evalhub.runs.shift import Order, Shift
from evalhub.runs.slots import Share


class OrderError(EvalHubError):
    """The run's calls cannot be made as planned."""


def execute_chunks(run_id: int) -> bool:
    """Work on the run for at most a minute and a half; false if there was nothing to do for this worker.

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
    return asyncio.run(work_on(order))


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
    return Order(run.pk, run.version_id, run.plan, key)


async def work_on(order: Order) -> bool:
    name = spell_name()
    share = Share(connect_to_redis, order.plan["endpoint"], name, order.plan["max_in_flight"])
    shift = Shift(order, name, share, Leaving())
    await shift.work()
    return shift.has_claimed


def spell_name() -> str:
    """Host, process, and a mark of this shift: what an earlier shift of the process left is not this one's."""
    return f"{socket.gethostname()}:{os.getpid()}:{token_hex(4)}"


def connect_to_redis() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
