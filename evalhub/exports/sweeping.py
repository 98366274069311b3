"""What lies about: exports that no worker moves any more, those whose time is over, files without an export."""

from __future__ import annotations

import math
import re
import shutil
import time
import uuid
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from evalhub.exports.models import Export
from evalhub.exports.preparing import KEPT_FOR, remove_files

MOVES_WITHIN = timedelta(seconds=30)
MOST_ATTEMPTS = 3
FORGOTTEN_AFTER = timedelta(days=1)
AT_ONCE = 100
FOLDER = re.compile("[0-9a-f]{32}")
LOST = (
    "Three workers were lost while they prepared this export, so it is not tried again. Narrow the filters, or tell "
    "whoever runs the server."
)
State = Export.State


@transaction.atomic
def overdue_exports() -> list[int]:
    """Return the ids of exports that wait for a worker again, since none has moved them for half a minute."""
    overdue = Export.objects.unfinished().filter(moved_at__lt=Now() - MOVES_WITHIN)
    # Skipping what is locked: somebody is changing it this moment.
    found = list(overdue.select_for_update(skip_locked=True).values_list("pk", flat=True)[:AT_ONCE])
    standing = Export.objects.filter(pk__in=found)
    given_up = standing.filter(state=State.WORKING, attempts__gte=MOST_ATTEMPTS)
    given_up.update(state=State.FAILED, error=LOST, finished_at=Now(), token=F("token") + 1)
    # With another token, the worker that is only slow stops when it notices.
    standing.filter(state=State.WORKING).update(state=State.WAITING, token=F("token") + 1)
    standing.filter(state=State.WAITING).update(moved_at=Now())
    return list(standing.filter(state=State.WAITING).values_list("pk", flat=True))


def remove_old() -> None:
    """Remove exports that were kept for their days, and files that belong to no export."""
    over = Export.objects.exclude(Q(state=State.WAITING) | Q(state=State.WORKING))
    for export in over.filter(created_at__lt=Now() - KEPT_FOR)[:AT_ONCE]:
        export.delete()
        remove_files(export)
    _remove_folders_of_no_file()


def _remove_folders_of_no_file() -> None:
    """Remove what a cancelled, failed or deleted export left behind."""
    root = Path(settings.MEDIA_ROOT) / "exports"
    folders = {path.name: path for path in root.iterdir()} if root.is_dir() else {}
    keys = {uuid.UUID(name): path for name, path in folders.items() if FOLDER.fullmatch(name)}
    wanted = Export.objects.filter(key__in=keys).exclude(state__in=[State.FAILED, State.CANCELLED])
    kept = set(wanted.values_list("key", flat=True))
    known = set(Export.objects.filter(key__in=keys).values_list("key", flat=True))
    oldest = time.time() - FORGOTTEN_AFTER.total_seconds()
    for key, path in keys.items():
        # A folder without a row: the row may not be committed yet, so it is given a day.
        if key not in kept and (key in known or touched_at(path) < oldest):
            shutil.rmtree(path, ignore_errors=True)


def touched_at(path: Path) -> float:
    """Unix time of the last change; of a folder that another sweep has just removed, never."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf
