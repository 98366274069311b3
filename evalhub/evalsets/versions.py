"""The life of a version outside its publication: begun, settled as a draft, deleted."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from evalhub.errors import EvalHubError
from evalhub.evalsets.models import Correction, EvalSet, EvalSetVersion
from evalhub.projects.models import User
from evalhub.projects.trail import record_event

State = EvalSetVersion.State
ERASED_AT_ONCE = 20_000


class VersionError(EvalHubError):
    """The version is not in a state for this."""


@transaction.atomic
def begin_version(eval_set: EvalSet, user: User, **fields: Any) -> EvalSetVersion:
    """Make the next version of the eval set, empty and not yet readable."""
    EvalSet.objects.select_for_update().get(pk=eval_set.pk)  # two at once get different numbers
    last = eval_set.versions.aggregate(last=Max("number"))["last"] or 0
    return EvalSetVersion.objects.create(eval_set=eval_set, number=last + 1, created_by=user, **fields)


def settle_draft(version: EvalSetVersion) -> None:
    """All examples are there: open the draft for reading."""
    version.example_count = version.examples.count()
    version.state = State.DRAFT
    version.save(update_fields=["example_count", "state"])


@transaction.atomic
def delete_draft(version: EvalSetVersion, user: User) -> None:
    """Take a draft away. It is gone from the pages at once; the caller sends ``erase_version_task``.

    Corrections that were accepted into it, or refused for one of those, are open again.
    """
    found = EvalSetVersion.objects.select_for_update().get(pk=version.pk)
    if found.state != State.DRAFT or found.is_publishing:
        raise VersionError(f"{found} is not a draft any more, so it stays. Reload the page.")
    found.state = State.DELETING
    found.save(update_fields=["state"])
    found.corrections.update(state=Correction.State.OPEN, decided_by=None, decided_at=None, accepted_into=None)
    record_event(found.eval_set.project, user, "deleted the draft", found)


def erase_version(version_id: int) -> None:
    """Remove a version that is being deleted, with its examples, in steps that hold no lock for long."""
    while EvalSetVersion.objects.filter(pk=version_id, state=State.DELETING).exists():
        with transaction.atomic(), connection.cursor() as cursor:
            # Not by the ORM, which would read all examples to look for what hangs on them: nothing can, on a draft.
            cursor.execute(
                "DELETE FROM evalsets_example WHERE id IN "
                "(SELECT id FROM evalsets_example WHERE version_id = %s ORDER BY position LIMIT %s)",
                [version_id, ERASED_AT_ONCE],
            )
            if cursor.rowcount < ERASED_AT_ONCE:
                EvalSetVersion.objects.filter(pk=version_id).delete()
