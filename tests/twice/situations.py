"""For every task of ours, the situations in which it has something to do.

To add one for a new task: a function that makes the rows, from nothing, and returns a ``Situation``; and a line in
``SITUATIONS``. It is called before each repetition, on empty tables, so the ids it makes are always the same; whatever
else is random must be given (a seed, say) or named in ``snapshots.MAY_DIFFER`` with the reason. Messages that it would
send are dropped: only the task under test is run.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from evalhub.evalsets.checking import start_check
from evalhub.evalsets.correcting import settle_proposals
from evalhub.evalsets.corrections import propose_correction
from evalhub.evalsets.drawing import Plan, begin_draw
from evalhub.evalsets.files.mapping import mapping_from_json
from evalhub.evalsets.models import EvalSetVersion, Upload
from evalhub.evalsets.storing import _store_batch
from evalhub.evalsets.upload_handler import upload_folder
from evalhub.evalsets.versions import begin_version
from evalhub.exports.models import Export
from evalhub.projects.joining import found_project
from evalhub.projects.models import Project, Role, User
from evalhub.runs.models import Chunk, Run
from reviews.making.planning import plan_round
from reviews.models import NoticeChoice, Occasion, Reason, ReviewItem
from reviews.notices.finding import choose_notices
from taxonomy.models import CheckMeaning, ErrorType, Verdict
from taxonomy.settling import record_check_verdicts, record_verdict
from tests.evalsets.uploading import confirmed, example_row, make_eval_set, pool_of, sample_row, version_of
from tests.making import admin_of, make_check, make_round, make_run, make_score, make_version
from tests.people import make_member, make_user
from tests.runs.making import make_caller, start

LONG_AGO = timedelta(days=2)
SMALL_BATCHES = {"evalhub.evalsets.storing.BATCH_LINES": 10}
Purpose = Upload.Purpose


@dataclass(frozen=True)
class Situation:
    """``arguments``: of the task. ``constants``: small ones in place of a module's, so that little data has many
    batches to be doubled. ``prompts``: how often the endpoint is asked each. ``is_told_by_rows``: false for a task that
    sends messages and writes nothing."""

    arguments: list[Any] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)
    prompts: dict[str, int] = field(default_factory=dict)
    is_told_by_rows: bool = True


def make_project() -> Project:
    founder: User = make_user("Ada", may_create_projects=True)
    return found_project(founder, "Support inbox")


def a_run_to_be_called(url: str) -> Situation:
    caller = make_caller(make_project(), url, "echo?delay=0.02", max_in_flight=4)
    run = start(make_version(caller.project, 40), caller, repeats=2, size=5)
    return Situation([run.pk], prompts={f"Say the number {n}.": 2 for n in range(1, 41)})


def a_run_whose_calls_fail_at_first(url: str) -> Situation:
    """Too few for the endpoint to be taken for down, which a call more would probe."""
    caller = make_caller(make_project(), url, "fault:status?code=503&times=1&delay=0.02", max_in_flight=4)
    run = start(make_version(caller.project, 8), caller, size=2)
    return Situation([run.pk], prompts={f"Say the number {n}.": 2 for n in range(1, 9)})


def runs_that_lost_their_workers(url: str) -> Situation:
    """Of one a chunk that has crashed for the first time, of another for the third; a third run is over."""
    project = make_project()
    version = make_version(project, 30)
    once, thrice, over = (start(version, make_caller(project, url, "echo", name), size=15) for name in "abc")
    late = {"state": "leased", "worker": "gone:1:x", "lease_until": timezone.now() - LONG_AGO}
    once.chunks.filter(first_position=1).update(**late)
    thrice.chunks.update(**late, crashes=2)
    over.chunks.update(state=Chunk.State.DONE)
    return Situation()


def a_file_to_be_checked(url: str) -> Situation:
    upload = confirmed(make_project(), Purpose.PRODUCTION_SAMPLES, map(sample_row, range(50)), {})
    upload.staged_path.unlink()
    Upload.objects.filter(pk=upload.pk).update(state=Upload.State.RECEIVED)
    assert start_check(upload, mapping_from_json(upload.mapping))
    return Situation([upload.pk])


def examples_to_be_imported(url: str) -> Situation:
    target = {"eval_set": make_eval_set(make_project()).pk, "publish": True}
    upload = confirmed(Project.objects.get(), Purpose.EXAMPLES, map(example_row, range(200)), target)
    return Situation([upload.pk], SMALL_BATCHES)


def samples_to_be_imported(url: str) -> Situation:
    """Of which some are in the pool already."""
    project = make_project()
    pool_of(project, map(sample_row, range(20)))
    upload = confirmed(project, Purpose.PRODUCTION_SAMPLES, map(sample_row, range(10, 210)), {})
    return Situation([upload.pk], SMALL_BATCHES)


def outputs_to_be_imported(url: str) -> Situation:
    version = make_version(make_project(), 200)
    rows = [{"id": f"example-{n}", "output": f"answer {n}"} for n in range(1, 201)]
    target = {"version": version.pk, "candidate_name": "recorded"}
    upload = confirmed(Project.objects.get(), Purpose.OUTPUTS, rows, target)
    return Situation([upload.pk], SMALL_BATCHES)


def labels_to_be_imported(url: str) -> Situation:
    """Of two people without accounts, who differ now and then, into a new round."""
    run = make_run(make_version(make_project(), 100))
    rows = [
        {"example_id": f"example-{n}", "reviewer": who, "error_types": ["Sulking"] if n % by == 0 else []}
        for n in range(1, 101)
        for who, by in (("first", 3), ("second", 6))
    ]
    target = {"round_name": "Elsewhere", "runs": [run.pk]}
    upload = confirmed(run.project, Purpose.LABELS, rows, target, makes_people=True, makes_types=True)
    return Situation([upload.pk], SMALL_BATCHES)


def labels_that_were_thrown_away(url: str) -> Situation:
    """After some of them came into a round that people work on."""
    situation = labels_to_be_imported(url)
    (shown,) = [make_round(run, labels_wanted=3) for run in Run.objects.all()]
    Upload.objects.update(target={"round": shown.pk})
    _store_batch(situation.arguments[0])
    Upload.objects.update(state=Upload.State.CANCELLED, finished_at=None)
    return Situation(situation.arguments, {"reviews.importing.labels.ERASED_AT_ONCE": 10})


def an_upload_that_was_thrown_away(url: str) -> Situation:
    """After all of its rows were stored, as the ends of the state machine allow at worst."""
    upload = pool_of(make_project(), map(sample_row, range(300)))
    Upload.objects.update(state=Upload.State.CANCELLED, finished_at=None)
    return Situation([upload.pk], {"evalhub.evalsets.importing.SAMPLES_ERASED_AT_ONCE": 10})


def a_draft_to_be_published(url: str) -> Situation:
    version = version_of(make_eval_set(make_project()), map(example_row, range(50)), publish=False)
    EvalSetVersion.objects.update(published_by=version.created_by)
    return Situation([version.pk])


def a_draw_to_be_filled(url: str) -> Situation:
    project = make_project()
    pool_of(project, map(sample_row, range(100)))
    version = begin_draw(make_eval_set(project), Plan(size=30, seed="7"), admin_of(project))
    return Situation([version.pk])


def a_corrected_version_to_be_filled(url: str) -> Situation:
    old = make_version(make_project(), 30)
    person = admin_of(old.eval_set.project)
    proposed = propose_correction(old.examples.earliest("position"), person, "Not 1.", "one")
    version = begin_version(old.eval_set, person)
    settle_proposals(proposed, version, person)
    return Situation([version.pk])


def a_version_without_facts(url: str) -> Situation:
    version = version_of(make_eval_set(make_project()), map(example_row, range(50)))
    EvalSetVersion.objects.update(facts={})
    return Situation([version.pk])


def a_version_with_a_hash_that_is_wrong(url: str) -> Situation:
    return Situation([make_version(make_project(), 2_000).pk])


def a_draft_that_was_deleted(url: str) -> Situation:
    version = version_of(make_eval_set(make_project()), map(example_row, range(300)), publish=False)
    EvalSetVersion.objects.update(state=EvalSetVersion.State.DELETING)
    return Situation([version.pk], {"evalhub.evalsets.versions.ERASED_AT_ONCE": 10})


def uploads_that_nobody_moves(url: str) -> Situation:
    """One stands still, one was forgotten by its person, and a folder belongs to none."""
    project = make_project()
    confirmed(project, Purpose.PRODUCTION_SAMPLES, map(sample_row, range(3)), {})
    forgotten = confirmed(project, Purpose.PRODUCTION_SAMPLES, map(sample_row, range(3)), {})
    Upload.objects.filter(pk=forgotten.pk).update(state=Upload.State.CHECKED)
    Upload.objects.update(moved_at=timezone.now() - timedelta(days=8))
    leave_behind(upload_folder() / ("0" * 32))
    return Situation()


def a_run_to_be_scored(url: str) -> Situation:
    run = make_run(make_version(make_project(), 400), answers=[str(n) if n % 3 else "none" for n in range(1, 401)])
    make_check(run.version)
    make_check(run.version, "Number", "number")
    return Situation([run.pk], {"evalhub.checks.scoring.BATCH": 20})


def a_check_for_old_runs(url: str) -> Situation:
    version = make_version(make_project(), 3)
    make_run(version)
    return Situation([make_check(version).pk], is_told_by_rows=False)


def runs_that_are_scored_and_not(url: str) -> Situation:
    version = make_version(make_project(), 3)
    check = make_check(version)
    scored, _ = make_run(version), make_run(version)
    for output in scored.outputs.all():
        make_score(output, check, passed=True)
    Run.objects.update(finished_at=timezone.now() - LONG_AGO)
    return Situation()


def a_run_to_find_in(url: str) -> Situation:
    """Of what one check says some verdicts are there, some of them without a reason any more; of another's there is
    none, and one output is what people passed."""
    run = make_run(make_version(make_project(), 40))
    types = list(ErrorType.objects.order_by("pk")[:2])
    checks = [make_check(run.version, name) for name in ("First", "Second")]
    outputs = list(run.outputs.order_by("pk"))
    for check, error_type, by in zip(checks, types, (2, 3), strict=True):
        for number, output in enumerate(outputs):
            make_score(output, check, passed=number % by > 0)
        CheckMeaning.objects.create(by=check, error_type=error_type)
        record_check_verdicts([output.pk for output in outputs[:20]])
    record_verdict(outputs[6], Verdict.Outcome.PASS)
    CheckMeaning.objects.filter(error_type=types[0]).delete()
    return Situation([run.pk], {"taxonomy.meanings.finding.BATCH": 3})


def runs_with_findings_and_without(url: str) -> Situation:
    """One is in line and is noted as that; of the other a message is sent."""
    run = make_run(make_version(make_project(), 3))
    make_run(run.version)
    check = make_check(run.version)
    CheckMeaning.objects.create(by=check, error_type=ErrorType.objects.earliest("pk"))
    make_score(run.outputs.earliest("pk"), check, passed=False)
    return Situation()


def an_eval_set_whose_meanings_changed(url: str) -> Situation:
    run = make_run(make_version(make_project(), 3))
    return Situation([run.version.eval_set_id], is_told_by_rows=False)


def a_round_to_be_filled(url: str) -> Situation:
    run = make_run(make_version(make_project(), 300))
    check = make_check(run.version)
    for number, output in enumerate(run.outputs.order_by("pk")):
        make_score(output, check, passed=number % 3 > 0)
    wanted = {Reason.FAILED_CHECK: 50, Reason.AUDIT: 30}
    planned = plan_round(run.project, "Disagreements", [run], wanted, run.started_by, seed="s")
    return Situation([planned.pk])


def an_export_to_be_prepared(url: str) -> Situation:
    run = make_run(make_version(make_project(), 2_000))
    run.outputs.update(created_at=datetime(2026, 1, 1, tzinfo=UTC))  # the file has it, so its size would be another
    return Situation([make_export(run).pk])


def exports_that_nobody_moves(url: str) -> Situation:
    """One waits, one lost a worker, one its third; one was kept for its days, and a folder belongs to none."""
    run = make_run(make_version(make_project(), 3))
    waiting, lost, given_up, old = (make_export(run) for _ in range(4))
    working = {"state": Export.State.WORKING, "token": 1}
    Export.objects.filter(pk=lost.pk).update(**working, attempts=1)
    Export.objects.filter(pk=given_up.pk).update(**working, attempts=3)
    Export.objects.filter(pk=old.pk).update(state=Export.State.DONE, created_at=timezone.now() - timedelta(days=8))
    Export.objects.update(moved_at=timezone.now() - LONG_AGO)
    for export in (waiting, old):
        export.folder.mkdir(parents=True)
        export.path.write_text("a row")
    leave_behind(old.folder.with_name("0" * 32))
    return Situation()


def make_export(run: Run) -> Export:
    return Export.objects.create(
        project=run.project,
        made_by=run.started_by,
        kind="outputs",
        format="jsonl",
        filters={"run": str(run.pk)},
        name="outputs.jsonl",
    )


def leave_behind(folder: Path) -> None:
    """A folder that nobody has touched for long."""
    folder.mkdir()
    (folder / "file").write_text("left behind")
    then = (timezone.now() - LONG_AGO).timestamp()
    os.utime(folder, (then, then))


def notices_to_be_found_and_sent(url: str) -> Situation:
    """A round waits for its people and is contested; the webhook of one person refuses, those of the others take it."""
    run = make_run(make_version(make_project(), 30))
    takes, refuses = url.replace("/v1", "/reset"), url.replace("/v1", "/no-such-page")
    people = [make_member(run.project, f"P{number}", Role.LEAD) for number in range(12)]
    for person in people:
        choose_notices(run.project, person, [], [Occasion.ASSIGNED, Occasion.CONTESTED], takes)
    NoticeChoice.objects.filter(person=people[0]).update(webhook_url=refuses)
    ReviewItem.objects.filter(round=make_round(run), order=1).update(status=ReviewItem.Status.CONTESTED)
    return Situation([], {"reviews.notices.sending.WEBHOOKS_AT_ONCE": 3})


SITUATIONS: dict[str, list[Callable[[str], Situation]]] = {
    "evalhub.runs.tasks.execute_chunks_task": [a_run_to_be_called, a_run_whose_calls_fail_at_first],
    "evalhub.runs.tasks.sweep_runs_task": [runs_that_lost_their_workers],
    "evalhub.evalsets.tasks.check_upload_task": [a_file_to_be_checked],
    "evalhub.evalsets.tasks.import_upload_task": [
        examples_to_be_imported,
        samples_to_be_imported,
        outputs_to_be_imported,
        labels_to_be_imported,
    ],
    "evalhub.evalsets.tasks.clear_upload_task": [an_upload_that_was_thrown_away, labels_that_were_thrown_away],
    "evalhub.evalsets.tasks.publish_version_task": [a_draft_to_be_published],
    "evalhub.evalsets.tasks.draw_version_task": [a_draw_to_be_filled, a_corrected_version_to_be_filled],
    "evalhub.evalsets.tasks.note_facts_task": [a_version_without_facts, a_version_with_a_hash_that_is_wrong],
    "evalhub.evalsets.tasks.erase_version_task": [a_draft_that_was_deleted],
    "evalhub.evalsets.tasks.sweep_uploads_task": [uploads_that_nobody_moves],
    "evalhub.checks.tasks.score_run_task": [a_run_to_be_scored],
    "evalhub.checks.tasks.score_check_task": [a_check_for_old_runs],
    "evalhub.checks.tasks.sweep_scores_task": [runs_that_are_scored_and_not],
    "evalhub.exports.tasks.prepare_export_task": [an_export_to_be_prepared],
    "evalhub.exports.tasks.sweep_exports_task": [exports_that_nobody_moves],
    "taxonomy.tasks.find_by_checks_task": [a_run_to_find_in],
    "taxonomy.tasks.find_in_eval_set_task": [an_eval_set_whose_meanings_changed],
    "taxonomy.tasks.sweep_findings_task": [runs_with_findings_and_without],
    "reviews.tasks.fill_round_task": [a_round_to_be_filled],
    "reviews.tasks.sweep_notices_task": [notices_to_be_found_and_sent],
}
