"""How sentences quote what a model wrote."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalhub.checks.kinds.wording import enumerate_briefly, excerpt, quote, show_number


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\tand a tab", "two↵lines␉and a tab"),
        ("a\x00b", "a␀b"),
        ("a\ud800b", "a\ufffdb"),
        ("a\u202eb\x7f", "a‹U+202E›b‹U+007F›"),
        ("1\u00a0000", "1\u00a0000"),
        ("x" * 81, "x" * 80 + "…"),
    ],
)
def test_an_excerpt_is_short_and_shows_what_is_invisible(text, shown):
    assert excerpt(text) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("text", "“text”"),
        (1, "1"),
        (0, "0"),
        (1.5, "1.5"),
        (True, "true"),
        (None, "null"),
        (["é", 1], '["é", 1]'),
        (Decimal("18.00"), "18"),
    ],
)
def test_values_are_quoted_as_json_people_can_read(value, shown):
    assert quote(value) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("18", "18"),
        ("18.50", "18.5"),
        ("100", "100"),
        ("1E+2", "100"),
        ("-0.001", "-0.001"),
        ("0", "0"),
        ("0.00", "0"),
        ("1E+900", "1E+900"),
        ("9" * 100, "9" * 40 + "…"),
    ],
)
def test_numbers_are_shown_as_people_write_them(number, shown):
    assert show_number(Decimal(number)) == shown


def test_a_long_list_is_cut():
    assert enumerate_briefly(["a", "b", "c", "d", "e", "f"]) == "a, b, c, d, and 2 more"


@given(st.text(alphabet=st.characters(), max_size=200))
def test_an_excerpt_can_always_be_stored(text):
    shown = excerpt(text)

    shown.encode()
    assert "\x00" not in shown
