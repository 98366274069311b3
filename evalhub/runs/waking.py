"""Messages to workers. Each says “somebody look at run N” and may be lost, doubled or late: the rows are the work."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial

from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from evalhub.runs.models import Run

log = logging.getLogger(__name__)

EXECUTE = "evalhub.runs.tasks.execute_chunks_task"
# One more try, for a connection that broke while nobody used it. Somebody may be waiting for the page.
PATIENCE = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1}
JOIN_WITHIN_SECONDS = 5
UNREACHABLE = (OperationalError, RedisError, OSError)


def send(name: str, run_id: int, expires: float | None = None) -> bool:
    """Send a task about a run, unless it is of no use after ``expires`` seconds; False if no queue can be reached."""
    try:
        current_app.send_task(name, [run_id], expires=expires, retry_policy=PATIENCE)
    except UNREACHABLE as error:
        log.warning("Run %s: the queue cannot be reached, so the sweeper has to find the work: %s", run_id, error)
        return False
    return True


def wake_workers(run_id: int, expires: float | None = None) -> bool:
    return send(EXECUTE, run_id, expires)


def wake_workers_on_commit(runs: Iterable[Run]) -> None:
    """Wake workers once the rows are there to be seen; a run whose message finds no queue is marked on its object.

    A worker process is bound by one core, so when each run has one, those that are idle join in.
    """
    runs = list(runs)
    for run in runs:
        transaction.on_commit(partial(announce, run))
    for run in runs:
        transaction.on_commit(partial(wake_workers, run.pk, expires=JOIN_WITHIN_SECONDS))


def announce(run: Run) -> None:
    run.is_announced = wake_workers(run.pk)


def announce_outputs(run_id: int) -> None:
    """Tell those who work on outputs (``settings.AFTER_OUTPUTS``) that some were stored."""
    for name in settings.AFTER_OUTPUTS:
        send(name, run_id)
