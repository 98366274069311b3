"""Figures of a comparison against cases counted by hand."""

import json

import pytest

from evalhub.evalsets.contents import facts_of
from evalhub.runs.models import Output
from taxonomy.comparison import answers
from taxonomy.comparison.data import ComparisonError, comparison_of
from taxonomy.models import ErrorType
from taxonomy.statistics.alarms import PairCounts
from taxonomy.statistics.paired import difference, mcnemar
from taxonomy.versions import tree_of
from tests.making import make_check, make_run, make_version, numbered
from tests.taxonomy.comparison.making import checked, make_meaning, make_type, score, settle, two_runs


@pytest.fixture
def version(project):
    ErrorType.objects.filter(project=project).delete()
    return make_version(project, 10)


def compared(first, second):
    return comparison_of(first, second, tree_of(first.project))


def counts_in(comparison):
    return {figure.subject.key: tuple(figure.counts) for figure in (*comparison.totals, *comparison.modes)}


def test_pairs_are_counted_by_people_where_both_outputs_are_settled(project, version):
    first, second = two_runs(version)
    tone, length = make_type(project, "Tone"), make_type(project, "Length")
    #             0      1         2       3                4     5     6       7    8     9
    settle(first, [True, [tone], [tone], [tone, length], True, True, None, [tone], None, []])
    settle(second, [True, True, [tone], [length], [tone], [length], [tone], None, None, True])

    found = compared(first, second)

    # Pairs 0 to 5 and 9. Failed: both 2 and 3; only the first 1 and 9; only the second 4 and 5; neither 0.
    assert counts_in(found) == {
        "people": (2, 2, 2, 1),
        f"{tone.pk}-people": (1, 2, 1, 3),  # both 2; first 1 and 3; second 4
        f"{length.pk}-people": (1, 0, 1, 5),  # both 3; second 5
    }
    people = found.figure("people")
    assert people.alone == (1, 1)  # 7 of the first run, 6 of the second
    assert (people.first, people.second) == (4 / 7, 4 / 7)
    mode = found.figure(f"{tone.pk}-people")
    assert mode.difference == difference(1, 2, 1, 3)
    assert mode.p == mcnemar(2, 1)


def test_an_output_counts_once_in_the_type_above_and_merged_types_count_as_one(project, version):
    first, second = two_runs(version)
    above = make_type(project, "Grounding")
    one, two = make_type(project, "Invented", above), make_type(project, "Omitted", above)
    settle(first, [[one, two], [above], *[True] * 8])
    settle(second, [[one], [one], *[True] * 7, [two]])

    counts = counts_in(compared(first, second))
    assert counts[f"{above.pk}-people"] == (2, 0, 1, 7)
    assert counts[f"{above.pk}-people-own"] == (0, 1, 0, 9)
    assert counts[f"{one.pk}-people"] == (1, 0, 1, 8)

    tree = tree_of(project)
    rows = [
        {"id": each.pk, **{name: getattr(each, name) for name in each.__slots__ if name != "pk"}}
        | ({"merged_into": one.pk, "is_retired": True} if each.pk == two.pk else {})
        for each in tree.types.values()
    ]
    merged = counts_in(comparison_of(first, second, type(tree)(99, rows)))
    assert merged[f"{one.pk}-people"] == (1, 0, 2, 7)
    assert f"{two.pk}-people" not in merged


def test_a_finding_of_a_type_that_the_version_does_not_know_has_a_row_of_its_own(project, version):
    first, second = two_runs(version)
    make_type(project, "Known")
    old = tree_of(project)
    new = make_type(project, "New")
    settle(first, [True] * 10)
    settle(second, [[new], *[True] * 9])

    counts = counts_in(comparison_of(first, second, old))

    assert counts["unknown-people"] == (0, 0, 1, 9)
    assert f"{new.pk}-people" not in counts


def test_what_checks_found_is_counted_where_they_judged_both_outputs(project, version):
    first, second = two_runs(version)
    form = make_type(project, "Form")
    check = make_check(version, "Form")
    make_meaning(check, form)
    score(first, check, failed=[0, 1, 2], skipped=[8])
    score(second, check, failed=[2, 3, 8, 9], skipped=[9])
    Output.objects.filter(run=second, example__position=5).delete()

    found = compared(first, second)

    # Position 5 has no output in the second run, 9 was skipped in the first, 10 in the second: seven pairs.
    assert counts_in(found) == {
        "people": (0, 0, 0, 0),
        "checks": (1, 2, 1, 3),
        f"check-{check.pk}": (1, 2, 1, 3),
        f"{form.pk}-people": (0, 0, 0, 0),
        f"{form.pk}-check": (1, 2, 1, 3),
    }
    assert found.figure(f"check-{check.pk}").alone == (2, 1)


