"""An export from the question to the file: asked for, opened, cancelled, thrown away."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from functools import partial
from typing import BinaryIO

from celery import current_app
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from evalhub.exports.models import Export
from evalhub.exports.preparing import prepare_at_once
from evalhub.exports.sources import ExportError, Source, source_of
from evalhub.projects.models import Member, Project, User
from evalhub.projects.trail import record_event

PREPARE = "evalhub.exports.tasks.prepare_export_task"
MOST_UNFINISHED = 20
# One more try, for a connection that broke while nobody used it. Somebody may be waiting for the page.
PATIENCE = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1}
State = Export.State
logger = logging.getLogger(__name__)


def ask_for_export(project: Project, user: User, kind: str, format: str, filters: Mapping[str, str]) -> Export:
    """Make an export and have it prepared: a small one at once (it is over when this returns), others by a worker.

    ``filters`` are those of the page it starts from; what stands there more than once is joined by commas. Raises
    ExportError, or NotThere (one of them) if a filter names an object that this project has not.
    """
    source = source_of(kind)(project, filters)
    if format not in source.formats:
        raise ExportError(f"There is no such format for {source.title.lower()}. Use {', '.join(source.formats)}.")
    member = Member.objects.filter(project=project, user=user).first()
    if member is None or not member.may(source.needed_role):
        raise ExportError(f"Only a {source.needed_role.label.lower()} of the project may export this.")
    if Export.objects.of_person(project, user).unfinished().count() >= MOST_UNFINISHED:
        raise ExportError(f"{MOST_UNFINISHED} exports of yours wait already. Cancel one, or wait until one is ready.")
    export = _note(project, user, kind, format, source)
    if not prepare_at_once(export, source):
        transaction.on_commit(partial(announce, export.pk))
    return export


@transaction.atomic
def _note(project: Project, user: User, kind: str, format: str, source: Source) -> Export:
    export = Export.objects.create(
        project=project,
        made_by=user,
        kind=kind,
        format=format,
        filters=source.settled(),
        description=capitalised(source.description()),
    )
    # No name of a person, a model or a file: what a browser saves it as is words of ours and ids.
    parts = [kind.replace("_", "-"), source.subject(), f"export-{export.pk}"]
    export.name = "-".join(part for part in parts if part) + f".{export.ending}"
    export.save(update_fields=["name"])
    record_event(project, user, "exported", f"{source.title} as {export.get_format_display()}: {export.description}")
    return export


def capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def announce(export_id: int) -> None:
    """Tell a worker. Without a queue the sweeper finds the export later."""
    try:
        current_app.send_task(PREPARE, [export_id], retry_policy=PATIENCE)
    except (OperationalError, RedisError, OSError) as error:
        logger.warning("export %s waits for the sweeper, since no queue can be reached: %s", export_id, error)


def open_export(export: Export) -> BinaryIO:
    """Open the finished file for reading. Raises ExportError if there is none."""
    if not export.is_done:
        raise ExportError("This export is not ready.")
    try:
        return export.path.open("rb")
    except FileNotFoundError as error:
        raise ExportError("The file of this export is not here any more. Export it again.") from error


@transaction.atomic
def cancel_export(export: Export) -> bool:
    """Stop the preparation; False if it was over. A worker at it notices within a second or two."""
    found = Export.objects.select_for_update(of=("self",)).filter(pk=export.pk).first()
    if found is None or not found.is_moving:
        return False
    found.state, found.finished_at = State.CANCELLED, timezone.now()
    found.save(update_fields=["state", "finished_at"])
    return True


@transaction.atomic
def throw_away(export: Export) -> None:
    """Remove the export and its file, whatever its state. A worker at it notices within a second or two."""
    Export.objects.filter(pk=export.pk).delete()
    transaction.on_commit(partial(shutil.rmtree, export.folder, ignore_errors=True))
