import pytest

from reviews.models import Reason, ReviewItem
from reviews.rounds import fill_round, plan_round
from tests.making import make_candidate, make_check, make_run, make_score, make_version


@pytest.fixture
def version(project):
    return make_version(project, 10)


@pytest.fixture
def scored_run(version):
    """Outputs 1 to 4 fail the check, 5 to 10 pass it."""
    run = make_run(version)
    check = make_check(version)
    for number, output in enumerate(run.outputs.order_by("pk"), start=1):
        make_score(output, check, passed=number > 4)
    return run


def fill(project, lead, runs, wanted, seed="s"):
    planned = plan_round(project, "Round", runs, wanted, lead, seed=seed)
    fill_round(planned.pk)
    return planned


def test_a_round_of_failed_checks_holds_exactly_those(project, lead, scored_run):
    made = fill(project, lead, [scored_run], {Reason.FAILED_CHECK: None})

    failed = list(scored_run.outputs.order_by("pk")[:4])
    assert sorted(made.items.values_list("output", flat=True)) == [output.pk for output in failed]
    assert set(made.items.values_list("inclusion_probability", flat=True)) == {1.0}


def test_an_audit_takes_a_part_of_what_passed_and_stores_the_chance(project, lead, scored_run):
    made = fill(project, lead, [scored_run], {Reason.AUDIT: 3})

    assert made.items.count() == 3
    passed = set(scored_run.outputs.order_by("pk").values_list("pk", flat=True)[4:])
    assert set(made.items.values_list("output", flat=True)) <= passed
    assert set(made.items.values_list("inclusion_probability", flat=True)) == {0.5}


def test_outputs_that_differ_from_the_baseline_are_found(project, lead, version):
    make_run(version, make_candidate(project, "old", is_baseline=True))
    same = [str(number) for number in range(1, 11)]
    candidate = make_run(version, "new", [*same[:8], "nine", "ten"])

    made = fill(project, lead, [candidate], {Reason.DIFFERS: None})

    keys = made.items.order_by("output").values_list("output__example__key", flat=True)
    assert list(keys) == ["example-9", "example-10"]


def test_an_output_is_in_a_round_once_with_every_reason(project, lead, version, scored_run):
    make_run(version, make_candidate(project, "old", is_baseline=True), ["other"] * 10)

    made = fill(project, lead, [scored_run], {Reason.FAILED_CHECK: None, Reason.DIFFERS: None})

    assert made.items.count() == 10
    first = made.items.get(output=scored_run.outputs.order_by("pk").first())
    assert first.reasons == [Reason.FAILED_CHECK, Reason.DIFFERS]


def test_filling_twice_changes_nothing(project, lead, scored_run):
    made = fill(project, lead, [scored_run], {Reason.FAILED_CHECK: None, Reason.AUDIT: 2})
    before = list(made.items.order_by("pk").values_list("pk", "output"))

    fill_round(made.pk)

    assert list(ReviewItem.objects.order_by("pk").values_list("pk", "output")) == before


def test_the_same_seed_chooses_the_same_outputs(project, lead, scored_run):
    rounds = [fill(project, lead, [scored_run], {Reason.AUDIT: 3}, seed) for seed in ("a", "a", "b", "c", "d")]

    chosen = [frozenset(made.items.values_list("output", flat=True)) for made in rounds]
    assert chosen[0] == chosen[1]
    assert len(set(chosen)) > 1
