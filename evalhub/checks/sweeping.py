"""Finds the runs whose scoring no message led to, or whose message was lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from evalhub.checks.models import Check, CompleteScoring
from evalhub.checks.scoring import active_checks, unscored_outputs
from evalhub.runs.models import Run

# Of one sweep; the next one goes on. A look at a large run takes a tenth of a second.
MOST_RUNS = 50
MOST_LOOKS = 500
SETTLED_AFTER = timedelta(minutes=2)
"""A worker that lost its lease may still store outputs so long after its run was over."""


def runs_to_score() -> list[int]:
    """The ids of runs with outputs that an active check has not scored, the newest first, at most MOST_RUNS.

    Runs that are over and scored are noted, so that a sweep with nothing to do reads notes only.
    """
    found: list[int] = []
    for run in runs_without_note().order_by("-pk")[:MOST_LOOKS]:
        checks = active_checks(run)
        if unscored_outputs(run, checks):
            found.append(run.pk)
        elif run.is_over and run.finished_at and run.finished_at < timezone.now() - SETTLED_AFTER:
            note(run, run.finished_at, checks)
        if len(found) == MOST_RUNS:
            break
    return found


def runs_without_note() -> QuerySet[Run]:
    """Runs that at least one active check is not known to have scored completely."""
    run = {"run": OuterRef(OuterRef("pk")), "finished_at": OuterRef(OuterRef("finished_at"))}
    noted = CompleteScoring.objects.filter(by=OuterRef("pk"), **run)
    return Run.objects.filter(
        Exists(Check.objects.active().filter(~Exists(noted), eval_set__versions=OuterRef("version")))
    )


def note(run: Run, finished_at: datetime, checks: Sequence[Check]) -> None:
    CompleteScoring.objects.bulk_create(
        [CompleteScoring(run=run, by=check, finished_at=finished_at) for check in checks],
        update_conflicts=True,
        unique_fields=["run", "by"],
        update_fields=["finished_at"],
    )