def test_people_who_pass_an_output_overrule_the_check_and_nothing_is_mixed(project, version):
    first, second = two_runs(version)
    form = make_type(project, "Form")
    settle(first, [True] * 4 + [None] * 6)
    settle(second, [True, [form], *[None] * 8])
    check = checked(version, "Form", form, {first: [], second: [0, 1, 2]})
    settle(second, [True, [form], *[None] * 8])  # again, now that the check has said its word

    counts = counts_in(compared(first, second))

    assert counts[f"{form.pk}-check"] == (0, 0, 2, 8)  # 0 was overruled; n stays what the check judged
    assert counts[f"{form.pk}-people"] == (0, 0, 1, 1)
    assert counts[f"check-{check.pk}"] == (0, 0, 3, 7)  # the check itself said what it said


def test_a_missing_answer_is_wrong_by_the_checks(project, version):
    first, second = two_runs(version)
    check = make_check(version)
    score(first, check, failed=[])
    score(second, check, failed=[0])
    Output.objects.filter(run=second, example__position=1).update(error_cause="timeout")

    assert counts_in(compared(first, second))["checks"] == (0, 0, 1, 9)


def test_both_ways_of_reading_say_the_same(project, version, monkeypatch):
    first, second = two_runs(version)
    types = [make_type(project, name) for name in ("One", "Two")]
    settle(first, [True, types[:1], types, [], None, None, True, types[1:], None, True])
    settle(second, [types[:1], True, types[1:], [], types, None, None, True, True, types])
    checked(version, "A", types[0], {first: [0, 3, 5], second: [1, 3, 5, 8]})
    checked(version, "B", types[1], {first: [5, 6], second: [5]})
    quick = compared(first, second)
    monkeypatch.setattr(answers, "is_all_judged", lambda runs, asked: False)

    assert compared(first, second).as_json() == quick.as_json()


def test_the_other_way_round_everything_is_mirrored(project, version):
    first, second = two_runs(version)
    form, tone = make_type(project, "Form"), make_type(project, "Tone", severity="critical")
    settle(first, [[tone], True, True, [tone], [form], True, True, True, True, True])
    settle(second, [True, [tone], [form], [tone], True, True, [form], True, None, True])
    checked(version, "Form", form, {first: [1], second: [0, 1, 2, 3, 4]})

    there, back = compared(first, second), compared(second, first)

    for figure in (*there.totals, *there.modes):
        other = back.figure(figure.subject.key)
        both, one, two, neither = figure.counts
        assert other.counts == (both, two, one, neither)
        assert (other.first, other.second, other.p) == (figure.second, figure.first, figure.p)
        assert other.adjusted == figure.adjusted
        if figure.n:
            mirrored = (-figure.difference.value, -figure.difference.high, -figure.difference.low)
            found = (other.difference.value, other.difference.low, other.difference.high)
            assert found == pytest.approx(mirrored)
    assert {"worse": "better", "better": "worse"}.get(there.totals[0].standing, "cannot_tell") == back.totals[
        0
    ].standing


def test_modes_are_judged_as_the_statistics_judge_those_that_differ(project, version):
    first, second = two_runs(make_version(project, 40, name="Large"))
    names = ("A", "B", "C", "D")
    types = [make_type(project, name, severity="critical" if name == "C" else "major") for name in names]
    settle(first, [True] * 30 + [[types[1]]] * 10)
    settle(second, [[types[0]]] * 12 + [[types[2]]] * 6 + [True] * 12 + [[types[1]]] * 3 + [True] * 7)

    found = compared(first, second)

    counts = {
        types[0].pk: PairCounts(0, 0, 12, 28),
        types[1].pk: PairCounts(3, 7, 0, 30),
        types[2].pk: PairCounts(0, 0, 6, 34),
    }
    ps = {key: mcnemar(each.first_only, each.second_only) for key, each in counts.items()}
    adjusted = {**ps, types[0].pk: 2 * ps[types[0].pk]}  # of two that are not critical; the other one has the last step
    for key, each in counts.items():
        mode = found.figure(f"{key}-people")
        assert (mode.counts, mode.p, mode.adjusted) == (each, ps[key], adjusted[key])
    assert [found.figure(f"{key}-people").standing for key in counts] == ["worse", "better", "worse"]
    assert found.figure(f"{types[3].pk}-people").standing == "cannot_tell"  # nobody has it, and it costs nobody power
    assert [mode.subject.name for mode in found.regressions] == ["A", "C"]
    assert [mode.subject.name for mode in found.critical] == ["C"]


