"""Exports survive what happens to workers: nothing lost, nothing doubled, nothing left lying about."""

from __future__ import annotations

import errno
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from evalhub.evalsets.exporting import ExamplesExport
from evalhub.exports import preparing
from evalhub.exports.making import ask_for_export, cancel_export, open_export, throw_away
from evalhub.exports.models import Export
from evalhub.exports.preparing import _claim, prepare
from evalhub.exports.sources import ExportError
from evalhub.exports.sweeping import LOST, overdue_exports, remove_old
from evalhub.projects.models import Event
from tests.exports.asking import asked, content
from tests.making import make_run, make_version

pytestmark = pytest.mark.django_db(transaction=True)
State = Export.State


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def version(project):
    return make_version(project, 12, published=False)


@pytest.fixture
def large(monkeypatch):
    """More than ten rows are for a worker."""
    monkeypatch.setattr(preparing, "SMALL_ROWS", 10)


@pytest.fixture
def export(project, version, large):
    """An export that waits for a worker."""
    return asked(project, "examples", version=version.pk)


def lines_of(export) -> int:
    with open_export(export) as file:
        return len(file.read().splitlines())


def files() -> list[str]:
    from django.conf import settings

    return sorted(path.name for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file())


def again(export) -> Export:
    export.refresh_from_db()
    return export


def test_few_rows_are_there_at_once_and_many_wait_for_a_worker(project, version, large):
    few = asked(project, "examples", version=version.pk, key="example-1")
    many = asked(project, "examples", version=version.pk)

    assert (few.state, few.rows_done, few.rows_total, few.attempts) == (State.DONE, 4, 4, 1)
    assert few.bytes == few.path.stat().st_size
    assert (many.state, many.rows_done, many.attempts) == (State.WAITING, 0, 0)
    assert files() == ["file"]


def test_parquet_and_large_rows_are_for_a_worker(project, version, monkeypatch):
    monkeypatch.setattr(preparing, "SMALL_BYTES", 100)
    monkeypatch.setattr("evalhub.exports.writing.BATCH_ROWS", 3)

    assert asked(project, "examples", "parquet", version=version.pk).state == State.WAITING
    assert asked(project, "examples", "csv", version=version.pk).state == State.WAITING
    assert files() == []


def test_rows_that_take_long_are_for_a_worker(project, version, monkeypatch):
    monkeypatch.setattr(preparing, "SMALL_SECONDS", 0.2)
    monkeypatch.setattr(ExamplesExport, "count", lambda *_, **__: wait_in_the_database(5))

    export = asked(project, "examples", version=version.pk)

    assert (export.state, export.attempts, files()) == (State.WAITING, 0, [])


def wait_in_the_database(seconds: float) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_sleep(%s)", [seconds])
        return int(cursor.fetchone()[0])


def test_the_patience_with_few_rows_ends_with_them(project, version):
    with transaction.atomic():
        asked(project, "examples", version=version.pk)
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("0",)


def test_a_worker_prepares_it_once_however_often_it_is_told(export):
    prepare(export.pk)
    first = again(export)
    moment = first.finished_at

    prepare(export.pk)

    assert (again(export).state, export.finished_at, export.attempts) == (State.DONE, moment, 1)
    assert (lines_of(export), export.rows_done, export.rows_total) == (12, 12, 12)
    assert files() == ["file"]


def test_what_a_killed_worker_left_is_taken_up_again(export):
    _claim(export.pk)  # and the worker is killed, with half a file
    export.folder.mkdir(parents=True, exist_ok=True)
    (export.folder / "part-2").write_bytes(b'{"id":"half')

    assert overdue_exports() == []
    prepare(export.pk)  # its message comes again: somebody may still be at it
    assert again(export).state == State.WORKING
    Export.objects.update(moved_at=timezone.now() - timedelta(seconds=31))
    assert overdue_exports() == [export.pk]
    assert overdue_exports() == []
    prepare(export.pk)

    assert (again(export).state, lines_of(export)) == (State.DONE, 12)
    assert files() == ["file"]


def test_a_worker_that_was_only_slow_does_not_write_over_the_file(export, monkeypatch):
    """While it wrote, the sweeper gave the export to another one."""
    write = preparing.write_file

    def slowly(path, source, format, progress):
        write(path, source, format, progress)
        monkeypatch.setattr(preparing, "write_file", write)
        Export.objects.update(moved_at=timezone.now() - timedelta(seconds=31))
        assert overdue_exports() == [export.pk]
        prepare(export.pk)
        assert again(export).is_done
        path.write_bytes(b"of yesterday")

    monkeypatch.setattr(preparing, "write_file", slowly)
    prepare(export.pk)

    assert (again(export).state, export.attempts, lines_of(export)) == (State.DONE, 2, 12)
    assert files() == ["file"]


def test_an_export_that_kills_its_workers_is_given_up(export):
    for _ in range(3):
        _claim(export.pk)
        Export.objects.update(moved_at=timezone.now() - timedelta(seconds=31))
        found = overdue_exports()

    assert found == []
    assert (again(export).state, export.error) == (State.FAILED, LOST)


def test_a_waiting_export_whose_message_was_lost_is_sent_again(export):
    Export.objects.update(moved_at=timezone.now() - timedelta(seconds=31))

    assert overdue_exports() == [export.pk]


