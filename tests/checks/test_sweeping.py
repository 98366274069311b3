from datetime import timedelta

import pytest
from django.utils import timezone

from evalhub.checks import sweeping
from evalhub.checks.models import CompleteScoring
from evalhub.checks.scoring import score_run
from evalhub.checks.sweeping import runs_to_score
from evalhub.runs.models import Output, Run
from tests.making import make_check, make_run, make_version


@pytest.fixture
def version(project):
    return make_version(project, 2)


def finish_long_ago(run, minutes=10):
    run.finished_at = timezone.now() - timedelta(minutes=minutes)
    run.save()


def test_runs_with_unscored_outputs_are_found_the_newest_first(version):
    old, new = make_run(version), make_run(version)
    make_run(make_version(version.eval_set.project, 1, name="Without checks"))
    make_check(version)

    assert runs_to_score() == [new.pk, old.pk]
    score_run(new)
    assert runs_to_score() == [old.pk]


def test_a_run_that_is_over_and_scored_is_looked_at_once(version, django_assert_num_queries):
    run = make_run(version)
    finish_long_ago(run)
    check = make_check(version)
    score_run(run)

    assert runs_to_score() == []

    assert CompleteScoring.objects.get().by == check
    with django_assert_num_queries(1):
        assert runs_to_score() == []


def test_a_run_that_is_not_over_or_only_just_is_looked_at_again(version):
    run, other = make_run(version), make_run(version, "other-model")
    Run.objects.filter(pk=other.pk).update(state=Run.State.RUNNING, finished_at=None)
    make_check(version)
    score_run(run)
    score_run(other)

    assert runs_to_score() == []

    assert not CompleteScoring.objects.exists()
    straggler = make_version(version.eval_set.project, 1).examples.get()
    Output.objects.create(run=run, example=straggler, text="late")
    assert runs_to_score() == [run.pk]


def test_a_new_check_makes_a_scored_run_due_again(version):
    run = make_run(version)
    finish_long_ago(run)
    make_check(version)
    score_run(run)
    runs_to_score()

    make_check(version, "Short")

    assert runs_to_score() == [run.pk]


def test_a_run_that_is_taken_up_again_is_looked_at_again(version):
    run = make_run(version)
    finish_long_ago(run, minutes=20)
    make_check(version)
    score_run(run)
    runs_to_score()
    run.outputs.first().delete()
    Output.objects.create(run=run, example=version.examples.first(), text="again")
    finish_long_ago(run, minutes=10)

    assert runs_to_score() == [run.pk]
    score_run(run)
    assert runs_to_score() == []
    assert CompleteScoring.objects.get().finished_at == run.finished_at


def test_one_sweep_looks_at_no_more_than_it_may_and_the_next_goes_on(version, monkeypatch):
    monkeypatch.setattr(sweeping, "MOST_LOOKS", 2)
    runs = [make_run(version) for _ in range(3)]
    make_check(version)
    for run in runs[1:]:
        finish_long_ago(run)
        score_run(run)

    assert runs_to_score() == []
    assert runs_to_score() == [runs[0].pk]


def test_one_sweep_finds_no_more_than_it_may(version, monkeypatch):
    monkeypatch.setattr(sweeping, "MOST_RUNS", 2)
    runs = [make_run(version) for _ in range(3)]
    make_check(version)

    assert runs_to_score() == [runs[2].pk, runs[1].pk]
