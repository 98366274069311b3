"""Verdicts of checks: written from scores alone, beside what people say, and taken back when their reason is gone."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection, connections, transaction

from evalhub.checks.alone import alone_at
from evalhub.checks.keeping import retire_check
from evalhub.runs.models import Output
from reviews.labelling import record_label, undo_label
from reviews.settling import derive_verdicts
from taxonomy.meanings import finding
from taxonomy.meanings.finding import due_outputs, find_by_checks
from taxonomy.models import CheckMeaning, ErrorType, Finding, FindingSet, Verdict
from tests.making import admin_of, assessed, make_check, make_round, make_run, make_score, make_version

pytestmark = pytest.mark.django_db


def mean(check, code, cause=""):
    error_type = ErrorType.objects.get(project=check.eval_set.project, code=code)
    CheckMeaning.objects.create(by=check, cause=cause, error_type=error_type)
    return error_type.pk


@pytest.fixture
def scored(project):
    """Six outputs: the first two are not JSON, the second and third have a wrong number, the fourth another fault."""
    run = make_run(make_version(project, 6))
    is_json, number = make_check(run.version, "JSON", "valid_json"), make_check(run.version, "Number", "number")
    outputs = list(run.outputs.order_by("pk"))
    for place, output in enumerate(outputs, start=1):
        make_score(output, is_json, place not in {1, 2}, "invalid_json")
        make_score(output, number, place not in {2, 3, 4}, "wrong_number" if place < 4 else "no_number")
    return run, outputs, is_json, number


@pytest.fixture
def meant(scored):
    _, _, is_json, number = scored
    return mean(is_json, "broken_format", "invalid_json"), mean(number, "wrong_value", "wrong_number")


def said(outputs):
    """For each output: source, outcome, what people and checks found by the set, and by the findings; or nothing."""
    rows = {}
    for verdict in Verdict.objects.select_related("found", "output").prefetch_related("findings"):
        by = {
            source: sorted(each.error_type_id for each in verdict.findings.all() if each.source == source)
            for source in ("people", "check")
        }
        assert (verdict.found.people, verdict.found.checks) == (by["people"], by["check"])
        output = verdict.output
        assert (verdict.run_id, verdict.example_id, verdict.repeat) == (
            output.run_id,
            output.example_id,
            output.repeat,
        )
        rows[verdict.output_id] = (verdict.source, verdict.outcome, by["people"], by["check"])
    return [rows.get(output.pk) for output in outputs]


def test_outputs_that_fail_a_certain_check_have_a_verdict_of_checks(scored, meant):
    run, outputs, _, _ = scored
    form, value = meant

    assert find_by_checks(run) == 3

    both = sorted([form, value])
    assert said(outputs) == [
        ("check", "fail", [], [form]),
        ("check", "fail", [], both),
        ("check", "fail", [], [value]),
        *[None] * 3,
    ]
    assert Verdict.objects.by_people().count() == 0
    assert set(Finding.objects.values_list("run", flat=True)) == {run.pk}


def test_finding_again_changes_nothing(scored, meant):
    run, _, _, _ = scored
    find_by_checks(run)
    before = list(Verdict.objects.order_by("pk").values())

    assert find_by_checks(run) == 0
    assert list(Verdict.objects.order_by("pk").values()) == before


def test_only_this_run_is_touched(scored, meant):
    run, _, is_json, _ = scored
    other = make_run(run.version, "another")
    make_score(other.outputs.earliest("pk"), is_json, False, "invalid_json")

    find_by_checks(run)

    assert not Verdict.objects.filter(run=other).exists()


def test_what_checks_found_stands_beside_what_people_said_unless_they_passed_it(scored, meant, project, reviewer):
    run, outputs, _, _ = scored
    form, value = meant
    invented = ErrorType.objects.get(project=project, code="invented_information")
    items = {item.output_id: item for item in make_round(run).items.all()}
    record_label(items[outputs[0].pk], reviewer, assessed("pass"))
    record_label(items[outputs[1].pk], reviewer, assessed("fail", [invented]))
    CheckMeaning.objects.filter(error_type=value).delete()  # so that the labels knew less than the checks do now
    CheckMeaning.objects.filter(error_type=form).delete()
    for output in outputs[:2]:
        derive_verdicts([output.pk])
    assert said(outputs)[:2] == [("people", "pass", [], []), ("people", "fail", [invented.pk], [])]
    settled_at = list(Verdict.objects.order_by("pk").values_list("settled_at", "inclusion_probability"))
    CheckMeaning.objects.bulk_create(
        [
            CheckMeaning(by=scored[2], cause="invalid_json", error_type_id=form),
            CheckMeaning(by=scored[3], cause="wrong_number", error_type_id=value),
        ]
    )

    assert find_by_checks(run) == 2

    assert said(outputs)[:3] == [
        ("people", "pass", [], []),
        ("people", "fail", [invented.pk], sorted([form, value])),
        ("check", "fail", [], [value]),
    ]
    by_people = Verdict.objects.by_people().order_by("pk")
    assert list(by_people.values_list("settled_at", "inclusion_probability")) == settled_at


def test_a_pass_that_is_withdrawn_gives_the_finding_back(scored, meant, reviewer):
    run, outputs, _, _ = scored
    form, _ = meant
    find_by_checks(run)
    item = make_round(run).items.get(output=outputs[0])

    record_label(item, reviewer, assessed("pass"))
    assert said(outputs)[0] == ("people", "pass", [], [])
    assert find_by_checks(run) == 0
    undo_label(item, reviewer)

    assert said(outputs)[0] == ("check", "fail", [], [form])
    assert due_outputs(run) == []


def test_verdicts_without_a_reason_go(scored, meant, project, reviewer):
    run, outputs, is_json, _ = scored
    form, value = meant
    find_by_checks(run)
    record_label(
        make_round(run).items.get(output=outputs[1]), reviewer, assessed("fail", ErrorType.objects.filter(pk=form))
    )
    retire_check(is_json, admin_of(project))

    assert find_by_checks(run) == 2

    assert said(outputs)[:4] == [
        None,
        ("people", "fail", [form], [value]),
        ("check", "fail", [], [value]),
        None,
    ]
    CheckMeaning.objects.all().delete()
    assert find_by_checks(run) == 2
    assert said(outputs) == [None, ("people", "fail", [form], []), *[None] * 4]


def test_the_longest_cause_that_fits_counts(scored):
    """Exact, then without the field, then that of every cause. As whoever settles outputs has it."""
    run, outputs, _, _ = scored
    causes = ["wrong_field:total", "wrong_field:name", "missing_field:name", "wrong_field"]
    check = make_check(run.version, "Fields", "json_fields")
    for output, cause in zip(outputs, causes, strict=False):
        make_score(output, check, False, cause)
    exact = mean(check, "broken_format", "wrong_field:total")
    plain = mean(check, "wrong_value", "wrong_field")
    rest = mean(check, "missing_information", "")

    find_by_checks(run)

    expected = [exact, plain, rest, plain]
    assert said(outputs)[:4] == [("check", "fail", [], [key]) for key in expected]
    record_label(make_round(run).items.get(output=outputs[2]), admin_of(run.project), assessed("fail", note="no"))
    assert said(outputs)[2] == ("people", "fail", [], [rest])


def test_many_batches_are_as_one(scored, meant, monkeypatch):
    run, outputs, _, _ = scored
    monkeypatch.setattr(finding, "BATCH", 2)

    assert find_by_checks(run) == 3
    assert [each and each[0] for each in said(outputs)] == ["check"] * 3 + [None] * 3


def test_a_meaning_of_the_same_type_by_two_checks_is_one_finding(scored):
    run, outputs, is_json, number = scored
    key = mean(is_json, "wrong_value")
    mean(number, "wrong_value")

    find_by_checks(run)

    assert said(outputs)[1] == ("check", "fail", [], [key])


@pytest.mark.django_db(transaction=True)
def test_whoever_comes_while_another_process_finds_leaves_at_once(scored, meant):
    run, _, _, _ = scored
    seen = []

    def elsewhere():
        try:
            seen.append(find_by_checks(run))
        finally:
            connections.close_all()

    with alone_at(f"find by checks in run {run.pk}") as is_ours:
        assert is_ours
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()

    assert seen == [0]
    assert find_by_checks(run) == 3


@pytest.mark.django_db(transaction=True)
def test_an_output_that_is_being_settled_is_waited_for(scored, meant, project, reviewer):
    """A label that passes an output commits while the finding of its check is about to be written."""
    run, outputs, _, _ = scored
    item = make_round(run).items.get(output=outputs[0])

    def elsewhere():
        try:
            find_by_checks(run)
        finally:
            connections.close_all()

    thread = threading.Thread(target=elsewhere)
    with transaction.atomic():
        record_label(item, reviewer, assessed("pass"))
        thread.start()
        deadline = time.monotonic() + 30
        while not waiting_for_a_lock():
            assert time.monotonic() < deadline, "nobody waits for the output that is being settled"
    thread.join()

    assert said(outputs)[0] == ("people", "pass", [], [])
    assert said(outputs)[2][0] == "check"


def waiting_for_a_lock():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0]


def test_few_statements_for_many_outputs(scored, meant, django_assert_num_queries):
    """Two looks, the sets, and for a batch the lock and what is written: no more with more outputs."""
    run = scored[0]
    find_by_checks(run)
    Verdict.objects.all().delete()

    with django_assert_num_queries(14):
        find_by_checks(run)

    assert FindingSet.objects.count() == 3
    assert Output.objects.filter(verdict__source="check").count() == 3
