"""The check “Contains text”."""

from hypothesis import given
from hypothesis import strategies as st

from evalhub.checks.kinds.base import Expected
from tests.checks.kinds.judging import PASSED, failed, judge_text, skipped


def test_all_listed_texts_must_be_there():
    assert judge_text("contains", "We refund in 5 days.", texts=["refund", "5 DAYS"]) == PASSED
    assert judge_text("contains", "We refund.", texts=["refund", "sorry", "5 days"]) == failed(
        "missing_text", "The answer does not contain “sorry”, “5 days”."
    )


def test_one_listed_text_is_enough():
    assert judge_text("contains", "Sorry.", texts=["refund", "sorry"], mode="any") == PASSED
    assert judge_text("contains", "Hello.", texts=["refund", "sorry"], mode="any") == failed(
        "missing_text", "The answer contains none of “refund”, “sorry”; one is wanted."
    )
    assert judge_text("contains", "Hello.", texts=["sorry"], mode="any") == failed(
        "missing_text", "The answer does not contain “sorry”."
    )


def test_listed_texts_can_be_forbidden():
    assert judge_text("contains", "Hello.", texts=["as an AI"], mode="none") == PASSED
    assert judge_text("contains", "As an AI, I", texts=["as an AI"], mode="none") == failed(
        "forbidden_text", "The answer contains “as an AI”, which it must not contain."
    )


def test_case_can_count():
    assert judge_text("contains", "refund", texts=["Refund"], ignore_case=False) == failed(
        "missing_text", "The answer does not contain “Refund”."
    )


def test_without_a_list_the_expected_text_is_looked_for():
    assert judge_text("contains", "It is Paris.", Expected("text", "Paris")) == PASSED
    assert judge_text("contains", "It is Rome.", Expected("text", "Paris")) == failed(
        "missing_text", "The answer does not contain “Paris”."
    )
    assert judge_text("contains", "x", Expected("text", "")) == skipped("The expected text is empty.")
    assert judge_text("contains", "x") == skipped(
        "The example gives no expected output; this check compares with a text."
    )


@given(st.text(alphabet=st.characters()), st.text(alphabet=st.characters(), min_size=1), st.text())
def test_a_text_with_more_around_it_is_contained(before, wanted, after):
    assert judge_text("contains", before + wanted + after, texts=[wanted], ignore_case=False) == PASSED
