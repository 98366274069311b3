"""The versions of a project's taxonomy: every change makes one."""

from __future__ import annotations

from typing import Any

from django.db.models import Max, Subquery

from evalhub.errors import EvalHubError
from evalhub.projects.models import Project, User
from taxonomy.models import ErrorType, TaxonomyVersion
from taxonomy.tree import Tree


class VersionError(EvalHubError):
    """There is no such version of the taxonomy."""


def tree_of(project: Project, number: int | None = None) -> Tree:
    """The taxonomy as of version ``number``, or as it is now. Raises VersionError when there is none of the number."""
    versions = TaxonomyVersion.objects.filter(project=project)
    found = versions.filter(number=number).first() if number is not None else versions.first()
    if found is None:
        if number is None:
            return Tree(0, [])
        raise VersionError(f"The taxonomy has no version {number}. Choose one of its history.")
    return Tree(found.number, found.tree)


def newest_number(project: Project) -> int:
    """The number of the newest version; 0 where there is none."""
    return TaxonomyVersion.objects.filter(project=project).aggregate(newest=Max("number"))["newest"] or 0


def lock_taxonomy(project: Project) -> list[ErrorType]:
    """The project's error types as they are, in this transaction alone: whoever else changes them waits.

    The project's row is locked too, since a project without types has no other; labels are recorded meanwhile.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    return list(ErrorType.objects.select_for_update(no_key=True).filter(project=project).order_by("position", "pk"))


def record_change(project: Project, change: str, made_by: User | None, why: str = "") -> TaxonomyVersion:
    """Keep the tree as it is now as the project's next version. Call it in the transaction that made the change.

    Locks the project's error types, so that two changes at once make two versions, one after the other.
    """
    rows = [row_of(error_type) for error_type in lock_taxonomy(project)]
    return TaxonomyVersion.objects.create(
        project=project,
        number=newest_number(project) + 1,
        tree=rows,
        change=shortened(change),
        why=shortened(why),
        made_by=made_by,
    )


def shortened(text: str, most: int = 500) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def present_version(project_id: int) -> Any:
    """The number of the newest version, for a column of a row that is being written; null: there is none."""
    versions = TaxonomyVersion.objects.filter(project=project_id).order_by("-number")
    return Subquery(versions.values("number")[:1])


def row_of(error_type: ErrorType) -> dict[str, Any]:
    """As in ``TaxonomyVersion.tree``."""
    return {
        "id": error_type.pk,
        "parent": error_type.parent_id,
        "code": error_type.code,
        "name": error_type.name,
        "definition": error_type.definition,
        "not_this_if": error_type.not_this_if,
        "severity": error_type.severity,
        "owner": error_type.owner_id,
        "position": error_type.position,
        "is_retired": error_type.retired_at is not None,
        "merged_into": error_type.merged_into_id,
    }
