"""How a taxonomy changes: error types are added, changed, put in order, retired and restored; none is deleted."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.text import slugify

from evalhub.errors import EvalHubError
from evalhub.projects.models import Project, User
from evalhub.projects.trail import record_event
from taxonomy.models import ErrorType
from taxonomy.versions import record_change


class TaxonomyError(EvalHubError):
    """The taxonomy cannot be changed so."""


def free_code(project: Project, name: str) -> str:
    """A code for files, made of the name, that no error type of the project has."""
    wish = slugify(name).replace("-", "_")[:50] or "error_type"
    code, number = wish, 2
    while ErrorType.objects.filter(project=project, code=code).exists():
        code, number = f"{wish}_{number}", number + 1
    return code


@transaction.atomic
def add_error_type(error_type: ErrorType, actor: User) -> ErrorType:
    """Store a new error type behind the last one."""
    project = error_type.project
    last = ErrorType.objects.in_project(project).aggregate(last=Max("position"))["last"]
    error_type.code = free_code(project, error_type.name)
    error_type.position = (last or 0) + 1
    error_type.save(force_insert=True)
    record_event(project, actor, "added the error type", error_type)
    record_change(project, f"Added “{error_type}”.", actor)
    return error_type


@transaction.atomic
def change_error_type(error_type: ErrorType, actor: User) -> None:
    """Store a new name, definition, severity or parent. The code stays: files that name it stay right."""
    error_type.save(update_fields=["name", "definition", "severity", "parent"])
    record_event(error_type.project, actor, "changed the error type", error_type)
    record_change(error_type.project, f"Changed “{error_type}”.", actor)


@transaction.atomic
def move_error_type(error_type: ErrorType, step: int, actor: User) -> None:
    """Swap places with the neighbour before (-1) or after (+1) among the active ones; at the end nothing happens."""
    siblings = list(
        ErrorType.objects.in_project(error_type.project)
        .active()
        .filter(parent=error_type.parent)
        .select_for_update()
        .order_by("position", "pk")
    )
    here = next(index for index, sibling in enumerate(siblings) if sibling.pk == error_type.pk)
    there = here + step
    if not 0 <= there < len(siblings):
        return
    siblings[here], siblings[there] = siblings[there], siblings[here]
    places = sorted(sibling.position for sibling in siblings)
    for place, sibling in zip(places, siblings, strict=True):
        sibling.position = place
    ErrorType.objects.bulk_update(siblings, ["position"])
    record_event(error_type.project, actor, "moved the error type", error_type)
    record_change(error_type.project, f"Moved “{error_type}”.", actor)


@transaction.atomic
def retire_error_type(error_type: ErrorType, actor: User) -> None:
    """Take it out of the reviewers' list. Labels and findings that carry it keep it."""
    if error_type.children.filter(retired_at=None).exists():
        raise TaxonomyError(f"“{error_type}” has error types below it. Retire or move those first.")
    error_type.retired_at = timezone.now()
    error_type.save(update_fields=["retired_at"])
    record_event(error_type.project, actor, "retired the error type", error_type)
    record_change(error_type.project, f"Retired “{error_type}”.", actor)


@transaction.atomic
def restore_error_type(error_type: ErrorType, actor: User) -> None:
    if error_type.parent and error_type.parent.retired_at:
        raise TaxonomyError(f"“{error_type.parent}”, above it, is retired. Restore that first.")
    error_type.retired_at = error_type.merged_into = None
    error_type.save(update_fields=["retired_at", "merged_into"])
    record_event(error_type.project, actor, "restored the error type", error_type)
    record_change(error_type.project, f"Restored “{error_type}”.", actor)
