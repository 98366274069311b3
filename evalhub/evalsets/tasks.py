"""Work for Celery. Each task names a row whose state says what is missing: it may come late, again, twice at once."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from evalhub.evalsets.checking import check_rows
from evalhub.evalsets.correcting import fill_corrected
from evalhub.evalsets.drawing import fill_draw
from evalhub.evalsets.models import EvalSetVersion
from evalhub.evalsets.publishing import note_facts, publish
from evalhub.evalsets.storing import clear_away, store_rows
from evalhub.evalsets.sweeping import overdue_uploads, overdue_versions, remove_forgotten
from evalhub.evalsets.versions import erase_version


@shared_task
def check_upload_task(upload_id: int, **_future: Any) -> None:
    check_rows(upload_id)


@shared_task
def import_upload_task(upload_id: int, **_future: Any) -> None:
    store_rows(upload_id)
    for version in EvalSetVersion.objects.filter(upload=upload_id):
        note_facts(version.pk)


@shared_task
def clear_upload_task(upload_id: int, **_future: Any) -> None:
    clear_away(upload_id)


@shared_task
def publish_version_task(version_id: int, **_future: Any) -> None:
    publish(version_id)


@shared_task
def draw_version_task(version_id: int, **_future: Any) -> None:
    """Fill a version that waits for its examples: drawn ones, or those of the version before with corrections."""
    fill_draw(version_id)
    fill_corrected(version_id)
    note_facts(version_id)


@shared_task
def note_facts_task(version_id: int, **_future: Any) -> None:
    note_facts(version_id)


@shared_task
def erase_version_task(version_id: int, **_future: Any) -> None:
    erase_version(version_id)


@shared_task
def sweep_uploads_task(**_future: Any) -> None:
    """Send again what no worker has moved for a minute, and throw away what nobody came back to for a week."""
    remove_forgotten()
    uploads = {"checking": check_upload_task, "importing": import_upload_task, "cancelled": clear_upload_task}
    for pk, state in overdue_uploads():
        uploads[state].delay(pk)
    versions = {
        "draw": draw_version_task,
        "publish": publish_version_task,
        "count": note_facts_task,
        "erase": erase_version_task,
    }
    for pk, what in overdue_versions():
        versions[what].delay(pk)
