import pytest
from scipy.stats import binomtest

from taxonomy.breakdown.matrix import cause_rows, cell_of, failed_cells, finding_rows, newest_runs
from taxonomy.models import ErrorType
from taxonomy.settling import record_verdict
from tests.making import make_candidate, make_check, make_run, make_score, make_version


@pytest.fixture
def version(project):
    return make_version(project, 5)


@pytest.fixture
def types(project):
    ErrorType.objects.filter(project=project).delete()
    grounding = ErrorType.objects.create(project=project, code="grounding", name="Grounding", position=1)
    invented = ErrorType.objects.create(project=project, code="invented", name="Invented", position=2, parent=grounding)
    left_out = ErrorType.objects.create(project=project, code="left_out", name="Left out", position=3, parent=grounding)
    return grounding, invented, left_out


def rows_of(project, runs):
    return {
        row.error_type.code: [cell.count for cell in row.cells]
        for row in finding_rows(project, runs, failed_cells(runs))
    }


def test_an_output_counts_once_for_the_type_above(project, version, types):
    _, invented, left_out = types
    run = make_run(version)
    first, second, third, *_ = run.outputs.order_by("pk")
    record_verdict(first, "fail", [invented.pk])
    record_verdict(second, "fail", [invented.pk, left_out.pk])
    record_verdict(third, "pass")

    assert rows_of(project, [run]) == {"grounding": [2], "invented": [2], "left_out": [1]}
    (cell,) = failed_cells([run])
    assert (cell.count, cell.n) == (2, 3)


def test_candidates_stand_side_by_side(project, version, types):
    _, invented, _ = types
    runs = [make_run(version, "a"), make_run(version, "b")]
    record_verdict(runs[1].outputs.first(), "fail", [invented.pk])

    assert rows_of(project, runs)["invented"] == [0, 1]


def test_a_cell_has_the_wilson_interval_of_its_share(version):
    cell = cell_of(make_run(version), 3, 12)

    low, high = binomtest(3, 12).proportion_ci(method="wilson")
    assert (cell.share, cell.low, cell.high) == (0.25, low, high)


def test_none_seen_has_an_upper_bound_and_nothing_read_has_no_figure(version):
    run = make_run(version)

    assert cell_of(run, 0, 59).high == pytest.approx(1 - 0.025 ** (1 / 59))  # Clopper and Pearson, 0.0606
    assert cell_of(run, 0, 0).share is None


def test_only_the_newest_run_of_a_candidate_shows_and_the_baseline_first(project, version):
    make_run(version, "z-model")
    newest = make_run(version, "z-model")
    cancelled = make_run(version, "z-model")
    cancelled.state = "cancelled"
    cancelled.save()
    baseline = make_run(version, make_candidate(project, "zz-old", is_baseline=True))

    assert newest_runs(version) == [baseline, newest]


def test_causes_are_counted_of_what_a_check_could_judge(version):
    run = make_run(version)
    check = make_check(version, kind="equals")
    outputs = list(run.outputs.order_by("pk"))
    make_score(outputs[0], check, passed=False, cause="different")
    make_score(outputs[1], check, passed=False, cause="different")
    make_score(outputs[2], check, passed=True)
    skipped = make_score(outputs[3], check, passed=True)
    skipped.outcome = "skipped"
    skipped.save()

    (row,) = cause_rows([run])
    (cell,) = row.cells
    assert (row.check_name, row.cause, cell.count, cell.n) == ("Equal", "different", 2, 3)


@pytest.mark.parametrize("runs", [1, 6])
def test_the_breakdown_takes_the_same_queries_for_any_number_of_candidates(
    project, version, types, runs, django_assert_num_queries
):
    made = [make_run(version, f"model-{number}") for number in range(runs)]

    with django_assert_num_queries(4):  # verdicts, error types, findings, causes
        finding_rows(project, made, failed_cells(made))
        cause_rows(made)
