"""What no worker moves is sent again, what nobody wants any more goes."""

import os
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from evalhub.evalsets.drawing import Plan, begin_draw
from evalhub.evalsets.models import EvalSetVersion, ProductionSample, Upload
from evalhub.evalsets.sweeping import overdue_uploads, overdue_versions, remove_forgotten
from evalhub.evalsets.tasks import sweep_uploads_task
from evalhub.evalsets.upload_handler import upload_folder
from tests.evalsets.uploading import (
    act,
    checked,
    example_row,
    guessed,
    jsonl,
    make_eval_set,
    pool_of,
    received,
    sample_row,
    version_of,
)

State = Upload.State
LATE = timedelta(seconds=61)


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def client(client_of, admin):
    return client_of(admin)


def last_moved(ago, **fields):
    Upload.objects.update(moved_at=timezone.now() - ago, **fields)


@pytest.mark.parametrize("state", [State.CHECKING, State.IMPORTING, State.CANCELLED])
def test_an_upload_that_stands_still_is_sent_again_once(state, client, project):
    upload = received(client, project, jsonl([sample_row(1)]))

    last_moved(timedelta(seconds=50), state=state)
    assert overdue_uploads() == []
    last_moved(LATE)
    assert overdue_uploads() == [(upload.pk, state)]
    assert overdue_uploads() == []


@pytest.mark.parametrize("state", [State.RECEIVED, State.CHECKED, State.DONE, State.REFUSED])
def test_an_upload_that_waits_for_a_person_or_is_over_is_let_be(state, client, project):
    received(client, project, jsonl([sample_row(1)]))

    last_moved(timedelta(days=6), state=state)

    assert overdue_uploads() == []


def test_an_upload_that_nobody_comes_back_to_goes_after_a_week(client, project, eager_tasks):
    upload = checked(client, project, jsonl([sample_row(1)]))
    last_moved(timedelta(days=7, seconds=1))

    sweep_uploads_task()

    upload.refresh_from_db()
    assert upload.state == State.CANCELLED
    assert upload.finished_at is not None
    assert not upload.folder.exists()


def test_the_sweep_finishes_a_check_and_an_import_that_a_killed_worker_left(client, project, eager_tasks):
    upload = received(client, project, jsonl([sample_row(1)]))
    act(client, upload, "map", **guessed(upload))
    last_moved(LATE)
    sweep_uploads_task()
    upload.refresh_from_db()
    assert upload.state == State.CHECKED

    act(client, upload, "confirm")
    last_moved(LATE)
    sweep_uploads_task()

    upload.refresh_from_db()
    assert upload.state == State.DONE
    assert ProductionSample.objects.count() == 1


def test_the_sweep_draws_publishes_and_erases_what_waits(client, project, admin, eager_tasks):
    pool_of(project, [sample_row(1)])
    eval_set = make_eval_set(project)
    drawn = begin_draw(eval_set, Plan(size=1, seed="1"), admin)
    published = version_of(eval_set, [example_row(1)], publish=False)
    erased = version_of(eval_set, [example_row(1)], publish=False)
    EvalSetVersion.objects.filter(pk=published.pk).update(published_by=admin)
    EvalSetVersion.objects.filter(pk=erased.pk).update(state=EvalSetVersion.State.DELETING)
    assert overdue_versions() == []

    EvalSetVersion.objects.update(created_at=timezone.now() - LATE)
    sweep_uploads_task()

    states = dict(EvalSetVersion.objects.values_list("pk", "state"))
    assert states == {drawn.pk: "draft", published.pk: "published"}


def test_files_of_no_upload_go_after_a_day_and_others_stay(client, project):
    kept = received(client, project, jsonl([sample_row(1)]))
    orphan = upload_folder() / ("0" * 32)
    orphan.mkdir()
    (orphan / "received").touch()
    young = upload_folder() / ("1" * 32)
    young.mkdir()
    strange = upload_folder() / "not-ours"
    strange.mkdir()
    left = upload_folder() / "incoming" / "left.upload"
    left.touch()
    yesterday = time.time() - 90_000
    for path in (kept.folder, orphan, strange, left):
        os.utime(path, (yesterday, yesterday))

    remove_forgotten()

    assert [path.exists() for path in (kept.stored_path, orphan, young, strange, left)] == [
        True,
        False,
        True,
        True,
        False,
    ]


@pytest.fixture
def eager_tasks(monkeypatch):
    """Tasks that are sent run at once, as in a worker that has nothing else to do."""
    from celery import current_app

    monkeypatch.setitem(current_app.conf, "task_always_eager", True)
    monkeypatch.setitem(current_app.conf, "task_eager_propagates", True)
