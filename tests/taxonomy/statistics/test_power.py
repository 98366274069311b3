from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonomy.statistics.paired import mcnemar
from taxonomy.statistics.power import exact_power, pairs_needed, smallest_difference

SETTINGS = [
    (discordant, difference)
    for discordant in (0.01, 0.03, 0.06, 0.1, 0.2, 0.4, 0.7)
    for difference in (0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3)
    if difference <= discordant
]


def test_six_pairs_of_one_kind_are_the_fewest_that_show_anything():
    # 2 / 2 ** 6 = 0.031, 2 / 2 ** 5 = 0.0625
    assert exact_power(6, 1, 1) == 1
    assert exact_power(5, 1, 1) == 0
    assert pairs_needed(1, 1) == 6
    assert smallest_difference(5, 0.1) is None
    assert smallest_difference(6, 0.1) == pytest.approx(0.97, abs=0.03)


def test_exact_power_is_the_sum_over_all_tables():
    n, first, second = 14, 0.1, 0.5
    power = sum(
        comb(n, one) * comb(n - one, two) * first**one * second**two * (1 - first - second) ** (n - one - two)
        for one in range(n + 1)
        for two in range(n + 1 - one)
        if mcnemar(one, two) <= 0.05
    )

    assert exact_power(n, second - first, first + second) == pytest.approx(power)


@pytest.mark.parametrize(("discordant", "difference"), SETTINGS)
@pytest.mark.parametrize("level", [0.05, 0.005])
def test_so_many_pairs_have_80_percent_power_and_no_fourth_of_them_is_wasted(discordant, difference, level):
    needed = pairs_needed(difference, discordant, level)

    assert exact_power(needed, difference, discordant, level) >= 0.795
    if difference < discordant * 0.7:  # see the docstring for the rest
        assert exact_power(round(needed * 0.75), difference, discordant, level) < 0.8


def test_a_textbook_number_of_pairs():
    # Connor 1987 without correction: (1.96 * sqrt(.2) + .8416 * sqrt(.2 - .01)) ** 2 / .01 = 154.60;
    # corrected: 154.60 / 4 * (1 + sqrt(1 + 4 / 15.46)) ** 2 = 174.03.
    assert pairs_needed(0.1, 0.2) == 175


@given(st.integers(6, 100_000), st.floats(0, 1))
def test_the_smallest_difference_is_the_one_that_needs_so_many_pairs(n, discordant):
    smallest = smallest_difference(n, discordant)

    assert pairs_needed(smallest, discordant) <= n
    assert pairs_needed(smallest * 0.99, discordant) >= n * 0.99


@given(st.floats(0.001, 1), st.floats(0, 1))
def test_a_rise_and_a_fall_need_the_same(difference, discordant):
    assert pairs_needed(difference, discordant) == pairs_needed(-difference, discordant)


@given(st.floats(0.001, 0.5), st.floats(0, 1))
def test_a_stricter_level_and_a_smaller_difference_need_more(difference, discordant):
    needed = pairs_needed(difference, discordant)

    assert pairs_needed(difference, discordant, level=0.005) > needed
    assert pairs_needed(difference / 2, discordant) > needed


@pytest.mark.parametrize("difference", [0, 1.01])
def test_no_difference_cannot_be_planned_for(difference):
    with pytest.raises(ValueError, match="cannot be shown"):
        pairs_needed(difference, 0.1)
