"""How a change of the taxonomy is carried out: error types are added and changed, and a version is kept.

None is ever deleted, and no finding is ever touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from evalhub.projects.models import Project, User
from evalhub.projects.trail import record_event
from taxonomy.models import ErrorType, TaxonomyVersion
from taxonomy.tree import TreeType, in_tree_order
from taxonomy.types.changes import Add, Change, GoBack
from taxonomy.types.planning import NewType, TaxonomyError, Types
from taxonomy.versions import VersionError, lock_taxonomy, newest_number, record_change, row_of, tree_of

COLUMNS = ("parent_id", "name", "definition", "not_this_if", "severity", "owner_id", "position", "merged_into_id")


class OutdatedError(TaxonomyError):
    """The taxonomy is another one by now than what the person looked at."""


@dataclass(frozen=True)
class Done:
    """What a change made: its version, and the keys of new types by those that the plan gave them."""

    version: TaxonomyVersion
    made: Mapping[int, int]


def types_of(project: Project) -> dict[int, TreeType]:
    """The error types as they are now, by key."""
    return as_types(ErrorType.objects.in_project(project).order_by("position", "pk"))


def as_types(rows: Any) -> dict[int, TreeType]:
    found = {}
    for error_type in rows:
        row = row_of(error_type)
        found[error_type.pk] = TreeType(pk=row.pop("id"), **row)
    return found


@transaction.atomic
def carry_out(
    project: Project, change: Change, actor: User | None, why: str = "", seen: int | None = None
) -> Done | None:
    """Make the change, one version and one line of the trail; None when nothing would change.

    ``seen``: the number of the version that the person looked at. Raises OutdatedError when there is a newer one by
    now, and TaxonomyError when the change cannot be made.
    """
    types = as_types(lock_taxonomy(project))
    newest = newest_number(project)
    if seen is not None and seen != newest:
        raise OutdatedError(
            f"The taxonomy has changed since you looked at it: it is version {newest} now. Look at the preview again, "
            "then confirm."
        )
    after = change.applied(types)
    if after == types:
        return None
    subject, words = change.subject(types), change.in_words(types)
    made = write(project, types, after)
    record_event(project, actor, change.action, subject)
    return Done(record_change(project, words, actor, why.strip()), made)


def write(project: Project, before: Types, after: Types) -> dict[int, int]:
    """Bring the rows in line with ``after``; return the keys of new types by their negative ones."""
    parents = {key: each.parent for key, each in after.items()}
    keys: dict[int | None, int | None] = {None: None} | {key: key for key in before}
    made: dict[int, int] = {}
    for key, _ in in_tree_order(parents, after):
        if key not in before:
            columns = columns_of(after[key], keys) | {"merged_into_id": None}  # that one may come later
            keys[key] = made[key] = ErrorType.objects.create(project=project, code=after[key].code, **columns).pk
    now = timezone.now()
    retired_at = dict(ErrorType.objects.filter(pk__in=before).values_list("pk", "retired_at"))
    changed = [
        ErrorType(
            pk=keys[key],
            project=project,
            retired_at=(retired_at.get(key) or now) if each.is_retired else None,
            **columns_of(each, keys),
        )
        for key, each in after.items()
        if key not in before or before[key] != each
    ]
    ErrorType.objects.bulk_update(changed, [name.removesuffix("_id") for name in COLUMNS] + ["retired_at"])
    return made


def columns_of(each: TreeType, keys: Mapping[int | None, int | None]) -> dict[str, Any]:
    return {
        "parent_id": keys[each.parent],
        "name": each.name,
        "definition": each.definition,
        "not_this_if": each.not_this_if,
        "severity": each.severity,
        "owner_id": each.owner,
        "position": each.position,
        "merged_into_id": keys.get(each.merged_into),
    }


def add_error_type(error_type: ErrorType, actor: User, why: str = "") -> ErrorType:
    """Store a new error type behind the last one, with a code made of its name."""
    new = NewType(
        error_type.name,
        error_type.definition,
        error_type.not_this_if,
        error_type.severity,
        error_type.parent_id,
        error_type.owner_id,
    )
    done = carry_out(error_type.project, Add(new), actor, why)
    assert done is not None  # a new type always changes something
    (key,) = done.made.values()
    return ErrorType.objects.get(pk=key)


def going_back(project: Project, number: int) -> GoBack:
    """The change that brings back version ``number``. Raises VersionError when there is none, or it is the newest."""
    newest = newest_number(project)
    if number == newest:
        raise VersionError(f"Version {number} is how the taxonomy is now. Choose an older one.")
    then = tuple(tree_of(project, number).types.values())
    return GoBack(number, then, is_undo=number == newest - 1)
