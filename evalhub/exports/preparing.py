"""Rows become a file: at once where they are few, else in a worker that may be lost at any time.

A worker claims the export with a token and writes to a file of that number. Only who still has the row's token at the
end may move the file to its place, in the transaction that says so. So a task that is repeated, late, or run twice at
once leaves one whole file; what a killed worker left is begun again from the first row.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import psycopg
from django.db import DataError, OperationalError, ProgrammingError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from evalhub.errors import EvalHubError
from evalhub.exports.heartbeat import Heartbeat
from evalhub.exports.models import Export
from evalhub.exports.sources import Source, source_of
from evalhub.exports.writing import Progress, Stopped, stop_query, write_file

SMALL_ROWS, SMALL_BYTES, SMALL_SECONDS = 5_000, 20_000_000, 3
"""What the person who asks waits for. More of any is for a worker, and so is Parquet, whose library is slow to load."""
KEPT_FOR = timedelta(days=7)
State = Export.State
# Trying again would end the same way. A lost connection is another matter: the sweeper tries that again.
HOPELESS = (EvalHubError, OSError, DataError, ProgrammingError)
SET_TIMEOUT = "SELECT set_config('statement_timeout', %s, true)"
logger = logging.getLogger(__name__)


def prepare_at_once(export: Export, source: Source) -> bool:
    """Write the file here and now if it is small; else leave the export waiting for a worker and return False."""
    if export.format == Export.Format.PARQUET or (claimed := _claim(export.pk)) is None:
        return False
    progress = Progress()
    part = _part_of(claimed)

    def look() -> None:
        if progress.bytes > SMALL_BYTES:
            raise Stopped

    progress.look = look
    try:
        with transaction.atomic(), _limited_statements(SMALL_SECONDS):
            if source.count(most=SMALL_ROWS + 1) > SMALL_ROWS:
                raise Stopped
            write_file(part, source, export.format, progress)
        _finish(claimed, part, progress)
    except Stopped:
        _give_back(claimed, part)
    except OperationalError as error:
        if not isinstance(error.__cause__, psycopg.errors.QueryCanceled):
            raise
        _give_back(claimed, part)
    except HOPELESS as error:
        logger.exception("export %s could not be prepared", export.pk)
        _fail(claimed, part, error)
    export.refresh_from_db()
    return not export.is_moving


def prepare(export_id: int) -> None:
    """Write the file of an export that waits. Safe to repeat: one that does not wait is left alone."""
    export = _claim(export_id)
    if export is None:
        return
    progress, part = Progress(), _part_of(export)
    heartbeat = Heartbeat(export, progress, stop_query())
    progress.look = heartbeat.look
    try:
        with heartbeat:
            source = source_of(export.kind)(export.project, export.filters)
            Export.objects.filter(pk=export.pk, token=export.token).update(rows_total=source.count())
            write_file(part, source, export.format, progress)
    except HOPELESS as error:
        logger.exception("export %s could not be prepared", export.pk)
        _fail(export, part, error)
    except (Stopped, OperationalError):
        _remove(part)
        if not heartbeat.is_lost:
            raise
    else:
        _finish(export, part, progress)


@transaction.atomic
def _claim(export_id: int) -> Export | None:
    """Take an export that waits into this worker's hands; None if it does not wait (any more)."""
    waiting = Export.objects.select_for_update(of=("self",)).select_related("project").filter(state=State.WAITING)
    export = waiting.filter(pk=export_id).first()
    if export is None:
        return None
    export.state = State.WORKING
    export.token += 1
    export.attempts += 1
    export.save(update_fields=["state", "token", "attempts"])
    Export.objects.filter(pk=export_id).update(moved_at=Now(), rows_done=0, bytes=0)
    return export


def _part_of(export: Export) -> Path:
    return export.folder / f"part-{export.token}"


def _remove(part: Path) -> None:
    # What cannot be removed now is removed by the sweeper, with its folder.
    with suppress(OSError):
        part.unlink()


@transaction.atomic
def _finish(export: Export, part: Path, progress: Progress) -> None:
    """Put the file in its place and say so, unless the export was cancelled or given to another worker meanwhile."""
    mine = Export.objects.select_for_update().filter(pk=export.pk, token=export.token, state=State.WORKING)
    found = mine.first()
    if found is None:
        _remove(part)
        return
    part.replace(export.path)
    for left in export.folder.glob("part-*"):
        left.unlink(missing_ok=True)
    found.state, found.finished_at = State.DONE, timezone.now()
    found.rows_done = found.rows_total = progress.rows
    found.bytes = progress.bytes
    found.save(update_fields=["state", "finished_at", "rows_done", "rows_total", "bytes"])


def _give_back(export: Export, part: Path) -> None:
    _remove(part)
    mine = Export.objects.filter(pk=export.pk, token=export.token, state=State.WORKING)
    mine.update(state=State.WAITING, attempts=0, moved_at=Now())


def _fail(export: Export, part: Path, error: Exception) -> None:
    _remove(part)
    if isinstance(error, EvalHubError):
        sentence = str(error)
    elif isinstance(error, OSError):
        reason = error.strerror or "no reason is known"
        sentence = f"The file could not be written: {reason}. Make room on the server, and export again."
    else:
        sentence = "The rows could not be read. Export again; if it happens again, the server's log has the details."
    mine = Export.objects.filter(pk=export.pk, token=export.token, state=State.WORKING)
    mine.update(state=State.FAILED, error=sentence, finished_at=Now())


def remove_files(export: Export) -> None:
    shutil.rmtree(export.folder, ignore_errors=True)


@contextmanager
def _limited_statements(seconds: float) -> Iterator[None]:
    """Within a transaction: let each statement take so long. An error takes the limit back with all else."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout')")
        (before,) = cursor.fetchone()
        cursor.execute(SET_TIMEOUT, [f"{seconds * 1000:.0f}ms"])
        yield
        cursor.execute(SET_TIMEOUT, [before])