def test_a_cancelled_export_is_not_prepared(export):
    assert cancel_export(export)
    assert not cancel_export(export)

    prepare(export.pk)
    Export.objects.update(moved_at=timezone.now() - timedelta(seconds=31))

    assert overdue_exports() == []
    assert (again(export).state, files()) == (State.CANCELLED, [])
    with pytest.raises(ExportError, match="not ready"):
        open_export(export)


def test_an_export_cancelled_at_the_last_moment_leaves_no_file(export, monkeypatch):
    write = preparing.write_file

    def write_and_cancel(path, *rest):
        write(path, *rest)
        assert cancel_export(export)

    monkeypatch.setattr(preparing, "write_file", write_and_cancel)
    prepare(export.pk)

    assert (again(export).state, files()) == (State.CANCELLED, [])


def test_a_full_disk_is_told_in_a_sentence(export, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(preparing, "write_file", full)
    prepare(export.pk)

    assert again(export).state == State.FAILED
    assert export.error == (
        "The file could not be written: No space left on device. Make room on the server, and export again."
    )
    assert files() == []


def test_a_folder_that_cannot_be_written_is_told_at_once(project, version, tmp_path):
    (tmp_path / "exports").write_bytes(b"no folder")

    export = asked(project, "examples", version=version.pk)

    assert (export.state, export.error) == (
        State.FAILED,
        "The file could not be written: Not a directory. Make room on the server, and export again.",
    )


def test_what_was_deleted_meanwhile_is_told_in_a_sentence(export, version):
    type(version).objects.filter(pk=version.pk).update(state="deleting")

    prepare(export.pk)

    assert again(export).state == State.FAILED
    assert export.error == "There is no such version in this project, or its examples are not all there yet."


def test_an_error_of_the_database_is_told_without_its_words(export, monkeypatch):
    monkeypatch.setattr(preparing, "write_file", lambda *_: Export.objects.raw("SELECT nonsense FROM nowhere")[0])
    prepare(export.pk)

    assert again(export).state == State.FAILED
    assert "nonsense" not in export.error and export.error.endswith("the server's log has the details.")


def test_after_a_week_it_is_removed_with_its_file(project, version, export):
    old, new = (asked(project, "examples", version=version.pk, key="example-1") for _ in range(2))
    week = timezone.now() - timedelta(days=7, seconds=1)
    Export.objects.filter(pk__in=[old.pk, export.pk]).update(created_at=week)

    remove_old()

    assert set(Export.objects.all()) == {new, export}  # one that still waits is not forgotten
    assert files() == ["file"] and new.path.exists()


def test_files_of_no_export_are_removed(project, version, export):
    kept = asked(project, "examples", version=version.pk, key="example-1")
    gone = asked(project, "examples", version=version.pk, key="example-1")
    Export.objects.filter(pk=gone.pk).delete()  # as when its project is deleted
    cancel_export(export)
    export.folder.mkdir(parents=True, exist_ok=True)
    (export.folder / "part-1").write_bytes(b"half")
    other = kept.folder.parent / "not ours"
    other.mkdir()

    remove_old()
    assert gone.path.exists()  # its row might be on its way
    day = time.time() - 25 * 3600
    os.utime(gone.folder, (day, day))
    remove_old()

    assert sorted(path.name for path in kept.folder.parent.iterdir()) == sorted([kept.key.hex, "not ours"])


def test_thrown_away_it_is_gone_with_its_file(project, version):
    export = asked(project, "examples", version=version.pk)

    throw_away(export)

    assert not Export.objects.exists()
    assert not export.folder.exists()


def test_one_that_is_thrown_away_under_a_workers_hands_stops(export, monkeypatch):
    write = preparing.write_file

    def write_and_throw(path, *rest):
        write(path, *rest)
        throw_away(export)

    monkeypatch.setattr(preparing, "write_file", write_and_throw)
    prepare(export.pk)

    assert (Export.objects.count(), files()) == (0, [])


def test_a_file_that_is_missing_is_told(project, version):
    export = asked(project, "examples", version=version.pk)
    export.path.unlink()

    with pytest.raises(ExportError, match="not here any more"):
        open_export(export)


def test_it_is_noted_in_the_trail_and_named_by_ids_alone(project, lead):
    run = make_run(make_version(project, 1, name="../../etc/passwd"), "evil\r\nmodel")

    export = ask_for_export(project, lead, "outputs", "csv", {"run": str(run.pk)})

    event = Event.objects.get(action="exported")
    assert (event.project, event.actor) == (project, lead)
    assert event.subject.startswith(f"Outputs as CSV: Run {run.pk} of evil")
    assert export.name == f"outputs-run-{run.pk}-export-{export.pk}.csv"


def test_nobody_piles_up_exports(project, version, large):
    for _ in range(20):
        asked(project, "examples", version=version.pk)

    with pytest.raises(ExportError, match="20 exports of yours wait already"):
        asked(project, "examples", version=version.pk)


class NoQueue:
    def send_task(self, *_, **__):
        raise OperationalError("nobody listens")


def test_without_a_queue_it_waits_for_the_sweeper(project, version, large, monkeypatch):
    monkeypatch.setattr("evalhub.exports.making.current_app", NoQueue())

    assert asked(project, "examples", version=version.pk).state == State.WAITING


def test_the_same_rows_whoever_prepares_them(project, version, export):
    prepare(export.pk)

    with open_export(again(export)) as file:
        assert file.read() == content(project, "examples", version=version.pk)
