"""Verdicts counted in one statement, of one run and of two side by side."""

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from taxonomy.models import CheckMeaning, ErrorType
from taxonomy.settling import record_check_verdicts, record_verdict
from taxonomy.tallies import PAIR_TALLIES, TALLIES, Side, Tally, pair_tallies_of, tallies_of
from tests.making import make_check, make_run, make_score, make_version

pytestmark = pytest.mark.django_db

PASS = Side("people", "pass", (), ())


@pytest.fixture
def version(project):
    return make_version(project, 6)


@pytest.fixture
def types(project):
    return list(ErrorType.objects.filter(project=project).order_by("pk").values_list("pk", flat=True)[:2])


def pairs_of(one, two):
    sides, pairs = pair_tallies_of(one.pk, two.pk)
    return [(sides[first], sides[second], count) for first, second, count in pairs]


def test_outputs_with_the_same_verdict_and_chance_are_one_tally(version, types):
    run = make_run(version)
    first, second, third, fourth, *_ = run.outputs.order_by("pk")
    for output in (first, second):
        record_verdict(output, "fail", types, 0.5)
    record_verdict(third, "fail", types, 0.25)
    record_verdict(fourth, "pass")

    fail = Side("people", "fail", tuple(types), ())
    assert sorted(tallies_of([run.pk]), key=str) == sorted(
        [Tally(run.pk, fail, 0.5, 2), Tally(run.pk, fail, 0.25, 1), Tally(run.pk, PASS, None, 1)], key=str
    )
    assert tallies_of([]) == []


def test_pairs_are_of_the_same_example_and_an_output_without_verdict_is_none(version, types):
    one, two = make_run(version, "one"), make_run(version, "two")
    check = make_check(version, "JSON", "valid_json")
    CheckMeaning.objects.create(by=check, error_type_id=types[0])
    for run, answers in ((one, "ffp..."), (two, "p.f.c.")):
        for output, said in zip(run.outputs.order_by("example"), answers, strict=True):
            if said == "c":
                make_score(output, check, passed=False)
                record_check_verdicts([output.pk])
            elif said != ".":
                record_verdict(output, "fail" if said == "f" else "pass", types[:1] if said == "f" else [])

    fail, by_check = Side("people", "fail", (types[0],), ()), Side("check", "fail", (), (types[0],))
    expected = [(fail, PASS), (fail, None), (PASS, fail), (None, by_check)]
    assert sorted(pairs_of(one, two), key=str) == sorted([(*pair, 1) for pair in expected], key=str)


@given(st.lists(st.tuples(st.sampled_from(".pf"), st.sampled_from(".pf")), min_size=6, max_size=6))
def test_two_runs_the_other_way_round_are_the_same_pairs_turned(version_of_two_runs, said):
    one, two, type_key = version_of_two_runs
    for place, run in enumerate((one, two)):
        run.verdicts.all().delete()
        for output, pair in zip(run.outputs.order_by("example"), said, strict=True):
            if pair[place] != ".":
                record_verdict(
                    output, "fail" if pair[place] == "f" else "pass", [type_key] if pair[place] == "f" else []
                )

    there, back = pairs_of(one, two), pairs_of(two, one)

    assert sorted(there, key=str) == sorted([(second, first, count) for first, second, count in back], key=str)
    assert sum(count for *_, count in there) == sum(pair != (".", ".") for pair in said)


@pytest.fixture
def version_of_two_runs(version, types):
    return make_run(version, "one"), make_run(version, "two"), types[0]


@pytest.mark.parametrize(
    ("statement", "index"), [(TALLIES, "verdict_tally"), (PAIR_TALLIES, "verdict_pair")], ids=["tallies", "pairs"]
)
def test_only_an_index_is_read(version, statement, index):
    run = make_run(version)
    parameters = [[run.pk]] if statement is TALLIES else {"first": run.pk, "second": run.pk}
    with connection.cursor() as cursor:
        for way in ("seqscan", "bitmapscan"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN {statement}", parameters)
        plan = "\n".join(row[0] for row in cursor)

    assert f"Index Only Scan using {index}" in plan
