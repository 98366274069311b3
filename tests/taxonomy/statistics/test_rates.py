import pytest
from hypothesis import given
from statsmodels.stats.proportion import proportion_confint

from evalhub.checks.rates import upper_bound, wilson
from taxonomy.statistics.rates import Rate, rate_of
from tests.taxonomy.statistics.strategies import shares


@pytest.mark.parametrize(
    ("count", "n", "low", "high"),
    [
        # Newcombe 1998, Two-sided confidence intervals for the single proportion, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_intervals(count, n, low, high):
    rate = rate_of(count, n)

    assert (rate.low, rate.high) == pytest.approx((low, high), abs=5e-5)
    assert rate.share == count / n


@given(shares)
def test_the_interval_is_that_of_scipy_and_of_statsmodels(pair):
    count, n = pair
    rate = rate_of(count, n)

    expected = proportion_confint(count, n, method="wilson" if count else "beta")
    assert (rate.low, rate.high) == pytest.approx(expected, abs=1e-12)
    assert (rate.low, rate.high) == pytest.approx(wilson(count, n) if count else (0, upper_bound(n)), abs=1e-12)


@given(shares)
def test_a_rate_lies_in_its_interval(pair):
    rate = rate_of(*pair)

    assert 0 <= rate.low <= rate.share <= rate.high <= 1


@given(shares)
def test_what_fails_and_what_does_not_mirror_each_other(pair):
    count, n = pair
    if 0 < count < n:
        assert rate_of(n - count, n).low == pytest.approx(1 - rate_of(count, n).high)


def test_none_of_some_is_at_most_something():
    # 1 - 0.025 ** (1 / 20)
    assert rate_of(0, 20) == Rate(0, 20, 0.0, 0.0, pytest.approx(0.168433, abs=1e-6), True)


def test_all_of_some_reaches_up_to_one():
    # 20 / (20 + 1.96 ** 2)
    assert rate_of(20, 20) == Rate(20, 20, 1.0, pytest.approx(0.838874, abs=1e-6), 1.0, False)


def test_nothing_counted_is_no_figure():
    assert rate_of(0, 0) == Rate(0, 0, None, None, None, False)


@pytest.mark.parametrize(("count", "n"), [(3, 2), (-1, 2), (1, 0)])
def test_more_than_there_are_is_refused(count, n):
    with pytest.raises(ValueError, match="is no share"):
        rate_of(count, n)
