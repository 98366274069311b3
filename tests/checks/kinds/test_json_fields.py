"""The check “JSON fields”."""

import json

from hypothesis import given

from evalhub.checks.kinds.base import Expected
from tests.checks.kinds.judging import PASSED, failed, judge_text, skipped
from tests.checks.kinds.test_json_text import JSON

EXPECTED = Expected("json", {"category": "Refund", "priority": "high", "order": {"id": "A-17", "items": [1, 2]}})


def judge_value(value, expected=EXPECTED, **parameters):
    return judge_text("json_fields", json.dumps(value), expected, **parameters)


def test_every_field_of_the_expected_json_is_compared_and_others_do_not_count():
    assert judge_value({**EXPECTED.value, "note": "x"}) == PASSED
    assert judge_text("json_fields", f"```json\n{json.dumps(EXPECTED.value)}\n```", EXPECTED) == PASSED


def test_a_wrong_field_is_in_the_message_with_both_values_and_in_the_cause():
    assert judge_value({**EXPECTED.value, "priority": "low"}) == failed(
        "wrong_field:priority", "The field “priority” is “low”, expected “high”."
    )


def test_a_missing_field_is_not_a_wrong_one():
    assert judge_value({"category": "Refund", "order": EXPECTED.value["order"]}) == failed(
        "missing_field:priority", "The field “priority” is missing."
    )
    assert judge_value({**EXPECTED.value, "priority": None})[1] == "wrong_field:priority"


def test_of_several_faults_the_first_listed_field_names_the_cause():
    answer = {"category": "Exchange", "order": {"id": "A-18"}}

    assert judge_value(answer, fields=["order.id", "priority", "category"]) == failed(
        "wrong_field:order.id",
        "The field “order.id” is “A-18”, expected “A-17”; the field “priority” is missing; "
        "the field “category” is “Exchange”, expected “Refund”.",
    )


def test_chosen_fields_that_the_expected_json_lacks_are_passed_over():
    assert judge_value({"priority": "high"}, fields=["priority", "language"]) == PASSED
    assert judge_value({"priority": "high"}, fields=["language"]) == skipped(
        "The expected JSON has none of the fields that this check compares."
    )


def test_numbers_compare_by_value_and_the_rest_by_options():
    assert judge_value({"total": 40}, Expected("json", {"total": 40.0})) == PASSED
    assert judge_value({"total": "40"}, Expected("json", {"total": 40}))[1] == "wrong_field:total"
    assert judge_value({"total": True}, Expected("json", {"total": 1}))[1] == "wrong_field:total"
    assert judge_value({"category": "REFUND"}, fields=["category"])[1] == "wrong_field:category"
    assert judge_value({"category": "REFUND"}, fields=["category"], ignore_case=True) == PASSED
    assert judge_value({"order": {"items": [2, 1]}}, fields=["order.items"])[1] == "wrong_field:order.items"
    assert judge_value({"order": {"items": [2, 1]}}, fields=["order.items"], ignore_order=True) == PASSED


def test_json_without_fields_is_compared_as_a_whole():
    assert judge_value([1, 2.0], Expected("json", [1.0, 2])) == PASSED
    assert judge_value([1], Expected("json", [1, 2])) == failed("wrong_value", "The JSON is [1], expected [1, 2].")


def test_an_answer_that_is_not_json_is_a_class_of_its_own():
    assert judge_text("json_fields", '{"a": "x\n"}', EXPECTED) == failed(
        "invalid_json",
        "The answer cannot be read as JSON: a raw line break inside a string at line 1, column 9.",
    )


def test_a_long_field_name_is_shortened_in_the_cause():
    cause = judge_value({}, Expected("json", {"x" * 500: 1}))[1]

    assert cause == f"missing_field:{'x' * 60}…"


@given(JSON.filter(lambda value: value != {}))
def test_equal_json_always_passes(value):
    assert judge_value(value, Expected("json", value)) == PASSED
    if isinstance(value, dict):
        names = [name for name in value if name]
        assert judge_value(value, Expected("json", value), fields=names, ignore_order=True) == PASSED
