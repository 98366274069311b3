"""When two texts count as the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalhub.checks.kinds.texts import loose_form, text_normaliser

NORMALISE_ALL = text_normaliser(characters=True, case=True, punctuation=True, white_space=True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hello,  World!", "hello world"),
        ("U.S.A.", "usa"),
        ("don't", "dont"),
        ("well-known", "well known"),
        ("snake_case", "snake case"),
        ("2024-01-31", "2024/01/31"),
        ("\uff21\ufb01 e\u0301", "afi é"),
        ("Straße", "STRASSE"),
    ],
)
def test_normalised_texts_agree(one, other):
    assert NORMALISE_ALL(one) == NORMALISE_ALL(other)


@pytest.mark.parametrize(
    ("one", "other"), [("1.5", "15"), ("-5", "5"), ("10:30", "1030"), ("a + b", "a b"), ("5 %", "5 $"), ("C++", "C")]
)
def test_what_changes_the_meaning_stays(one, other):
    assert NORMALISE_ALL(one) != NORMALISE_ALL(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("interest_rates", "Interest rates"), ("3x + 2", "3x+2"), ("New York, NY", "new york NY"), ("x**2", "x ** 2")],
)
def test_loose_forms_agree_in_spite_of_case_punctuation_and_spaces(one, other):
    assert loose_form(one) == loose_form(other)


@pytest.mark.parametrize(
    ("one", "other"), [("1.5", "15"), ("1 5", "15"), ("-", "/"), ("-5", "5"), ("<", ">"), ("", " ")]
)
def test_loose_forms_that_mean_different_things_differ(one, other):
    assert loose_form(one) != loose_form(other)


def test_a_hostile_run_of_combining_characters_is_left_as_it_is():
    """Normalising it would take minutes: the time grows with the square of the run's length."""
    text = "a" + "\u0301\u0316" * 500_000

    assert NORMALISE_ALL(text) == text


@given(st.text(alphabet=st.characters()))
def test_any_text_has_its_forms(text):
    assert isinstance(loose_form(NORMALISE_ALL(text)), str)
