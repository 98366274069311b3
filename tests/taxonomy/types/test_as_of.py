"""Any change of the taxonomy leaves figures as of an older version as they are, to the byte; undoing restores."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalhub.checks.models import Score
from taxonomy.models import CheckMeaning, ErrorType, Finding, Source
from taxonomy.settling import record_check_verdicts, record_verdict
from taxonomy.tallies import Side, Tally, tallies_of
from taxonomy.tree import Tree
from taxonomy.types.changes import Edit, Move, Order, Restore, Retire
from taxonomy.types.editing import carry_out, going_back, types_of
from taxonomy.types.effects import Count, counts_of, effects_of
from taxonomy.types.planning import NewType, TaxonomyError, tree_from
from taxonomy.types.reshaping import Merge, Split
from taxonomy.versions import newest_number, tree_of
from tests.making import make_check, make_run, make_score, make_version

CODES = ("wrong_value", "missing_information", "broken_format", "wrong_action")


def report(project, run, number=None):
    """The rows of a breakdown as of a version, as bytes: names, places, own and rolled up, by people and by checks."""
    tree = tree_of(project, number)
    tallies = tallies_of([run.pk])
    counted = {source: counts_of(tree, tallies, source) for source in Source.values}
    unknown = sum(
        tally.count * len([key for key in (*tally.side.people, *tally.side.checks) if tree.resolve(key) is None])
        for tally in tallies
    )
    rows = [
        [
            each.pk,
            depth,
            each.name,
            each.definition,
            each.severity,
            each.is_retired,
            {source: list(vars(counts.get(each.pk, Count())).values()) for source, counts in counted.items()},
        ]
        for each, depth in tree.rows
    ]
    return json.dumps({"rows": rows, "not_in_this_version": unknown}, sort_keys=True).encode()


@pytest.fixture
def run(project, types):
    """Twelve outputs. By people: 1 to 4 wrong value, 3 to 6 missing information, 7 broken format, 8 passes.

    By the check, which means broken format: 9 and 10 alone, and 1 beside what people say.
    """
    version = make_version(project, 12)
    run, check = make_run(version), make_check(version)
    outputs = list(run.outputs.order_by("pk"))
    CheckMeaning.objects.create(by=check, cause="", error_type_id=types["broken_format"])
    for number in (0, 8, 9):
        make_score(outputs[number], check, passed=False)
    for number in range(6):
        found = [types["wrong_value"]] * (number < 4) + [types["missing_information"]] * (number >= 2)
        record_verdict(outputs[number], "fail", found, 0.5)
    record_verdict(outputs[6], "fail", [types["broken_format"]], 0.5)
    record_verdict(outputs[7], "pass", (), 0.5)
    record_check_verdicts([output.pk for output in outputs[8:]])
    assert Score.objects.count() == 3
    return run


def people(project, run, number=None):
    return counts_of(tree_of(project, number), tallies_of([run.pk]), Source.PEOPLE)


def checks(project, run, number=None):
    return counts_of(tree_of(project, number), tallies_of([run.pk]), Source.CHECK)


def changes(types):
    a, b, c, _ = (types[code] for code in CODES)
    return {
        "merge into a new one": Merge((a, b), NewType("Wrong content")),
        "merge into one that is there": Merge((a,), b),
        "split": Split(a, (NewType("Wrong number"), NewType("Wrong name"))),
        "move": Move(a, b),
        "rename": Edit(a, (("name", "Not right"), ("definition", "Other words."), ("severity", "critical"))),
        "retire": Retire(c),
        "order": Order(((a, 99),)),
    }


@pytest.mark.parametrize(
    "name",
    ["merge into a new one", "merge into one that is there", "split", "move", "rename", "retire", "order"],
)
def test_a_report_as_of_version_1_stays_and_undoing_brings_the_newest_back(name, project, lead, types, run):
    first, findings = report(project, run), list(Finding.objects.order_by("pk").values())

    carry_out(project, changes(types)[name], lead)
    assert report(project, run, 1) == first
    assert report(project, run) != first
    carry_out(project, going_back(project, 1), lead)

    rows, again = (json.loads(text)["rows"] for text in (first, report(project, run)))
    assert [row for row in again if row[0] in types.values()] == rows
    assert [row[6] for row in again if row[0] not in types.values()] == [
        {"people": [0, 0], "check": [0, 0]} for _ in again[len(rows) :]
    ]
    assert report(project, run, 1) == first
    assert list(Finding.objects.order_by("pk").values()) == findings


def test_a_merged_type_counts_the_union_of_outputs(project, lead, types, run):
    """1 to 4 and 3 to 6 are 1 to 6: six outputs, not eight."""
    before = people(project, run)
    assert (before[types["wrong_value"]], before[types["missing_information"]]) == (Count(4, 4), Count(4, 4))

    done = carry_out(project, changes(types)["merge into a new one"], lead)

    (merged,) = done.made.values()
    now = people(project, run)
    assert now[merged] == Count(6, 6)
    assert types["wrong_value"] not in now
    assert types["missing_information"] not in now


def test_a_merge_of_what_checks_find_takes_them_along_and_never_mixes_them_with_people(project, lead, types, run):
    carry_out(project, Merge((types["broken_format"],), types["wrong_value"]), lead)

    assert people(project, run)[types["wrong_value"]] == Count(5, 5)  # 1 to 4, and 7
    assert checks(project, run)[types["wrong_value"]] == Count(3, 3)  # 1, 9 and 10


def test_a_merge_of_a_merge_counts_at_its_end_and_the_first_can_be_taken_out_again(project, lead, types, run):
    a, b, c, _ = (types[code] for code in CODES)
    carry_out(project, Merge((a,), b), lead)
    carry_out(project, Merge((b,), c), lead)
    assert people(project, run)[c] == Count(7, 7)

    carry_out(project, Restore(b), lead)

    now = people(project, run)
    assert (now[b], now[c]) == (Count(6, 6), Count(1, 1))  # what was merged into b went with it


def test_after_a_split_findings_stay_on_the_type_and_still_count_in_it_when_labelled_again(project, lead, types, run):
    a = types["wrong_value"]
    done = carry_out(project, changes(types)["split"], lead)
    number, _ = done.made.values()
    assert people(project, run)[a] == Count(4, 4)

    record_verdict(run.outputs.earliest("pk"), "fail", [number])
    now = people(project, run)
    assert (now[a], now[number]) == (Count(3, 4), Count(1, 1))

    carry_out(project, going_back(project, 1), lead)
    now = people(project, run)
    assert (now[a], now[number]) == (Count(3, 4), Count(1, 1))  # the part is retired below it, and lost to nobody
    assert not ErrorType.objects.get(pk=a).retired_at
    assert ErrorType.objects.get(pk=number).retired_at
    assert json.loads(report(project, run, 1))["not_in_this_version"] == 1


def test_a_moved_type_counts_above_where_it_stands_now(project, lead, types, run):
    a, b = types["wrong_value"], types["missing_information"]

    carry_out(project, Move(a, b), lead)

    assert people(project, run)[b] == Count(4, 6)
    assert people(project, run, 1)[b] == Count(4, 4)


@pytest.mark.parametrize("name", ["merge into a new one", "merge into one that is there", "split", "move", "retire"])
def test_a_preview_says_what_then_happens(name, project, lead, types, run):
    change = changes(types)[name]
    before = types_of(project)
    ahead = effects_of(project, before, change.applied(before))
    was = {source: counts_of(tree_of(project), tallies_of([run.pk]), source) for source in Source.values}

    done = carry_out(project, change, lead)

    tree, tallies = tree_of(project), tallies_of([run.pk])
    now = {source: counts_of(tree, tallies, source) for source in Source.values}
    shown = {row.each.pk if row.each.pk > 0 else done.made[row.each.pk]: row for row in ahead.rows}
    for key in {each.pk for each, _ in tree.rows} | set(before):
        for source, said in ((Source.PEOPLE, "by_people"), (Source.CHECK, "by_checks")):
            told = getattr(shown[key], said) if key in shown else None
            counted = (was[source].get(key, Count()), now[source].get(key, Count()))
            assert counted == ((told.before, told.after) if told else (counted[0], counted[0])), (key, source)


def test_a_preview_counts_findings_outputs_runs_and_the_checks_that_point_there(project, lead, types, run):
    before = types_of(project)

    ahead = effects_of(project, before, Merge((types["broken_format"],), types["wrong_value"]).applied(before))

    assert [each.code for each in ahead.touched] == ["broken_format"]
    # By people 7; by the check 1, 9 and 10: four findings on four outputs.
    assert (ahead.findings_by_people, ahead.findings_by_checks, ahead.outputs, ahead.runs) == (1, 3, 4, 1)
    (pointing,) = ahead.pointing
    assert (pointing.before.code, pointing.after.code, pointing.is_loose) == ("broken_format", "wrong_value", False)


def test_a_preview_of_retiring_names_the_check_that_goes_on_finding_it(project, types, run):
    before = types_of(project)

    ahead = effects_of(project, before, Retire(types["broken_format"]).applied(before))

    assert [(each.after.code, each.is_loose) for each in ahead.pointing] == [("broken_format", True)]
    assert [(row.each.code, row.becomes) for row in ahead.rows] == [("broken_format", "retired")]


def test_a_preview_of_a_split_says_how_many_outputs_need_a_second_look(project, types, run):
    before = types_of(project)

    ahead = effects_of(project, before, changes(types)["split"].applied(before))

    assert [(each.code, count) for each, count in ahead.second_look] == [("wrong_value", 4)]


KEYS = st.sampled_from(range(1, 7))
PLANS = st.lists(
    st.one_of(
        st.builds(Move, KEYS, st.one_of(st.none(), KEYS)),
        st.builds(
            lambda keys, into: Merge(tuple(dict.fromkeys(keys)), into), st.lists(KEYS, min_size=1, max_size=3), KEYS
        ),
        st.builds(Retire, KEYS),
        st.builds(Restore, KEYS),
    ),
    max_size=12,
)


@given(PLANS, st.lists(st.tuples(st.sets(KEYS, max_size=3), st.integers(1, 5)), max_size=8))
def test_whatever_is_done_no_finding_is_lost_and_there_is_no_circle(plans, outputs):
    """All findings count in exactly one row as its own, and in each row above it at least as many."""
    tree_rows = [
        {
            "id": key,
            "parent": None,
            "code": f"t{key}",
            "name": f"T{key}",
            "definition": "",
            "not_this_if": "",
            "severity": "major",
            "owner": None,
            "position": key,
            "is_retired": False,
            "merged_into": None,
        }
        for key in range(1, 7)
    ]
    state = Tree(0, tree_rows).types
    for plan in plans:
        try:
            state = plan.applied(state)
        except TaxonomyError:
            continue
    tallies = [Tally(1, Side("people", "fail", tuple(sorted(keys)), ()), None, count) for keys, count in outputs]
    tree = tree_from(state)
    counts = counts_of(tree, tallies, "people")

    assert len(tree.rows) == len({each.pk for each, _ in tree.rows}) == len(tree.parents)
    for key in range(1, 7):
        own = tree.resolve(key)
        assert own is not None
        assert tree.types[own].merged_into is None
    for each, _ in tree.rows:
        carriers = tree.carriers(each.pk)
        having = sum(count for keys, count in outputs if carriers & keys)
        assert counts.get(each.pk, Count()).rolled_up == having
        assert counts.get(each.pk, Count()).own <= having


def test_the_newest_number_is_that_of_the_last_change(project, lead, types):
    carry_out(project, Retire(types["wrong_value"]), lead)

    assert newest_number(project) == 2
