"""What a verdict holds: what people said, what certain checks found, and both as rows and as one number."""

import pytest

from taxonomy.models import CheckMeaning, ErrorType, Finding, FindingSet, Source, Verdict
from taxonomy.settling import (
    Settled,
    record_check_verdicts,
    record_verdict,
    record_verdicts,
    types_by_checks,
    withdraw_verdict,
)
from tests.making import make_check, make_run, make_score, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(project):
    return make_run(make_version(project, 4))


@pytest.fixture
def outputs(run):
    return list(run.outputs.order_by("pk"))


@pytest.fixture
def types(project):
    return list(ErrorType.objects.filter(project=project).order_by("pk")[:3])


@pytest.fixture
def json_check(run, types):
    """A check of which any failure means the first type, and “no_object” the second one."""
    check = make_check(run.version, "JSON", "valid_json")
    CheckMeaning.objects.create(by=check, cause="", error_type=types[0])
    CheckMeaning.objects.create(by=check, cause="no_object", error_type=types[1])
    return check


def findings_of(output):
    return set(Finding.objects.filter(verdict__output=output).values_list("error_type", "source"))


def found_of(output):
    found = Verdict.objects.select_related("found").get(output=output).found
    return found.people, found.checks


def test_a_verdict_carries_its_findings_as_rows_and_as_one_number(outputs, types):
    output = outputs[1]
    record_verdict(output, "fail", [types[2].pk, types[0].pk], 0.25, failing_step=3)

    verdict = Verdict.objects.get(output=output)
    assert (verdict.run_id, verdict.example_id, verdict.repeat) == (output.run_id, output.example_id, output.repeat)
    assert (verdict.source, verdict.outcome, verdict.failing_step) == ("people", "fail", 3)
    assert verdict.inclusion_probability == 0.25
    assert findings_of(output) == {(types[0].pk, "people"), (types[2].pk, "people")}
    assert found_of(output) == (sorted([types[0].pk, types[2].pk]), [])


def test_what_is_said_anew_replaces_what_was_said(outputs, types):
    record_verdict(outputs[0], "fail", [types[0].pk, types[1].pk])
    key = Verdict.objects.get().pk

    record_verdict(outputs[0], "fail", [types[1].pk, types[2].pk])

    assert Verdict.objects.get().pk == key
    assert findings_of(outputs[0]) == {(types[1].pk, "people"), (types[2].pk, "people")}


def test_outputs_with_the_same_findings_share_one_set(outputs, types):
    record_verdicts([Settled(output.pk, "fail", {types[0].pk, types[1].pk}, None) for output in outputs])
    record_verdict(outputs[0], "fail", [types[1].pk, types[0].pk])

    assert FindingSet.objects.count() == 1
    assert Finding.objects.count() == 8


def test_a_failed_check_that_is_certain_is_a_finding_at_once(outputs, types, json_check):
    make_score(outputs[0], json_check, passed=False, cause="not_json")
    make_score(outputs[1], json_check, passed=False, cause="no_object")
    make_score(outputs[2], json_check, passed=True)

    record_check_verdicts([output.pk for output in outputs])

    assert list(Verdict.objects.order_by("output").values_list("output", "source", "outcome")) == [
        (outputs[0].pk, "check", "fail"),
        (outputs[1].pk, "check", "fail"),
    ]
    assert findings_of(outputs[0]) == {(types[0].pk, "check")}
    assert findings_of(outputs[1]) == {(types[1].pk, "check")}  # the cause's own meaning, not the check's
    assert found_of(outputs[1]) == ([], [types[1].pk])


def test_people_who_fail_an_output_keep_what_the_check_found_beside_their_own(outputs, types, json_check):
    make_score(outputs[0], json_check, passed=False, cause="not_json")
    record_check_verdicts([outputs[0].pk])

    record_verdict(outputs[0], "fail", [types[0].pk, types[2].pk])

    assert Verdict.objects.get().source == Source.PEOPLE
    assert findings_of(outputs[0]) == {(types[0].pk, "check"), (types[0].pk, "people"), (types[2].pk, "people")}
    assert found_of(outputs[0]) == ([types[0].pk, types[2].pk], [types[0].pk])


def test_people_who_pass_an_output_overrule_the_check_until_they_take_it_back(outputs, types, json_check):
    make_score(outputs[0], json_check, passed=False, cause="not_json")
    record_check_verdicts([outputs[0].pk])

    record_verdict(outputs[0], "pass")
    assert (findings_of(outputs[0]), found_of(outputs[0])) == (set(), ([], []))

    withdraw_verdict(outputs[0])
    verdict = Verdict.objects.get()
    assert (verdict.source, verdict.outcome) == ("check", "fail")
    assert findings_of(outputs[0]) == {(types[0].pk, "check")}


def test_nothing_is_left_of_a_verdict_taken_back_where_no_check_found_anything(outputs, types):
    record_verdict(outputs[0], "fail", [types[0].pk])

    withdraw_verdict(outputs[0])

    assert (Verdict.objects.count(), Finding.objects.count()) == (0, 0)


def test_a_retired_check_finds_nothing(outputs, types, json_check):
    make_score(outputs[0], json_check, passed=False, cause="not_json")
    json_check.retired_at = json_check.created_at
    json_check.save()

    assert types_by_checks([outputs[0].pk]) == {}
