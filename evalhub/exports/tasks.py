"""Work for Celery. Each task names a row whose state says what is missing: it may come late, again, twice at once."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from evalhub.exports.preparing import prepare
from evalhub.exports.sweeping import overdue_exports, remove_old


@shared_task
def prepare_export_task(export_id: int, **_future: Any) -> None:
    prepare(export_id)


@shared_task
def sweep_exports_task(**_future: Any) -> None:
    """Send again what no worker has moved for half a minute, and remove what was kept long enough."""
    remove_old()
    for pk in overdue_exports():
        prepare_export_task.delay(pk)
