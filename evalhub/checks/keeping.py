"""Adding, replacing and retiring the checks of an eval set. A check never changes, so what its scores mean does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from evalhub.checks.models import Check
from evalhub.errors import EvalHubError
from evalhub.evalsets.models import EvalSet
from evalhub.projects.models import User
from evalhub.projects.trail import record_event
from evalhub.runs.waking import send

SCORE_CHECK = "evalhub.checks.tasks.score_check_task"


class NameTakenError(EvalHubError):
    """There is an active check of this name. Choose another name, or retire that check first."""


class RetiredError(EvalHubError):
    """This check is retired already."""


@transaction.atomic
def add_check(eval_set: EvalSet, kind: str, name: str, parameters: Mapping[str, Any], user: User) -> Check:
    """Add a check and have it score the outputs that are there, old ones too. Raises NameTakenError."""
    check = make(eval_set, kind, name, parameters)
    record_event(eval_set.project, user, "added the check", f"{check} to {eval_set}")
    return check


@transaction.atomic
def replace_check(old: Check, name: str, parameters: Mapping[str, Any], user: User) -> Check:
    """Retire a check and add one of the same kind in its place. Raises RetiredError, NameTakenError."""
    retire(old)
    check = make(old.eval_set, old.kind, name, parameters, old)
    record_event(old.eval_set.project, user, "changed the check", f"{check} of {old.eval_set}")
    return check


@transaction.atomic
def retire_check(check: Check, user: User) -> None:
    """Take a check out of use; its scores stay. Raises RetiredError."""
    retire(check)
    record_event(check.eval_set.project, user, "retired the check", f"{check} of {check.eval_set}")


def make(
    eval_set: EvalSet, kind: str, name: str, parameters: Mapping[str, Any], replaced: Check | None = None
) -> Check:
    try:
        with transaction.atomic():
            check = Check.objects.create(eval_set=eval_set, kind=kind, name=name, parameters=dict(parameters))
    except IntegrityError as error:
        raise NameTakenError(NameTakenError.__doc__) from error
    for dotted_name in settings.AFTER_CHECKS:
        import_string(dotted_name)(check, replaced)
    transaction.on_commit(partial(send, SCORE_CHECK, check.pk))
    return check


def retire(check: Check) -> None:
    if not Check.objects.active().filter(pk=check.pk).update(retired_at=timezone.now()):
        raise RetiredError(RetiredError.__doc__)
    transaction.on_commit(partial(send, SCORE_CHECK, check.pk))  # to tell that its scores say nothing any more


def suggested_name(title: str, taken: Iterable[str]) -> str:
    """The kind's title, with a number behind it if a check has that name: “Number”, “Number 2”."""
    names = {name.casefold() for name in taken}
    number, name = 1, title
    while name.casefold() in names:
        number += 1
        name = f"{title} {number}"
    return name
