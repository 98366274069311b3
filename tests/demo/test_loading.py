"""What a second start of the demo waits for: its own runs and checks, not those that people added since."""

from __future__ import annotations

import pytest

from demo.loading import CHECKS, EVAL_SET, MODELS, PROJECT, demo_runs, runs_finished, scores_are_there
from evalhub.projects.joining import found_project
from evalhub.runs.models import Run
from tests.making import make_check, make_run, make_score, make_version


@pytest.fixture
def version(admin):
    return make_version(found_project(admin, PROJECT, ""), 2, name=EVAL_SET)


@pytest.fixture
def runs(version):
    return [make_run(version, name) for name, _, _ in MODELS]


def score_all(runs, check) -> None:
    for run in runs:
        for output in run.outputs.all():
            make_score(output, check, passed=True)


def test_the_scores_of_the_demos_own_runs_are_waited_for(version, runs):
    checks = [make_check(version, name, kind) for name, kind, _ in CHECKS]
    score_all(runs, checks[0])
    score_all(runs, checks[1])
    score_all(runs[:3], checks[2])
    assert not scores_are_there()

    score_all(runs[3:], checks[2])

    assert scores_are_there()


def test_what_people_ran_and_added_since_is_not_waited_for(version, runs):
    score_all(runs, make_check(version, CHECKS[0][0], CHECKS[0][1]))
    own = make_version(version.eval_set.project, 3, name="Own")
    make_check(own, "Own check")
    make_check(version, "Another check")
    make_run(own, MODELS[0][0])
    Run.objects.filter(pk=make_run(version, MODELS[0][0]).pk).update(state="paused", finished_at=None)
    make_run(version, "own candidate")

    assert demo_runs() == runs
    assert runs_finished()
    assert scores_are_there()
