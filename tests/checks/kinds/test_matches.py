"""The check “Matches a pattern”."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalhub.checks.kinds import judge
from evalhub.checks.kinds.base import ParameterError
from tests.checks.kinds.judging import PASSED, failed, judge_text


def test_some_part_of_the_answer_must_match():
    assert judge_text("matches", "Order A-17 is late.", pattern=r"[A-Z]-\d+") == PASSED
    assert judge_text("matches", "No order.", pattern=r"[A-Z]-\d+") == failed(
        "no_match", r"Nothing in the answer matches “[A-Z]-\d+”."
    )


def test_no_part_of_the_answer_may_match():
    assert judge_text("matches", "All well.", pattern=r"\bsorry\b", mode="no_match") == PASSED
    assert judge_text("matches", "I am sorry.", pattern=r"\bsorry\b", mode="no_match") == failed(
        "forbidden_match", r"The answer contains “sorry”, which it must not (it matches “\bsorry\b”)."
    )


def test_case_and_unicode():
    assert judge_text("matches", "SORRY", pattern="sorry")[1] == "no_match"
    assert judge_text("matches", "SORRY", pattern="sorry", ignore_case=True) == PASSED
    assert judge_text("matches", "Größe", pattern=r"^\pL+$") == PASSED
    assert judge_text("matches", "a\nb", pattern="^b$")[1] == "no_match"
    assert judge_text("matches", "a\nb", pattern="(?m)^b$") == PASSED


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("", "Write a pattern."),
        ("x" * 2001, "The pattern is longer than 2,000 characters."),
        (r"\ud800"[0] + "\ud800", "The pattern holds half a character (a lone surrogate)."),
        (r"(?=a)b", "no lookahead or lookbehind"),
        (r"(?!a)b", "no lookahead or lookbehind"),
        (r"(?<=a)b", "no lookahead or lookbehind"),
        (r"(?<!a)b", "no lookahead or lookbehind"),
        (r"(a)\1", "no backreference"),
        (r"(?P<n>a)(?P=n)", "no backreference"),
        (r"a++", "leave out the second “+”"),
        (r"(?>a)", "leave out the second “+” or the “?>”"),
        (r"a\Z", "write “\\z” for the end"),
        (r"a{1001}", "to 1,000 at most"),
        (r"(a{1000}){1000}", "to 1,000 at most"),
        (r"(a", "The pattern is not understood: missing ): (a."),
        (r"[z-a]", "The pattern is not understood: invalid character class range: z-a."),
    ],
)
def test_a_pattern_that_cannot_be_used_is_explained(pattern, sentence):
    with pytest.raises(ParameterError) as refused:
        judge("matches", {"pattern": pattern})

    assert refused.value.parameter == "pattern"
    assert sentence in str(refused.value)


@pytest.mark.parametrize("pattern", [r"^(a+)+$", r"(a|a)*$", r"(.*)*x", r"(x+x+)+y"])
def test_catastrophic_patterns_end_at_once(pattern):
    """With an engine that backtracks, this test would not end."""
    assert judge_text("matches", "a" * 100_000 + "!" + "x" * 100_000, pattern=pattern)[0] in ("passed", "failed")


@given(st.text(alphabet=st.characters()))
def test_any_text_is_searched(text):
    assert judge_text("matches", text, pattern=r"(?s)^.*$") == PASSED
