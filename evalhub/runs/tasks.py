"""The tasks of the engine. A message may be lost, doubled or late, and may come from another version of EvalHub."""

from __future__ import annotations

import gc
import time
from typing import Any

from celery import shared_task
from celery.signals import worker_init, worker_shutting_down

from evalhub.runs.execution import execute_chunks
from evalhub.runs.leaving import ask_to_leave
from evalhub.runs.sweeping import sweep_runs

IDLE_SWEEP_SECONDS = 2.0

worker_shutting_down.connect(ask_to_leave)


@worker_init.connect
def load_what_calls_need(sender: Any = None, **_signal: Any) -> None:
    """Import the client before the fork: once for all processes, and not in the first task's time.

    What is there then stays: the garbage collector need not look at it again and again while outputs come in.
    """
    if "calls" in sender.app.amqp.queues.consume_from:
        import evalhub.candidates.connecting  # noqa: F401 -- the client: 0.15 s, which other workers do not pay

        gc.collect()
        gc.freeze()
        # Thousands of calls and answers come and go without a cycle among them.
        gc.set_threshold(20_000, 20, 50)


swept_at = 0.0


def sweep_if_idle() -> None:
    """An idle worker has the time to sweep; but not with each of many messages that find nothing to do."""
    global swept_at
    now = time.monotonic()
    if now - swept_at >= IDLE_SWEEP_SECONDS:
        swept_at = now
        sweep_runs()


@shared_task
def execute_chunks_task(run_id: int, **_future: Any) -> None:
    if not execute_chunks(run_id):
        sweep_if_idle()


@shared_task
def sweep_runs_task(**_future: Any) -> None:
    sweep_runs()
