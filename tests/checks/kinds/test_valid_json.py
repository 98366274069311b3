"""The check “Valid JSON”."""

import json

from hypothesis import given

from tests.checks.kinds.judging import PASSED, failed, judge_text
from tests.checks.kinds.test_json_text import JSON

FENCED = 'Here it is:\n```json\n{"a": 1}\n```\nDone.'


def test_json_alone_is_valid_whatever_is_said_of_fences():
    assert judge_text("valid_json", ' {"a": 1}\n') == PASSED
    assert judge_text("valid_json", ' {"a": 1}\n', fence="report") == PASSED


def test_json_in_a_fence_is_accepted_or_a_fault_of_its_own():
    assert judge_text("valid_json", FENCED) == PASSED
    assert judge_text("valid_json", FENCED, fence="report") == failed(
        "json_in_fence", "The JSON is valid, but stands inside a code fence."
    )


def test_json_in_the_middle_of_text_is_a_class_of_its_own():
    assert judge_text("valid_json", 'Here it is: {"a": 1}') == failed(
        "text_around_json", "The JSON is valid, but text stands around it."
    )
    assert judge_text("valid_json", '```json\n{"a": 1}') == failed(
        "text_around_json", "The JSON is valid, but an unclosed code fence stands around it."
    )


def test_json_that_breaks_off_is_a_class_of_its_own():
    assert judge_text("valid_json", '{"a": [1, 2') == failed(
        "cut_off_json", "The JSON is not valid: it breaks off at line 1, column 12."
    )


def test_what_breaks_the_rules_of_json_is_named_with_its_place():
    assert judge_text("valid_json", '```json\n{"a": "one\ntwo"}\n```') == failed(
        "invalid_json", "The JSON is not valid: a raw line break inside a string at line 2, column 11."
    )
    assert judge_text("valid_json", "No.") == failed(
        "invalid_json", "The JSON is not valid: it is text without any JSON."
    )
    assert judge_text("valid_json", "[NaN]") == failed(
        "invalid_json", "The JSON is not valid: “NaN” is not a JSON value; write null instead."
    )


@given(JSON)
def test_all_json_is_valid(value):
    assert judge_text("valid_json", json.dumps(value)) == PASSED
    assert judge_text("valid_json", json.dumps(value, ensure_ascii=False, indent=2), fence="report") == PASSED
