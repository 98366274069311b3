"""Numbers as people and models write them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalhub.evalsets.numbers import NotOneNumber, find_last_number, find_numbers, read_number


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("18", "18"),
        ("# 18", "18"),
        ("**18**", "18"),
        ("18.", "18"),
        ("It is 3.14.", "3.14"),
        (".5 and -.5", "0.5 -0.5"),
        ("wait...5", "5"),
        ("٣٫٥", "3.5"),
        ("\uff11\uff18", "18"),
    ],
)
def test_a_plain_number_is_read(text, numbers):
    assert find_numbers(text) == decimals(numbers)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,234", "1234"),  # ambiguous: always thousands
        ("1,234.5", "1234.5"),
        ("1,234,567", "1234567"),
        ("12,34,567", "1234567"),
        ("1,20,000", "120000"),
        ("1.234,5", "1234.5"),
        ("1.234.567", "1234567"),
        ("1.234.567,89", "1234567.89"),
        ("12.345", "12.345"),  # ambiguous: always a decimal point
        ("1'234", "1234"),
        ("1\u2019234.50", "1234.5"),
        ("1 234 567,89", "1234567.89"),
        ("1\u202f234", "1234"),
        ("1_000", "1000"),
        ("1{,}234", "1234"),
        ("1,5", "1.5"),
        ("0,123", "0.123"),
        ("1234,567", "1234.567"),
    ],
)
def test_separators_follow_the_table(text, numbers):
    assert find_numbers(text) == decimals(numbers)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,2,3", "1 2 3"),
        ("1, 2, 3", "1 2 3"),
        ("192.168.1.1", "192 168 1 1"),
        ("31.12.2024", "31 12 2024"),
        ("2024-01-31", "2024 1 31"),
        ("10:30", "10 30"),
        ("1/2", "1 2"),
        ("5'11", "5 11"),
        ("100 200 300 5000", "100 200 300 5000"),
        ("1,2.5,3", "1 2.5 3"),
    ],
)
def test_lists_and_dates_are_several_numbers(text, numbers):
    assert find_numbers(text) == decimals(numbers)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("-5", "-5"),
        ("\u22125", "-5"),
        ("(-5)", "-5"),
        ("= -5", "-5"),
        ("-$1,200.50", "-1200.5"),
        ("$-5", "-5"),
        ("-€ 3,5", "-3.5"),
        ("3-4", "3 4"),
        ("5 - 3", "5 3"),
        ("5%-10%", "5 10"),
        ("$5-$10", "5 10"),
        ("5€-10€", "5 10"),
        ("--5", "5"),
        ("3 + -4", "3 -4"),
    ],
)
def test_a_minus_counts_only_where_nothing_is_glued_before_it(text, numbers):
    assert find_numbers(text) == decimals(numbers)


@pytest.mark.parametrize(
    "text", ["A-1234", "x5", "id_7", "v1.2.3", "H2O", "COVID-19", "NaN", "inf", "½", "-", "", "\x00"]
)
def test_names_and_other_text_hold_no_number(text):
    assert find_numbers(text) == []


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("$18.00", "18"),
        ("USD100", "100"),
        ("Rs.500", "500"),
        ("CHF 1’200.–", "1200"),
        ("7%", "7"),
        ("5kg on the 18th", "5 18"),
    ],
)
def test_currency_percent_and_units_stand_beside_a_number(text, numbers):
    assert find_numbers(text) == decimals(numbers)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1e5", "1e5"),
        ("1E-3", "1e-3"),
        ("1.5 × 10^5", "1.5e5"),
        ("6.02×10²³", "6.02e23"),
        (r"2 \times 10^{-3}", "2e-3"),
    ],
)
def test_powers_of_ten_are_calculated(text, number):
    assert find_numbers(text) == [Decimal(number)]


def test_a_number_of_5000_digits_is_exact():
    assert find_numbers("is " + "9" * 5000) == [Decimal("9" * 5000)]


@pytest.mark.parametrize("text", ["# 18", "$18", " 18 ", "18 apples", "18.0"])
def test_read_number_takes_the_only_number(text):
    assert read_number(text) == 18


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("abc", "“abc” holds no number. Write exactly one, such as 18 or 1,200.50."),
        ("3 or 4", "“3 or 4” holds 2 numbers. Write exactly one, such as 18 or 1,200.50."),
        ("\x00\ud800", "“\ufffd\ufffd” holds no number. Write exactly one, such as 18 or 1,200.50."),
        ("a" * 61, f"“{'a' * 60}…” holds no number. Write exactly one, such as 18 or 1,200.50."),
    ],
)
def test_read_number_refuses_none_and_several(text, message):
    with pytest.raises(NotOneNumber) as refused:
        read_number(text)

    assert str(refused.value) == message


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9))
def test_every_number_that_python_writes_is_read_back(number):
    assert find_numbers(f"The answer is {number:f}.") == [number]
    assert find_numbers(f"The answer is {number:,f}.") == [number]


@given(st.text(alphabet=st.characters() | st.sampled_from("0123456789.,'- $€eE×^\ud800")))
def test_any_text_is_read_and_the_last_number_is_the_last(text):
    numbers = find_numbers(text)

    assert find_last_number(text) == (numbers[-1] if numbers else None)


@pytest.mark.parametrize(
    ("piece", "numbers"),
    [("9", 1), ("1,", 100_000), ("1.", 100_000), ("-", 0), ("1 ", 100_000), ("1e", 1), ("x1", 0), (".1", 100_000)],
)
def test_hostile_repetition_is_read_at_once(piece, numbers):
    """Each takes under 0.1 s; with a pattern that backtracks, this test would not end."""
    assert len(find_numbers(piece * 100_000)) == numbers


def decimals(numbers):
    return [Decimal(number) for number in numbers.split()]
