"""The figures of a breakdown, on cases that are counted by hand."""

import json

import pytest
from scipy.stats import binomtest

from evalhub.checks.models import CompleteScoring, Score
from evalhub.runs.figures import keep_figures
from evalhub.runs.models import Output
from reviews.labelling import record_label
from taxonomy.breakdown.data import breakdown_of
from taxonomy.breakdown.filters import Estimated, FilterError, Filters, Sources
from taxonomy.models import CheckMeaning, ErrorType, SeverityWeights, Source, Verdict
from taxonomy.settling import record_check_verdicts, record_verdict, withdraw_verdict
from taxonomy.statistics.clusters import robust
from taxonomy.statistics.weighting import Group, hajek
from taxonomy.versions import VersionError, record_change
from tests.making import assessed, make_check, make_round, make_run, make_score, make_version, numbered
from tests.taxonomy.breakdown.making import make_scene, make_types

ALL = Estimated.ALL


@pytest.fixture
def version(project):
    return make_version(project, 6)


@pytest.fixture
def types(project):
    return make_types(project)


def counts(project, source=Source.PEOPLE, column=0, **filters):
    """code -> (own, rolled up) counts of one column."""
    found = breakdown_of(project, Filters(**filters))
    pairs = {row.code: row.pairs[source][column] for row in found.rows}
    return {code: (pair.own.count, pair.rolled.count) for code, pair in pairs.items()}


def sizes(project, source=Source.CHECK, **filters):
    """code -> n of what is rolled up, of the first column."""
    found = breakdown_of(project, Filters(**filters))
    return {row.code: row.pairs[source][0].rolled.n for row in found.rows}


def outputs_of(run):
    return list(run.outputs.order_by("pk"))


def test_an_output_counts_once_in_the_row_above(project, version, types):
    first, second, third, *_ = outputs_of(make_run(version))
    record_verdict(first, "fail", [types["invented"].pk])
    record_verdict(second, "fail", [types["invented"].pk, types["left_out"].pk])
    record_verdict(third, "pass")

    assert counts(project) == {"grounding": (0, 2), "invented": (2, 2), "left_out": (1, 1), "format": (0, 0)}
    (column,) = breakdown_of(project, Filters()).columns
    assert (column.settled, column.failed.count, column.failed.n, column.outputs) == (3, 2, 3, 6)


def test_a_rate_has_wilsons_interval_and_none_seen_an_upper_bound(project, version, types):
    outputs = outputs_of(make_run(version))
    record_verdict(outputs[0], "fail", [types["format"].pk])
    for output in outputs[1:4]:
        record_verdict(output, "pass")

    rows = {row.code: row.pairs[Source.PEOPLE][0].rolled for row in breakdown_of(project, Filters()).rows}
    interval = binomtest(1, 4).proportion_ci(method="wilson")
    assert (rows["format"].share, rows["format"].low, rows["format"].high) == pytest.approx((0.25, *interval))
    assert (rows["grounding"].share, rows["grounding"].is_at_most) == (0, True)
    assert rows["grounding"].high == pytest.approx(1 - 0.025 ** (1 / 4))


def test_where_nothing_is_settled_there_is_no_figure(project, version, types):
    make_run(version)

    (column,) = breakdown_of(project, Filters()).columns
    assert (column.failed.n, column.failed.share, column.weighted, column.found.share) == (0, None, None, None)


def test_people_and_checks_have_an_n_of_their_own(project, version, types):
    """The check judged four of six and failed two; people settled one of these as pass, and another one as fail."""
    check = make_check(version)
    CheckMeaning.objects.create(by=check, error_type=types["invented"])
    outputs = outputs_of(make_run(version))
    for place in range(4):
        make_score(outputs[place], check, passed=place > 1)
    skipped = make_score(outputs[4], check, passed=True)
    Score.objects.filter(pk=skipped.pk).update(outcome="skipped")
    record_check_verdicts([output.pk for output in outputs])
    record_verdict(outputs[0], "pass")
    record_verdict(outputs[2], "fail", [types["format"].pk])

    assert counts(project, Source.CHECK) == {
        "grounding": (0, 1), "invented": (1, 1), "left_out": (0, 0), "format": (0, 0),
    }  # fmt: skip
    assert sizes(project) == {"grounding": 4, "invented": 4, "left_out": 0, "format": 0}
    (column,) = breakdown_of(project, Filters()).columns
    assert (column.found.count, column.found.n) == (1, 4)
    assert (column.settled, column.failed.count) == (2, 1)
    assert counts(project)["format"] == (1, 1)