def test_repeats_are_averaged_over_the_example_first(project):
    version = make_version(project, 3)
    first, second = two_runs(version, (2, 2))
    tone = make_type(project, "Tone")
    settle(first, [[tone], [tone], [tone], True, True, True])  # 1, 1/2, 0
    settle(second, [[tone], True, True, True, [tone], [tone]])  # 1/2, 0, 1

    mode = compared(first, second).figure(f"{tone.pk}-people")

    assert (mode.first, mode.second) == pytest.approx((0.5, 0.5))
    assert mode.examples == 3
    assert tuple(mode.counts) == (1, 2, 2, 1)
    assert mode.difference.value == pytest.approx(0)


def test_unequal_repeats_all_count_in_the_rates_and_the_page_says_so(project):
    version = make_version(project, 4)
    first, second = two_runs(version, (1, 3))
    tone = make_type(project, "Tone")
    settle(first, [True] * 4)
    settle(second, [True, [tone], [tone], *[True] * 9])  # example 1: two of three

    found = compared(first, second)

    mode = found.figure(f"{tone.pk}-people")
    assert mode.second == pytest.approx(2 / 3 / 4)
    assert tuple(mode.counts) == (0, 0, 0, 4)  # repeats 2 and 3 have no counterpart
    assert mode.alone == (0, 8)
    assert any("new has 3 outputs of each example, old 1" in caveat for caveat in found.caveats)


def test_examples_of_one_cluster_are_no_independent_observations(project):
    rows = [{**numbered(n), "cluster": f"customer-{n % 3}"} for n in range(30)]
    version = make_version(project, rows)
    version.facts = facts_of(version)
    version.save()
    first, second = two_runs(version)
    tone = make_type(project, "Tone")
    settle(first, [True] * 30)
    settle(second, [[tone] if n % 3 == 0 else True for n in range(30)])  # all of one customer

    found = compared(first, second)

    mode = found.figure(f"{tone.pk}-people")
    assert mcnemar(0, 10) < 0.05
    assert (mode.p, mode.clusters, mode.standing) == (1.0, 3, "cannot_tell")  # one cluster differs: a coin's toss
    assert any("only 3 such clusters" in caveat for caveat in found.caveats)


def test_severity_is_weighted_by_the_gravest_type_of_each_output(project, version):
    first, second = two_runs(version)
    minor, critical = make_type(project, "Minor", severity="minor"), make_type(project, "Critical", severity="critical")
    settle(first, [[minor], [minor], *[True] * 8])
    settle(second, [[minor, critical], True, *[True] * 7, []])  # 10, nothing, and a failure without a type: 1

    by_people, by_checks = compared(first, second).weighted

    assert (by_people.first, by_people.second) == pytest.approx((0.2, 1.1))
    assert by_people.difference[0] == pytest.approx(0.9)
    assert (by_people.first_share, by_people.second_share) == pytest.approx((0.2, 0.2))
    assert by_checks.weighted is None


def test_runs_over_two_versions_are_refused_with_the_cure(project, version):
    other = make_version(project, 2)

    with pytest.raises(ComparisonError, match=r"old ran over Inbox v1, new over Inbox v2: .* Start a run of one"):
        compared(make_run(version, "old"), make_run(other, "new"))
    run = make_run(version, "old")
    with pytest.raises(ComparisonError, match="with itself"):
        compared(run, run)


def test_equal_data_are_equal_bytes(project, version):
    first, second = two_runs(version)
    tone = make_type(project, "Tone")
    settle(first, [[tone], *[True] * 9])
    settle(second, [True] * 10)

    one, two = (json.dumps(compared(first, second).as_json(), sort_keys=True) for _ in range(2))

    assert one == two
    assert json.loads(one)["regressions"] == []
    assert '"no regression' not in one.lower()
