"""The programs that a running EvalHub consists of, beside its database and broker."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from evalhub.serving.processes import Service

ROOT = Path(__file__).resolve().parents[2]
# Warm shutdown finishes what is in flight, cold shutdown gives it back.
CELERY_STOP = ((signal.SIGTERM, 8.0), (signal.SIGQUIT, 3.0))


def web_service(listener: int, environment: Mapping[str, str] | None = None, log: Path | None = None) -> Service:
    """gunicorn on the listening socket with this file number, which stays open when gunicorn is started again."""
    return Service(
        name="web",
        command=[sys.executable, "-m", "gunicorn", "-c", "python:evalhub.serving.web_server", "-b", f"fd://{listener}"],
        environment=_with(environment),
        folder=ROOT,
        log=log,
        kept_open=[listener],
    )


def worker_service(
    name: str, queues: str, processes: int, environment: Mapping[str, str] | None = None, log: Path | None = None
) -> Service:
    """A Celery worker for some queues, separated by commas. With 0 processes it works in the one it is started in."""
    pool = ["--pool", "prefork", "--concurrency", str(processes)] if processes else ["--pool", "solo"]
    # What they gossip about is of no use here, and costs a second at the start.
    silence = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    return Service(
        name=name,
        command=[
            *(sys.executable, "-m", "celery", "--quiet", "-A", "evalhub", "worker"),
            *("--queues", queues, "--hostname", f"{name}@%h", *pool, *silence),
        ],
        environment=_with(environment),
        folder=ROOT,
        log=log,
        stop_signals=CELERY_STOP,
    )


def beat_service(environment: Mapping[str, str] | None = None) -> Service:
    """What wakes the sweepers; only one may run on a database."""
    return Service(
        name="beat",
        command=[sys.executable, "-m", "celery", "--quiet", "-A", "evalhub", "beat"],
        environment=_with(environment),
        folder=ROOT,
        stop_signals=((signal.SIGTERM, 3.0),),
    )


def worker_services() -> list[Service]:
    """One machine's workers: calls wait for endpoints, work uses the processor, neither may hold up the sweeper."""
    return [
        worker_service("calls", "calls", processes=2),
        worker_service("work", "work", processes=2),
        worker_service("sweep", "sweep", processes=0),
    ]


def _with(environment: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})}
