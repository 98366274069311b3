"""The tasks of findings by checks. A message may be lost, doubled or late: what is to do is what the rows say."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from evalhub.runs.models import Run
from evalhub.runs.waking import send
from taxonomy.meanings.finding import find_by_checks
from taxonomy.meanings.sweeping import runs_to_find_in


@shared_task
def find_by_checks_task(run_id: int, **_future: Any) -> None:
    if run := Run.objects.filter(pk=run_id).first():
        find_by_checks(run)


@shared_task
def find_in_eval_set_task(eval_set_id: int, **_future: Any) -> None:
    """After what a check of it means was changed: a message for each run, so that all workers share in it."""
    for run in Run.objects.filter(version__eval_set=eval_set_id).order_by("-pk").only("pk"):
        send(find_by_checks_task.name, run.pk)


@shared_task
def sweep_findings_task(**_future: Any) -> None:
    for run_id in runs_to_find_in():
        send(find_by_checks_task.name, run_id)
