"""The tasks of scoring. A message may be lost, doubled or late: what is to do is what the rows say is missing."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.conf import settings

from evalhub.checks.models import Check
from evalhub.checks.scoring import runs_of, score_run
from evalhub.checks.sweeping import runs_to_score
from evalhub.runs.models import Run
from evalhub.runs.waking import send


def announce_scores(run_id: int) -> None:
    """Tell those who work on scores (``settings.AFTER_SCORES``) that some of the run's are new, or count no more."""
    for name in settings.AFTER_SCORES:
        send(name, run_id)


@shared_task
def score_run_task(run_id: int, **_future: Any) -> None:
    run = Run.objects.filter(pk=run_id).first()
    if run is not None and score_run(run):
        announce_scores(run.pk)


@shared_task
def score_check_task(check_id: int, **_future: Any) -> None:
    """Score the outputs of all runs of the check's eval set: a message each, so that all workers share in it.

    Where it is retired, there is nothing to score, and those who work on scores are told.
    """
    if check := Check.objects.filter(pk=check_id).first():
        for run in runs_of(check):
            if check.retired_at:
                announce_scores(run.pk)
            else:
                send(score_run_task.name, run.pk)


@shared_task
def sweep_scores_task(**_future: Any) -> None:
    for run_id in runs_to_score():
        send(score_run_task.name, run_id)