def test_several_checks_of_one_type_count_an_output_once(project, version, types):
    """Of six outputs one check judged the first three, another one the second to the fourth."""
    checks = [make_check(version, name) for name in ("a", "b")]
    outputs = outputs_of(make_run(version))
    for number, check in enumerate(checks):
        CheckMeaning.objects.create(by=check, error_type=types["invented" if number else "left_out"])
        for output in outputs[number : number + 3]:
            make_score(output, check, passed=False)
    record_check_verdicts([output.pk for output in outputs])

    assert sizes(project) == {"grounding": 4, "invented": 3, "left_out": 3, "format": 0}
    assert counts(project, Source.CHECK)["grounding"] == (0, 4)


@pytest.mark.parametrize("is_noted", [True, False])
def test_what_a_check_judged_is_the_same_when_the_scoring_was_noted_as_complete(project, version, types, is_noted):
    check = make_check(version)
    CheckMeaning.objects.create(by=check, error_type=types["format"])
    run = make_run(version)
    for place, output in enumerate(outputs_of(run)):
        score = make_score(output, check, passed=True)
        if place == 5:
            Score.objects.filter(pk=score.pk).update(outcome="skipped")
    if is_noted:
        keep_figures([run.pk])
        CompleteScoring.objects.create(run=run, by=check, finished_at=run.finished_at)

    assert sizes(project)["format"] == 5


def test_a_retired_check_has_no_n_and_its_findings_do_not_break_the_page(project, version, types):
    check = make_check(version)
    CheckMeaning.objects.create(by=check, error_type=types["format"])
    output = outputs_of(make_run(version))[0]
    make_score(output, check, passed=False)
    record_check_verdicts([output.pk])
    check.retired_at = output.created_at
    check.save()

    cell = next(row for row in breakdown_of(project, Filters()).rows if row.code == "format").pairs[Source.CHECK][0]
    assert (cell.rolled.count, cell.rolled.n) == (1, 1)


def test_the_severity_weighted_rate_takes_the_worst_finding_of_each_output(project, version, types):
    """Critical 20, minor 2, without a type as minor, and a pass: 24 over 4."""
    SeverityWeights.objects.create(project=project, minor=2, major=5, critical=20)
    outputs = outputs_of(make_run(version))
    record_verdict(outputs[0], "fail", [types["format"].pk, types["left_out"].pk])
    record_verdict(outputs[1], "fail", [types["left_out"].pk])
    record_verdict(outputs[2], "fail")
    record_verdict(outputs[3], "pass")

    (column,) = breakdown_of(project, Filters()).columns
    assert column.weighted.rate.value == 6.0
    assert column.weighted.as_json()["counts"] == {"minor": 1, "major": 0, "critical": 1, "none": 1}
    assert column.failed.share == 0.75


def test_as_of_an_older_version_what_it_does_not_know_has_a_row_of_its_own(project, version, types):
    output = outputs_of(make_run(version))[0]
    added = ErrorType.objects.create(project=project, code="added", name="Added", position=9)
    made = record_change(project, "Added “Added”", None)
    record_verdict(output, "fail", [added.pk])

    now = {row.code: row.pairs[Source.PEOPLE][0].rolled.count for row in breakdown_of(project, Filters()).rows}
    assert now == {"grounding": 0, "invented": 0, "left_out": 0, "format": 0, "added": 1}
    before = breakdown_of(project, Filters(as_of=made.number - 1)).rows[-1]
    assert (before.key, before.name, before.pairs[Source.PEOPLE][0].rolled.count) == (None, "Not in this version", 1)


def test_merged_types_count_together_and_as_of_before_apart(project, version, types):
    """One output has both: the union is two outputs, not three."""
    outputs = outputs_of(make_run(version))
    record_verdict(outputs[0], "fail", [types["invented"].pk, types["left_out"].pk])
    record_verdict(outputs[1], "fail", [types["left_out"].pk])
    before = breakdown_of(project, Filters()).as_json()
    number = before["taxonomy_version"]
    as_of = json.dumps(breakdown_of(project, Filters(as_of=number)).as_json())
    ErrorType.objects.filter(pk=types["left_out"].pk).update(
        merged_into=types["invented"].pk, retired_at=types["left_out"].created_at
    )
    record_change(project, "Merged", None)

    assert counts(project)["invented"] == (2, 2)
    assert "left_out" not in counts(project)
    assert json.dumps(breakdown_of(project, Filters(as_of=number)).as_json()) == as_of


def test_equal_data_give_equal_bytes(project):
    make_scene(project)
    filters = Filters(estimate=ALL)

    assert json.dumps(breakdown_of(project, filters).as_json()) == json.dumps(breakdown_of(project, filters).as_json())


def test_a_label_is_in_the_figures_at_once(project, lead, version, types):
    run = make_run(version)
    item = make_round(run).items.earliest("order")
    assert counts(project)["format"] == (0, 0)

    record_label(item, lead, assessed("fail", [types["format"]], ""))
    assert counts(project)["format"] == (1, 1)

    withdraw_verdict(item.output)
    assert counts(project)["format"] == (0, 0)


