"""What brings verdicts in line without anybody asking: messages, sweeps, checks that are added or retired, retries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from evalhub.checks.keeping import add_check, replace_check, retire_check
from evalhub.checks.models import CompleteScoring
from evalhub.checks.scoring import score_run
from evalhub.checks.sweeping import runs_to_score
from evalhub.runs.models import Output, Run
from evalhub.runs.pausing import StateError, retry_failed
from reviews.labelling import record_label
from taxonomy.meanings.finding import due_outputs, find_by_checks
from taxonomy.meanings.notes import how_far
from taxonomy.meanings.sweeping import runs_to_find_in
from taxonomy.models import CheckMeaning, ErrorType, Finding, FindingNote, Verdict
from taxonomy.tasks import find_in_eval_set_task, sweep_findings_task
from tests.making import admin_of, assessed, make_check, make_round, make_run, make_version
from tests.serving.waiting import wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(project):
    """Three answers: the first is JSON. It was over long ago."""
    made = make_run(make_version(project, 3), answers=['{"a": 1}', "{", "no"])
    Run.objects.filter(pk=made.pk).update(finished_at=timezone.now() - timedelta(hours=1))
    made.refresh_from_db()
    return made


@pytest.fixture
def scored(run, lead):
    check = add_check(run.version.eval_set, "valid_json", "Valid JSON", {}, lead)
    score_run(run)
    return check


def found(run):
    return [
        ", ".join(output.verdict.findings.values_list("error_type__code", flat=True)) if is_there(output) else ""
        for output in run.outputs.order_by("pk")
    ]


def is_there(output):
    return Verdict.objects.filter(output=output).exists()


def test_a_sweep_finds_what_no_message_led_to(run, scored):
    assert runs_to_find_in() == [run.pk]

    find_by_checks(run)

    assert found(run) == ["", "broken_format", "broken_format"]
    assert runs_to_find_in() == []


def test_a_sweep_with_nothing_to_do_reads_notes_only(run, scored, django_assert_num_queries):
    find_by_checks(run)
    assert runs_to_score() == []  # and notes that all is scored
    assert CompleteScoring.objects.count() == 1
    assert runs_to_find_in() == []

    with django_assert_num_queries(1):
        assert runs_to_find_in() == []


def test_a_run_that_may_still_get_scores_is_looked_at_each_time(run, scored):
    find_by_checks(run)  # nobody has noted yet that all is scored
    Verdict.objects.all().delete()

    assert runs_to_find_in() == [run.pk]


def test_the_message_of_a_finished_run_is_not_missed_however_late_its_scores_come(run, scored):
    """Noted as in line before a score came: it is looked at again until the scoring is known to be complete."""
    scores = list(scored.scores.all())
    scored.scores.all().delete()
    assert runs_to_find_in() == []
    for score in scores:
        score.save(force_insert=True)

    assert runs_to_find_in() == [run.pk]


@pytest.mark.parametrize("change", ["meaning", "retired"])
def test_a_note_is_void_once_meanings_change(run, scored, lead, change):
    find_by_checks(run)
    runs_to_score()
    runs_to_find_in()
    assert how_far(run.version.eval_set) == (1, 1)

    if change == "meaning":
        CheckMeaning.objects.filter(cause="invalid_json").delete()
    else:
        retire_check(scored, lead)

    assert how_far(run.version.eval_set) == (0, 1)
    assert runs_to_find_in() == [run.pk]


def test_a_check_that_replaces_another_finds_the_same(run, scored, lead):
    find_by_checks(run)

    replace_check(scored, "Valid JSON", {"fence": "report"}, lead)
    assert find_by_checks(run) == 2
    assert found(run) == ["", "", ""]  # what the old check said counts no more
    score_run(run)
    find_by_checks(run)

    assert found(run) == ["", "broken_format", "broken_format"]


@pytest.mark.django_db(transaction=True)
def test_workers_find_what_was_scored_and_take_back_what_was_retired(celery_worker, run, lead):
    check = add_check(run.version.eval_set, "valid_json", "Valid JSON", {}, lead)
    wait_until(lambda: Verdict.objects.count() == 2, 30)
    assert found(run) == ["", "broken_format", "broken_format"]

    retire_check(check, lead)
    wait_until(lambda: Verdict.objects.count() == 0, 30)

    again = add_check(run.version.eval_set, "valid_json", "Valid JSON", {}, lead)
    wait_until(lambda: Verdict.objects.count() == 2, 30)
    CheckMeaning.objects.filter(by=again).delete()
    find_in_eval_set_task.delay(run.version.eval_set_id)
    wait_until(lambda: Verdict.objects.count() == 0, 30)


@pytest.mark.django_db(transaction=True)
def test_a_sweep_by_workers_brings_in_line(celery_worker, run, lead):
    check = make_check(run.version, "Valid JSON", "valid_json")
    score_run(run)
    CheckMeaning.objects.create(by=check, error_type=ErrorType.objects.get(project=run.project, code="broken_format"))

    sweep_findings_task.delay()

    wait_until(lambda: Verdict.objects.count() == 2, 30)


def called(run):
    """The run as one that was called, its last two outputs failed."""
    Run.objects.filter(pk=run.pk).update(source="called", plan={"max_in_flight": 1})
    failed = run.outputs.order_by("pk")[1:]
    Output.objects.filter(pk__in=[output.pk for output in failed]).update(text="", error_cause="timeout", error="late")
    run.refresh_from_db()


def test_missing_answers_are_found_and_asked_again(run, lead):
    """What a check alone found of them is no word of people, and goes with them."""
    called(run)
    add_check(run.version.eval_set, "equals", "Equal", {}, lead)
    score_run(run)
    find_by_checks(run)
    assert found(run) == ["", "no_answer", "no_answer"]

    assert retry_failed(run, lead) == 2

    assert run.outputs.count() == 1
    assert not Verdict.objects.exists() and not Finding.objects.exists()


def test_a_missing_answer_that_people_settled_stays(run, lead, reviewer):
    called(run)
    add_check(run.version.eval_set, "equals", "Equal", {}, lead)
    score_run(run)
    find_by_checks(run)
    for item in make_round(run).items.all():
        record_label(item, reviewer, assessed("fail", note="nothing there"))

    with pytest.raises(StateError, match="people have already reviewed"):
        retry_failed(run, lead)

    assert found(run) == ["", "no_answer", "no_answer"]
    call_command("check_verdicts")


def test_a_check_of_another_eval_set_says_nothing_here(run, scored, project):
    other = make_check(make_version(project, 1, name="Other"), "JSON", "valid_json")
    CheckMeaning.objects.create(by=other, error_type=ErrorType.objects.filter(project=project)[0])
    find_by_checks(run)

    assert due_outputs(run) == []
    assert FindingNote.objects.count() == 1
    assert admin_of(project)
