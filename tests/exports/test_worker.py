"""Large exports through the real Celery worker, which is killed, told twice, and told to stop."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psutil
import psycopg
import pytest
from django.conf import settings
from django.utils import timezone

from evalhub.exports.making import cancel_export, open_export
from evalhub.exports.models import Export
from evalhub.exports.preparing import SMALL_ROWS
from evalhub.exports.tasks import prepare_export_task, sweep_exports_task
from evalhub.serving.places import embedded_database_url
from tests.exports.asking import asked
from tests.making import make_version

ROWS = SMALL_ROWS + 1_000
State = Export.State


@pytest.fixture
def version(transactional_db, project):
    return make_version(project, ROWS)


def wait_until(condition, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)  # between two looks


def state_of(export) -> str:
    return Export.objects.values_list("state", flat=True).get(pk=export.pk)


@contextmanager
def nobody_reads_examples() -> Iterator[None]:
    """The rows are locked: who exports them waits."""
    address = embedded_database_url(Path(os.environ["EVALHUB_TEST_SERVERS"]), settings.DATABASES["default"]["NAME"])
    with psycopg.connect(address) as other:
        other.execute("LOCK TABLE evalsets_example IN ACCESS EXCLUSIVE MODE")
        yield


def work_processes(worker) -> list[psutil.Process]:
    return psutil.Process(worker.process.pid).children(recursive=True)


def lines_of(export) -> list[bytes]:
    export.refresh_from_db()
    with open_export(export) as file:
        return file.read().splitlines()


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
def test_a_large_export_is_prepared_by_a_worker(format, celery_worker, project, version):
    export = asked(project, "examples", format, version=version.pk)

    wait_until(lambda: state_of(export) == State.DONE)

    export.refresh_from_db()
    assert (export.rows_done, export.rows_total, export.attempts) == (ROWS, ROWS, 1)
    assert export.bytes == export.path.stat().st_size
    if format != "parquet":
        assert len(lines_of(export)) == ROWS + (format == "csv")


def test_a_killed_workers_export_is_taken_up_again(celery_worker, project, version):
    with nobody_reads_examples():
        export = asked(project, "examples", version=version.pk)
        wait_until(lambda: state_of(export) == State.WORKING)
        for process in work_processes(celery_worker):
            process.kill()
    celery_worker.restart()
    Export.objects.filter(state=State.WORKING).update(moved_at=timezone.now() - timedelta(minutes=1))
    sweep_exports_task.delay()

    wait_until(lambda: state_of(export) == State.DONE)

    lines = lines_of(export)
    assert len(lines) == len(set(lines)) == ROWS
    assert [path.name for path in export.folder.iterdir()] == ["file"]


def test_told_many_times_at_once_it_is_one_file(celery_worker, project, version):
    export = asked(project, "examples", version=version.pk)
    for _ in range(6):
        prepare_export_task.delay(export.pk)

    wait_until(lambda: state_of(export) == State.DONE)

    assert len(lines_of(export)) == ROWS
    assert export.attempts == 1


def test_cancelled_while_a_worker_waits_for_rows_it_stops_at_once(celery_worker, project, version):
    with nobody_reads_examples():
        export = asked(project, "examples", version=version.pk)
        wait_until(lambda: state_of(export) == State.WORKING)
        wait_until(lambda: any(export.folder.glob("part-*")) or waiting_queries() > 0)

        assert cancel_export(export)
        wait_until(lambda: waiting_queries() == 0, seconds=10)

    wait_until(lambda: not any(export.folder.glob("*")))
    assert state_of(export) == State.CANCELLED


def waiting_queries() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return int(cursor.fetchone()[0])
