"""What lies about: work that no worker moves any more, uploads that nobody came back to, files without an upload."""

from __future__ import annotations

import math
import re
import shutil
import time
import uuid
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from evalhub.evalsets.models import EvalSetVersion, Upload
from evalhub.evalsets.upload_handler import upload_folder

MOVES_WITHIN = timedelta(seconds=60)
KEPT_FOR = timedelta(days=7)
RECEIVED_WITHIN = timedelta(days=1)
AT_ONCE = 100
FOLDER = re.compile("[0-9a-f]{32}")
State = Upload.State


@transaction.atomic
def overdue_uploads() -> list[tuple[int, str]]:
    """Return ids and states of uploads whose work stands still, and note that it is sent again."""
    now = timezone.now()
    waiting = Q(state__in=[State.CHECKING, State.IMPORTING]) | Q(state=State.CANCELLED, finished_at=None)
    overdue = Upload.objects.filter(waiting, moved_at__lt=now - MOVES_WITHIN)
    # Skipping what is locked: a worker is storing a batch of it this moment.
    found = list(overdue.select_for_update(skip_locked=True).values_list("pk", "state")[:AT_ONCE])
    Upload.objects.filter(pk__in=[pk for pk, _ in found]).update(moved_at=now)
    return found


@transaction.atomic
def overdue_versions() -> list[tuple[int, str]]:
    """Return ids of versions that wait, and that no worker has in hand, each with what is to be done with it."""
    states = EvalSetVersion.State
    waiting = {
        "draw": Q(state=states.IMPORTING, upload=None),
        "publish": Q(state=states.DRAFT, published_by__isnull=False),
        "count": Q(state__in=[states.DRAFT, states.PUBLISHED], facts={}),
        "erase": Q(state=states.DELETING),
    }
    overdue = EvalSetVersion.objects.filter(created_at__lt=timezone.now() - MOVES_WITHIN)
    return [
        (pk, what)
        for what, condition in waiting.items()
        for pk in overdue.filter(condition).select_for_update(skip_locked=True).values_list("pk", flat=True)[:AT_ONCE]
    ]


def remove_forgotten() -> None:
    """Cancel uploads that waited for a person too long, and remove files that belong to no upload."""
    waiting = Upload.objects.filter(state__in=[State.RECEIVED, State.CHECKED])
    waiting.filter(moved_at__lt=timezone.now() - KEPT_FOR).update(state=State.CANCELLED, finished_at=None)
    _remove_folders_of_no_upload()


def _remove_folders_of_no_upload() -> None:
    """Remove what a killed process left before the upload's row was there, or a deleted project left behind."""
    oldest = time.time() - RECEIVED_WITHIN.total_seconds()
    old = {path.name: path for path in _children(upload_folder()) if touched_at(path) < oldest}
    keys = {name: uuid.UUID(name) for name in old if FOLDER.fullmatch(name)}
    kept = set(Upload.objects.filter(key__in=keys.values()).unfinished().values_list("key", flat=True))
    for name, key in keys.items():
        if key not in kept:
            shutil.rmtree(old[name], ignore_errors=True)
    for path in _children(upload_folder() / "incoming"):
        if touched_at(path) < oldest:
            path.unlink(missing_ok=True)


def touched_at(path: Path) -> float:
    """Unix time of the last change; of what was moved or removed this moment, never."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def _children(folder: Path) -> Iterable[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []
