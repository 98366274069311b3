"""The check “Equal to the expected output”."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalhub.checks.kinds.base import Expected
from tests.checks.kinds.judging import PASSED, failed, judge_text, skipped

NOTHING_IGNORED = {
    "ignore_case": False,
    "ignore_white_space": False,
    "ignore_punctuation": False,
    "ignore_unicode_form": False,
}


@pytest.mark.parametrize(
    ("option", "text", "expected"),
    [
        ("ignore_case", "REFUND", "refund"),
        ("ignore_white_space", " two\n words ", "two words"),
        ("ignore_punctuation", "Yes, refund it.", "Yes refund it"),
        ("ignore_unicode_form", "\uff32efund", "Refund"),
    ],
)
def test_each_option_ignores_one_kind_of_difference(option, text, expected):
    wanted = Expected("text", expected)

    assert judge_text("equals", text, wanted, **{**NOTHING_IGNORED, option: True}) == PASSED
    assert judge_text("equals", text, wanted, **NOTHING_IGNORED)[1] != ""


def test_another_text_is_quoted_beside_the_expected_one():
    assert judge_text("equals", "Exchange", Expected("text", "refund")) == failed(
        "different", "The answer says “exchange”, expected “refund”."
    )


def test_long_texts_are_quoted_from_shortly_before_the_first_difference():
    same = "a b " * 50

    assert judge_text("equals", same + "friday", Expected("text", same + "monday")) == failed(
        "different",
        "From character 201 on the answer says “a b a b a b a b a b friday”, expected “a b a b a b a b a b monday”.",
    )


def test_an_empty_answer_is_a_class_of_its_own():
    assert judge_text("equals", " \n", Expected("text", "refund")) == failed(
        "empty_answer", "The answer is empty, expected “refund”."
    )


def test_the_expected_text_with_more_around_it_is_a_class_of_its_own():
    assert judge_text("equals", "The category is: Refund.", Expected("text", "refund")) == failed(
        "more_text", "The answer says “The category is: Refund.”: the expected “refund” with more around it."
    )


@pytest.mark.parametrize("text", ["18", "18.00", "# 18", "$18.", "1.8e1"])
def test_an_expected_number_is_compared_by_value(text):
    assert judge_text("equals", text, Expected("number", 18)) == PASSED


def test_an_expected_number_wants_a_number_alone():
    assert judge_text("equals", "17", Expected("number", 18)) == failed("different", "The answer says 17, expected 18.")
    assert judge_text("equals", "It is 18", Expected("number", 18)) == failed(
        "no_number", "The answer says “It is 18”, which is not a number alone; expected 18."
    )
    assert judge_text("equals", "9" * 5000, Expected("number", 18))[1] == "no_number"


def test_expected_json_is_compared_by_value():
    wanted = Expected("json", {"a": 40, "b": "x"})

    assert judge_text("equals", '```json\n{"b": "X", "a": 40.0}\n```', wanted) == PASSED
    assert judge_text("equals", '{"a": 41}', wanted) == failed(
        "different", 'The answer is {"a": 41}, expected {"a": 40, "b": "x"}.'
    )
    assert judge_text("equals", '{"a": 40,}', wanted) == failed(
        "invalid_json", "The answer cannot be read as JSON: a comma with nothing after it at line 1, column 10."
    )
    assert judge_text("equals", 'Here: {"a": 40, "b": "x"}', wanted) == failed(
        "invalid_json", "The answer cannot be read as JSON: text stands around it, without a code fence."
    )


def test_an_expected_output_that_is_not_of_its_kind_is_skipped():
    assert judge_text("equals", "18", Expected("text", 18)) == skipped("The expected output is not a text.")
    assert judge_text("equals", "18", Expected("number", "x")) == skipped("The expected output is not a number.")


@given(st.text(alphabet=st.characters()), st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_a_text_always_equals_itself(text, case, space, punctuation, form):
    options = dict(zip(NOTHING_IGNORED, (case, space, punctuation, form), strict=True))

    assert judge_text("equals", text, Expected("text", text), **options) == PASSED