def test_estimates_are_hajeks_of_what_was_read(project, version, types):
    """Two of two certain ones failed, one of two with a chance of 1 in 4: (2 + 4) / (2 + 8) = 0.6."""
    outputs = outputs_of(make_run(version))
    for place, (outcome, chance) in enumerate([("fail", 1), ("fail", 1), ("fail", 0.25), ("pass", 0.25)]):
        record_verdict(outputs[place], outcome, [types["format"].pk] if outcome == "fail" else [], chance)

    (column,) = breakdown_of(project, Filters(estimate=ALL)).columns
    assert column.failed.estimated.share == pytest.approx(0.6)
    assert column.failed.estimated == hajek([Group(1.0, 2, 2), Group(0.25, 2, 1)])
    assert column.failed.share == 0.75
    (plain,) = breakdown_of(project, Filters()).columns
    assert plain.failed.estimated is None


def test_an_unknown_chance_gives_no_estimate_and_is_counted(project, version, types):
    outputs = outputs_of(make_run(version))
    record_verdict(outputs[0], "fail", [types["format"].pk], 0.5)
    record_verdict(outputs[1], "pass")

    (column,) = breakdown_of(project, Filters(estimate=ALL)).columns
    assert (column.unknown, column.failed.estimated) == (1, None)


def test_a_stratum_of_which_nobody_read_any_is_named_and_there_is_no_total(project, version, types):
    """Two failed the check, three passed it, one was not judged. First only a failed one is read, then one of each."""
    check = make_check(version)
    outputs = outputs_of(make_run(version))
    for place in range(5):
        make_score(outputs[place], check, passed=place > 1)
    record_verdict(outputs[0], "fail", [types["format"].pk], 0.5)

    (column,) = breakdown_of(project, Filters(estimate=ALL)).columns
    assert [str(each) for each in column.unread] == [
        "passed every check that could judge it",
        "was judged by no check",
    ]
    assert column.failed.estimated is None

    record_verdict(outputs[3], "pass", [], 0.2)
    record_verdict(outputs[5], "pass", [], 0.2)
    (column,) = breakdown_of(project, Filters(estimate=ALL)).columns
    assert (list(column.unread), column.failed.estimated.share) == ([], pytest.approx(2 / 12))


def test_a_missing_answer_is_of_those_that_failed(project, version, types):
    outputs = outputs_of(make_run(version))
    Output.objects.filter(pk=outputs[0].pk).update(error_cause="timeout")
    record_verdict(outputs[1], "pass", [], 1.0)

    (column,) = breakdown_of(project, Filters(estimate=ALL)).columns
    assert [str(each) for each in column.unread] == ["failed a check"]


def test_a_round_and_a_tag_narrow_what_counts(project, types):
    rows = [numbered(n) | {"tags": ["even"] if n % 2 == 0 else []} for n in range(1, 7)]
    run = make_run(make_version(project, rows))
    outputs = outputs_of(run)
    for output in outputs[:4]:
        record_verdict(output, "fail", [types["format"].pk])
    made = make_round(run)
    made.items.exclude(output__in=[outputs[0].pk, outputs[1].pk]).delete()

    assert counts(project)["format"] == (4, 4)
    assert counts(project, tag="even")["format"] == (2, 2)
    assert counts(project, round=made.pk)["format"] == (2, 2)
    assert counts(project, round=made.pk, tag="even")["format"] == (1, 1)
    assert breakdown_of(project, Filters(round=made.pk)).round_name == "Disagreements"


def test_a_tag_narrows_what_the_checks_judged(project, types):
    rows = [numbered(n) | {"tags": ["even"] if n % 2 == 0 else []} for n in range(1, 7)]
    version = make_version(project, rows)
    check = make_check(version)
    CheckMeaning.objects.create(by=check, error_type=types["format"])
    for output in outputs_of(make_run(version)):
        make_score(output, check, passed=True)

    assert sizes(project)["format"] == 6
    assert sizes(project, tag="even")["format"] == 3


def test_examples_of_one_cluster_widen_the_interval(project, types):
    """Two conversations of three examples each: all of one fail, none of the other."""
    rows = [numbered(n) | {"cluster": "a" if n < 4 else "b"} for n in range(1, 7)]
    for place, output in enumerate(outputs_of(make_run(make_version(project, rows)))):
        record_verdict(output, "fail" if place < 3 else "pass", [types["invented"].pk] if place < 3 else [])

    found = breakdown_of(project, Filters())
    (column,) = found.columns
    expected = robust([(3, 3), (0, 3)])
    assert (column.failed.low, column.failed.high, column.failed.clusters) == (expected.low, expected.high, 2)
    rows = {row.code: row.pairs[Source.PEOPLE][0].rolled for row in found.rows}
    assert (rows["grounding"].low, rows["grounding"].high) == (expected.low, expected.high)
    none = robust([(0, 3), (0, 3)])
    assert (rows["format"].count, rows["format"].high) == (0, none.high)
    assert (found.spread.has_clusters, found.spread.are_few) == (True, True)


