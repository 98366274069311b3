"""The check “Number”."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalhub.checks.kinds import judge
from evalhub.checks.kinds.base import Expected, ParameterError
from tests.checks.kinds.judging import PASSED, failed, judge_text, skipped

EIGHTEEN = Expected("number", 18)
CENTS = st.integers(-(10**9), 10**9).map(lambda number: Decimal(number) / 100)


@pytest.mark.parametrize("text", ["18", "16 - 3 + 5 = $18.00.", "about 18 eggs", "**18**"])
def test_the_last_number_of_the_answer_counts(text):
    assert judge_text("number", text, EIGHTEEN) == PASSED


@pytest.mark.parametrize(
    "expected", [Expected("number", 18.0), Expected("text", "# 18"), Expected("json", 18), Expected("json", "18")]
)
def test_the_expected_number_may_be_written_in_several_ways(expected):
    assert judge_text("number", "18", expected) == PASSED


@pytest.mark.parametrize(
    "expected",
    [Expected("text", "3 or 4"), Expected("json", {"a": 1}), Expected("json", True), Expected("number", float("inf"))],
)
def test_an_expected_output_without_one_number_is_skipped(expected):
    assert judge_text("number", "18", expected) == skipped(
        "The expected output does not hold exactly one number to compare with."
    )


def test_a_wrong_number_is_shown_beside_the_expected_one():
    assert judge_text("number", "It is 17.", EIGHTEEN) == failed("wrong_number", "The answer says 17, expected 18.")


def test_cents_for_dollars_are_a_class_of_their_own():
    assert judge_text("number", "1800", EIGHTEEN) == failed(
        "wrong_scale", "The answer says 1800, expected 18: 100 times too large, as with another unit."
    )
    assert judge_text("number", "0.018", EIGHTEEN) == failed(
        "wrong_scale", "The answer says 0.018, expected 18: 1,000 times too small, as with another unit."
    )
    assert judge_text("number", "10", Expected("number", 0))[1] == "wrong_number"


def test_a_wrong_sign_is_a_class_of_its_own():
    assert judge_text("number", "-18", EIGHTEEN) == failed(
        "wrong_sign", "The answer says -18, expected 18: the sign is wrong."
    )
    assert judge_text("number", "-18.4", EIGHTEEN, tolerance=0.5)[1] == "wrong_sign"


def test_an_answer_without_a_number_is_quoted():
    assert judge_text("number", "I cannot say.", EIGHTEEN) == failed(
        "no_number", "There is no number in the answer “I cannot say.”."
    )


def test_only_one_number_can_be_demanded():
    assert judge_text("number", "It is 18.", EIGHTEEN, source="only") == PASSED
    assert judge_text("number", "9 + 9 = 18", EIGHTEEN, source="only") == failed(
        "several_numbers", "The answer holds 3 numbers; exactly one is wanted."
    )
    assert judge_text("number", "none", EIGHTEEN, source="only")[1] == "no_number"


@pytest.mark.parametrize(
    "text",
    ['{"order": {"total": 18}}', '```json\n{"order": {"total": "$18.00"}}\n```', '{"order": {"total": "9 + 9 = 18"}}'],
)
def test_the_number_can_be_taken_from_a_field(text):
    assert judge_text("number", text, EIGHTEEN, source="field", field="order.total") == PASSED


def test_the_expected_json_is_read_at_the_same_field():
    expected = Expected("json", {"total": 18, "id": 5})

    assert judge_text("number", '{"total": 18.0}', expected, source="field", field="total") == PASSED


def test_what_is_wrong_with_a_field_is_said():
    def judge_field(text):
        return judge_text("number", text, EIGHTEEN, source="field", field="total")

    assert judge_field('{"total": 17}') == failed("wrong_number", "The answer says 17, expected 18.")
    assert judge_field('{"sum": 18}') == failed("missing_field", "The field “total” is missing from the answer's JSON.")
    assert judge_field('{"total": null}') == failed("no_number", "The field “total” holds no number, but null.")
    assert judge_field('{"total": true}') == failed("no_number", "The field “total” holds no number, but true.")
    assert judge_field('{"total": 1e999}') == failed(
        "invalid_json", "The answer cannot be read as JSON: the number 1e999 is too large."
    )
    assert judge_field('{"total": 18') == failed(
        "invalid_json", "The answer cannot be read as JSON: it breaks off at line 1, column 13."
    )


def test_the_number_can_be_taken_by_a_pattern():
    pattern = r"Answer:\s*(.*)"

    assert judge_text("number", "5 Answer: 9 + 9 = 18\n7", EIGHTEEN, source="pattern", pattern=pattern) == PASSED
    assert judge_text("number", "It is 18", EIGHTEEN, source="pattern", pattern=pattern) == failed(
        "no_number", r"Nothing in the answer matches “Answer:\s*(.*)”."
    )
    assert judge_text("number", "Answer: none", EIGHTEEN, source="pattern", pattern=pattern) == failed(
        "no_number", "There is no number in “none”."
    )


@pytest.mark.parametrize(
    ("tolerance", "kind", "text", "cause"),
    [
        (0.5, "absolute", "18.5", ""),
        (0.5, "absolute", "17.5", ""),
        (0.5, "absolute", "18.51", "wrong_number"),
        (0.01, "relative", "18.18", ""),
        (0.01, "relative", "17.82", ""),
        (0.01, "relative", "18.19", "wrong_number"),
        (0.1, "absolute", "18.1", ""),  # exact: as doubles, 18.1 - 18 is more than 0.1
    ],
)
def test_a_tolerance_includes_its_bounds(tolerance, kind, text, cause):
    judgement = judge_text("number", text, EIGHTEEN, tolerance=tolerance, tolerance_kind=kind)

    assert judgement[1] == cause


def test_a_relative_tolerance_is_a_share_of_the_size_of_a_negative_number():
    expected = Expected("number", -18)

    assert judge_text("number", "-18.18", expected, tolerance=0.01, tolerance_kind="relative") == PASSED
    assert judge_text("number", "-17.82", expected, tolerance=0.01, tolerance_kind="relative") == PASSED


def test_the_tolerance_is_part_of_the_message():
    assert judge_text("number", "20", EIGHTEEN, tolerance=0.1, tolerance_kind="relative") == failed(
        "wrong_number", "The answer says 20, expected 18 give or take 1.8."
    )


@pytest.mark.parametrize(
    ("parameters", "at_fault", "sentence"),
    [
        ({"tolerance": -1}, "tolerance", "The tolerance must be 0 or more."),
        (
            {"source": "field"},
            "field",
            "Write the field that holds the number, such as “total” or “order.total”.",
        ),
        ({"source": "pattern"}, "pattern", "Write a pattern."),
        (
            {"source": "pattern", "pattern": r"\d+"},
            "pattern",
            "The pattern needs exactly one group, “(…)”, around the number; write “(?:…)” for any other group.",
        ),
    ],
)
def test_parameters_that_cannot_be_used_are_explained(parameters, at_fault, sentence):
    with pytest.raises(ParameterError) as refused:
        judge("number", parameters)

    assert (refused.value.parameter, str(refused.value)) == (at_fault, sentence)


@given(CENTS)
def test_an_equal_number_always_passes(number):
    assert judge_text("number", f"It is {number:,f}.", Expected("number", float(number))) == PASSED


@given(CENTS, CENTS, st.integers(0, 1000))
def test_an_absolute_tolerance_is_symmetric(one, other, tolerance):
    def passes(given, right):
        return judge_text("number", f"{given:f}", Expected("text", f"{right:f}"), tolerance=tolerance) == PASSED

    assert passes(one, other) == passes(other, one)
    assert passes(one, other) == (abs(one - other) <= tolerance)


@given(CENTS, CENTS, st.sampled_from([0.01, 0.1, 1]))
def test_a_relative_tolerance_reaches_as_far_up_as_down(right, distance, tolerance):
    def passes(given):
        expected = Expected("text", f"{right:f}")
        parameters = {"tolerance": tolerance, "tolerance_kind": "relative"}
        return judge_text("number", f"{given:f}", expected, **parameters) == PASSED

    assert passes(right + distance) == passes(right - distance)


@pytest.mark.parametrize("digits", ["9" * 5000, "0." + "9" * 5000, "1e999", "-1e-999", "9" * 150_000])
def test_numbers_of_any_size_are_compared(digits):
    assert judge_text("number", digits, Expected("text", digits)) == PASSED
    assert judge_text("number", digits, Expected("text", digits), tolerance=1, tolerance_kind="relative") == PASSED
    assert judge_text("number", digits, EIGHTEEN)[1] == "wrong_number"
    assert len(judge_text("number", digits, EIGHTEEN)[2]) < 200
