"""Pause, resume, cancel and retry: each is a change from one state to another, or nothing if the run is not in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.db.models.functions import Now

from evalhub.errors import EvalHubError
from evalhub.projects.models import User
from evalhub.projects.trail import record_event
from evalhub.runs.models import Output, Run
from evalhub.runs.outages import look_again
from evalhub.runs.planning import chunk_size, plan_chunks
from evalhub.runs.waking import announce_outputs, wake_workers_on_commit

State = Run.State


class StateError(EvalHubError):
    """The run is not in the state that this needs."""


@transaction.atomic
def pause_run(run: Run, user: User) -> None:
    """Stop starting calls; those in flight are stored. Raises StateError unless the run is running."""
    change(run, "pause", [State.RUNNING], State.PAUSED, state_reason=f"{user} paused it.")
    record_event(run.project, user, "paused", described(run))


@transaction.atomic
def resume_run(run: Run, user: User) -> None:
    """Go on with a paused run, also with what waited to be tried again. Raises StateError unless it is paused."""
    change(run, "resume", [State.PAUSED], State.RUNNING, state_reason="", waits_until=None, worked_at=Now())
    run.chunks.filter(state="ready").update(not_before=None)
    look_again(run.plan["endpoint"])
    record_event(run.project, user, "resumed", described(run))
    wake_workers_on_commit([run])


@transaction.atomic
def cancel_run(run: Run, user: User) -> None:
    """End a run early, for good; what was answered stays. Raises StateError if it is over already."""
    reason = f"{user} cancelled it."
    change(run, "cancel", [State.RUNNING, State.PAUSED], State.CANCELLED, state_reason=reason, finished_at=Now())
    record_event(run.project, user, "cancelled", described(run))
    transaction.on_commit(lambda: announce_outputs(run.pk))


@transaction.atomic
def retry_failed(run: Run, user: User) -> int:
    """Ask again for what failed in a finished run, and return how many examples that is.

    Failed outputs are deleted, with their scores, and planned anew. One that people already look at, in a review or a
    verdict, stays as it is: what they said was said of that output. The trail keeps how many there were of which cause.
    """
    renewed: dict[str, Any] = {"state_reason": "", "finished_at": None, "figures": {}, "worked_at": Now()}
    change(run, "retry", [State.FINISHED], State.RUNNING, **renewed)
    # Locked, so that nothing is said of them between what is read here and their end.
    locked = failed_and_unseen(run).select_for_update(of=("self",)).order_by("pk")
    failed = run.outputs.filter(pk__in=list(locked.values_list("pk", flat=True)))
    causes = Counter(failed.values_list("error_cause", flat=True))
    if not causes:
        raise StateError("Nothing is left to retry: people have already reviewed each failed output, so these stay.")
    failed.delete()
    run.chunks.all().delete()
    plan_chunks(run.pk, run.version_id, run.repeats, chunk_size(run.plan))
    spelled = ", ".join(f"{count} {cause}" for cause, count in causes.most_common())
    record_event(run.project, user, "retried the failed outputs of", f"{described(run)}: {spelled}")
    wake_workers_on_commit([run])
    return causes.total()


def failed_and_unseen(run: Run) -> QuerySet[Output]:
    """Failed outputs that nothing of people's making refers to; scores, and what follows from them, are made again."""
    failed = run.outputs.exclude(error_cause="")
    for relation in Output._meta.related_objects:
        if relation.related_model._meta.app_label != "checks":
            field = relation.field.name
            referring = said_by_people(relation.related_model).filter(**{field: OuterRef("pk")})
            failed = failed.exclude(Exists(referring))
    return failed


def said_by_people(model: type[Model]) -> QuerySet[Any]:
    """The rows of a model that people made: all, but where it holds what checks alone found, too."""
    rows = model._default_manager.all()
    return rows.by_people() if hasattr(rows, "by_people") else rows


def pause_for_fault(run_id: int, sentence: str) -> bool:
    """Pause a running run because none of its calls can succeed, and say why."""
    reason = f"The endpoint refused three calls in a row. {sentence}"
    return pause_before_calls(run_id, reason)


def pause_before_calls(run_id: int, sentence: str) -> bool:
    """Pause a running run that cannot make calls at all, and say why."""
    with transaction.atomic():
        running = Run.objects.filter(pk=run_id, state=State.RUNNING)
        if not running.update(state=State.PAUSED, state_reason=sentence[:500]):
            return False
        run = Run.objects.select_related("project", "candidate", "version__eval_set").get(pk=run_id)
        record_event(run.project, None, "paused", described(run))
    return True


def hold_run(run_id: int, seconds: float) -> None:
    """Note that the endpoint wants no call for so long: nothing of the run is claimed before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE runs_run SET waits_until = greatest(waits_until, now() + make_interval(secs => %s)) WHERE id = %s",
            [seconds, run_id],
        )


def change(run: Run, verb: str, before: Iterable[State], after: State, **fields: Any) -> None:
    """Move the run from one of the states to another in one statement, or raise StateError with the state it is in."""
    if not Run.objects.filter(pk=run.pk, state__in=before, source=Run.Source.CALLED).update(state=after, **fields):
        run.refresh_from_db()
        raise StateError(f"This run is {run.get_state_display().lower()} now, so there is nothing to {verb}.")
    run.refresh_from_db(fields=["state", *fields])


def described(run: Run) -> str:
    return f"run {run.pk}, {run.candidate} on {run.version}"