def test_repeats_of_an_example_are_a_cluster_too(project, types):
    run = make_run(make_version(project, 2))
    run.repeats = 2
    run.save()
    for output in outputs_of(run):
        Output.objects.create(run=run, example=output.example, repeat=2, text="again")
    for output in outputs_of(run):
        is_first = output.example.key == "example-1"
        record_verdict(output, "fail" if is_first else "pass", [types["format"].pk] if is_first else [])

    (column,) = breakdown_of(project, Filters()).columns
    expected = robust([(2, 2), (0, 2)])
    assert (column.failed.share, column.failed.low, column.failed.clusters) == (0.5, expected.low, 2)


def test_checks_know_of_clusters_as_well(project, types):
    rows = [numbered(n) | {"cluster": "a" if n < 4 else "b"} for n in range(1, 7)]
    version = make_version(project, rows)
    check = make_check(version)
    CheckMeaning.objects.create(by=check, error_type=types["invented"])
    outputs = outputs_of(make_run(version))
    for place, output in enumerate(outputs):
        make_score(output, check, passed=place > 1)
    record_check_verdicts([output.pk for output in outputs])

    (column,) = breakdown_of(project, Filters()).columns
    expected = robust([(2, 3), (0, 3)])
    assert (column.found.count, column.found.n, column.found.high) == (2, 6, expected.high)


def test_independent_examples_pay_nothing_for_clusters(project, version, types):
    make_run(version)

    assert not breakdown_of(project, Filters()).spread.is_any


def test_candidates_stand_side_by_side_and_can_be_chosen(project, types, version):
    runs = [make_run(version, name) for name in ("b", "a", "c")]

    assert [run.candidate.name for run in breakdown_of(project, Filters()).runs] == ["a", "b", "c"]
    chosen = Filters(candidates=(runs[0].candidate_id, runs[2].candidate_id))
    assert [run.candidate.name for run in breakdown_of(project, chosen).runs] == ["b", "c"]


@pytest.mark.parametrize(
    "filters",
    [
        Filters(version=999_999),
        Filters(runs=(999_999,)),
        Filters(round=999_999),
        Filters(candidates=(999_999,)),
    ],
)
def test_what_is_not_of_the_project_is_refused(project, version, filters):
    make_run(version)

    with pytest.raises(FilterError):
        breakdown_of(project, filters)


def test_a_version_of_the_taxonomy_that_is_not_there_is_refused(project, version):
    make_run(version)

    with pytest.raises(VersionError, match="no version 77"):
        breakdown_of(project, Filters(as_of=77))


@pytest.mark.parametrize("estimate", list(Estimated))
@pytest.mark.parametrize("source", list(Sources))
def test_each_count_is_what_the_rows_say(project, source, estimate):
    """The counts of all cells against the findings themselves, gone through one by one."""
    scene = make_scene(project)
    found = breakdown_of(project, Filters(source=source, estimate=estimate))
    for row in found.rows:
        carriers = found.tree.carriers(row.key)
        for shown, pairs in row.pairs.items():
            for run, pair in zip(scene.runs, pairs, strict=True):
                verdicts = Verdict.objects.filter(run=run).prefetch_related("findings")
                having = [
                    verdict
                    for verdict in verdicts
                    if any(each.source == shown and each.error_type_id in carriers for each in verdict.findings.all())
                ]
                assert pair.rolled.count == len(having)
                assert 0 <= pair.own.count <= pair.rolled.count <= pair.rolled.n
                if pair.rolled.share is not None:
                    assert pair.rolled.low <= pair.rolled.share <= pair.rolled.high


@pytest.mark.parametrize("candidates", [1, 6])
def test_the_breakdown_takes_the_same_queries_for_any_number_of_candidates(
    project, candidates, django_assert_num_queries
):
    types = make_types(project)
    version = make_version(project, 4)
    check = make_check(version)
    CheckMeaning.objects.create(by=check, error_type=types["format"])
    for number in range(candidates):
        for output in outputs_of(make_run(version, f"model-{number}")):
            make_score(output, check, passed=True)
            record_verdict(output, "fail", [types["invented"].pk], 0.5)

    # version keys, versions, tree, runs, verdicts, sets, outputs, meanings, scores, facts, clusters, weights
    with django_assert_num_queries(12):
        breakdown_of(project, Filters())
    # and active checks, strata that were read, and those that are there
    with django_assert_num_queries(15):
        breakdown_of(project, Filters(estimate=ALL))
