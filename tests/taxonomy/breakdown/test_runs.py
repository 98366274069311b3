"""Which run stands for each candidate."""

import pytest

from taxonomy.breakdown.filters import FilterError, Filters
from taxonomy.breakdown.runs import chosen_runs, compared_versions, version_of
from taxonomy.models import CheckMeaning, ErrorType
from taxonomy.settling import record_check_verdicts, record_verdict
from tests.making import make_candidate, make_check, make_run, make_score, make_version


@pytest.fixture
def version(project):
    return make_version(project, 3)


def run_in(version, state="finished", settled=False, name="a"):
    run = make_run(version, name)
    run.state = state
    run.save()
    if settled:
        record_verdict(run.outputs.first(), "pass")
    return run


def shown(version, **filters):
    return chosen_runs(version, Filters(**filters)).runs


def test_the_newest_run_stands_for_its_candidate_and_the_baseline_comes_first(project, version):
    run_in(version, name="z")
    newest = run_in(version, name="z")
    run_in(version, "cancelled", name="z")
    baseline = make_run(version, make_candidate(project, "zz-old", is_baseline=True))

    assert shown(version) == [baseline, newest]


def test_a_run_that_people_settled_is_not_replaced_by_one_that_nobody_read(version):
    settled = run_in(version, settled=True)
    newer = run_in(version)

    chosen = chosen_runs(version, Filters())
    assert chosen.runs == [settled]
    assert chosen.newer == [(settled, newer)]
    assert chosen_runs(version, Filters(runs=(newer.pk,))).settled_elsewhere == [(newer, settled)]


def test_what_checks_found_alone_settles_nothing(project, version):
    older = run_in(version)
    check = make_check(version)
    CheckMeaning.objects.create(by=check, error_type=ErrorType.objects.in_project(project).first())
    make_score(older.outputs.first(), check, passed=False)
    record_check_verdicts([older.outputs.first().pk])
    newer = run_in(version)

    assert shown(version) == [newer]


@pytest.mark.parametrize(
    ("older", "newer", "stands"),
    [
        (("finished", False), ("paused", False), "older"),
        (("finished", False), ("running", True), "older"),
        (("finished", True), ("finished", True), "newer"),
        (("paused", True), ("finished", False), "older"),
        (("paused", True), ("finished", True), "newer"),
        (("paused", False), ("running", False), "newer"),
        (("running", False), ("finished", False), "newer"),
        (("finished", False), ("cancelled", True), "older"),
    ],
)
def test_no_run_replaces_one_that_has_what_it_lacks(version, older, newer, stands):
    runs = {"older": run_in(version, *older), "newer": run_in(version, *newer)}

    assert shown(version) == [runs[stands]]


def test_a_run_asked_for_takes_the_place_and_two_of_one_candidate_stand_side_by_side(version):
    first, second = run_in(version), run_in(version)

    assert shown(version, runs=(first.pk,)) == [first]
    assert shown(version, runs=(first.pk, second.pk)) == [first, second]


def test_an_archived_candidate_shows_only_when_its_run_is_asked_for(version):
    run = run_in(version)
    run.candidate.archived_at = run.created_at
    run.candidate.save()

    assert shown(version) == []
    assert shown(version, runs=(run.pk,)) == [run]


def test_runs_of_another_version_are_refused(project, version):
    other = run_in(make_version(project, 2))

    with pytest.raises(FilterError, match=f"Run {other.pk} is not over"):
        chosen_runs(version, Filters(runs=(other.pk,)))


def test_without_a_version_that_of_the_runs_asked_for_counts_and_else_the_newest_runs(project, version):
    run = run_in(version)
    newer = run_in(make_version(project, 2)).version
    versions = compared_versions(project)

    assert versions == [newer, version]
    assert version_of(project, Filters(), versions) == newer
    assert version_of(project, Filters(runs=(run.pk,)), versions) == version


@pytest.mark.parametrize("runs", [1, 5])
def test_the_choice_takes_one_query_for_any_number_of_runs(version, runs, django_assert_num_queries):
    for number in range(runs):
        run_in(version, settled=number == 0)

    with django_assert_num_queries(1):
        chosen_runs(version, Filters())
