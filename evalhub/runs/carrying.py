"""Outputs taken over into a run of a later version: the same answers, scored against what is expected now.

The earlier run keeps its outputs and its scores. Labels and verdicts belong to the outputs that people read, and stay.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Now

from evalhub.evalsets.models import EvalSetVersion
from evalhub.projects.models import User
from evalhub.projects.trail import record_event
from evalhub.runs.figures import keep_figures
from evalhub.runs.finishing import finish_runs
from evalhub.runs.models import Run
from evalhub.runs.planning import chunk_size, plan_chunks
from evalhub.runs.starting import StartingError, facts_of, refuse_nonsense
from evalhub.runs.waking import announce_outputs, wake_workers_on_commit

ORIGIN = "taken_over_from"
"""In a run's plan: the run whose outputs it has, the first one where they were taken over more than once."""

# The same example by its id and, to the letter, its request: what was answered then would be the answer now.
COUNT = """
SELECT count(*) FILTER (WHERE earlier.id IS NOT NULL), count(*) FILTER (WHERE earlier.id IS NULL)
FROM evalsets_example AS example
LEFT JOIN evalsets_example AS earlier ON earlier.version_id = %(old)s AND earlier.key = example.key
    AND earlier.request::text = example.request::text
WHERE example.version_id = %(new)s
"""
CARRY = """
INSERT INTO runs_output (
    run_id, example_id, repeat, text, tool_calls, finish_reason, prompt_tokens, completion_tokens, cost,
    first_token_ms, total_ms, attempts, error_cause, error, raw, truncated, call_digest, reused_from, created_at
)
SELECT
    %(run)s, example.id, output.repeat, output.text, output.tool_calls, output.finish_reason, output.prompt_tokens,
    output.completion_tokens, CASE WHEN output.cost IS NULL THEN NULL ELSE 0 END, output.first_token_ms,
    output.total_ms, 0, output.error_cause, output.error, output.raw, output.truncated, output.call_digest,
    coalesce(output.reused_from, output.id), clock_timestamp()
FROM runs_output AS output
JOIN evalsets_example AS earlier ON earlier.id = output.example_id
JOIN evalsets_example AS example ON example.version_id = %(version)s AND example.key = earlier.key
    AND example.request::text = earlier.request::text
WHERE output.run_id = %(origin)s AND (%(with_errors)s OR output.error_cause = '')
ORDER BY output.id
"""


@dataclass(frozen=True)
class Carried:
    """Examples of the later version: those that were asked in the same words before, and the others."""

    same: int
    others: int


def origin_of(run: Run) -> int:
    return int(run.plan.get(ORIGIN) or run.pk)


def family_of(run: Run) -> QuerySet[Run]:
    """The runs that have these outputs, of whatever version; the run itself among them. Cancelled ones are left out."""
    runs = Run.objects.filter(project=run.project_id, version__eval_set=run.version.eval_set_id)
    runs = runs.exclude(state=Run.State.CANCELLED).alias(origin=KeyTextTransform(ORIGIN, "plan"))
    family = runs.filter(pk=origin_of(run)) | runs.filter(origin=str(origin_of(run)))
    return family.select_related("candidate", "version__eval_set").order_by("version__number", "pk")


def later_version(run: Run) -> EvalSetVersion | None:
    """The newest published version, if it is later than the run's and these outputs are not in a run of it yet."""
    if run.state != Run.State.FINISHED:
        return None
    versions = EvalSetVersion.objects.published().filter(eval_set=run.version.eval_set_id).select_related("eval_set")
    newest = versions.order_by("-number").first()
    if newest is None or newest.number <= run.version.number or family_of(run).filter(version=newest).exists():
        return None
    return newest


def carried_into(version: EvalSetVersion) -> dict[int, Run]:
    """The runs of the version, each by the run whose outputs it has; its own key where they are its own."""
    runs = Run.objects.filter(version=version).exclude(state=Run.State.CANCELLED).order_by("-pk")
    return {origin_of(run): run for run in runs}


def count_carried(run: Run, version: EvalSetVersion) -> Carried:
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"old": run.version_id, "new": version.pk})
        return Carried(*cursor.fetchone())


@transaction.atomic
def carry_outputs(run: Run, version: EvalSetVersion, user: User) -> Run:
    """Make a run of the same candidate over a later version, of the same eval set, that has the outputs of this one.

    Examples that ask something else are left out of a run that was uploaded; in one that was called they are called,
    as are failed calls, with the plan of the earlier run. Asked twice, the first of the new runs is returned.

    Raises StartingError when that cannot be.
    """
    run = Run.objects.select_for_update(of=("self",)).select_related("version__eval_set", "candidate").get(pk=run.pk)
    refuse_to_carry(run, version)
    there = family_of(run).filter(version=version).first()
    if there is not None:
        return there
    made = Run.objects.create(
        project_id=run.project_id,
        version=version,
        candidate=run.candidate,
        source=run.source,
        plan=run.plan | facts_of(version) | {ORIGIN: origin_of(run)},
        repeats=run.repeats,
        budget=run.budget,
        reuses_outputs=run.source == Run.Source.CALLED,
        planned_outputs=version.example_count * run.repeats,
        started_by=user,
    )
    is_recorded = run.source == Run.Source.UPLOADED
    with connection.cursor() as cursor:
        told = {"run": made.pk, "version": version.pk, "origin": run.pk, "with_errors": is_recorded}
        cursor.execute(CARRY, told)
    subject = f"{run.candidate} (run {run.pk}) over to {version} (run {made.pk})"
    record_event(run.candidate.project, user, "took the outputs of", subject)
    conclude(made, is_recorded)
    return made


def refuse_to_carry(run: Run, version: EvalSetVersion) -> None:
    if version.eval_set_id != run.version.eval_set_id or version.number <= run.version.number:
        raise StartingError(f"{version} is no later version of {run.version}. Choose one of the same eval set.")
    if not version.is_published:
        raise StartingError(f"{version} is not published. Publish it first: only a frozen version can be run.")
    if run.state != Run.State.FINISHED:
        raise StartingError("The run is not finished. Take its outputs over when it is.")


def conclude(made: Run, is_recorded: bool) -> None:
    """End the run when nothing is missing or can come; else plan the calls that are left, and wake workers."""
    run_id = made.pk
    if is_recorded:
        Run.objects.filter(pk=run_id).update(state=Run.State.FINISHED, finished_at=Now())
        keep_figures([run_id])
        transaction.on_commit(lambda: announce_outputs(run_id))
    elif plan_chunks(run_id, made.version_id, made.repeats, chunk_size(made.plan)):
        refuse_nonsense(made.version, [made.candidate], made.repeats)
        wake_workers_on_commit([made])
    else:
        transaction.on_commit(lambda: finish_runs(run_id))
