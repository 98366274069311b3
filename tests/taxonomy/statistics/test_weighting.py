import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonomy.statistics.rates import rate_of
from taxonomy.statistics.weighting import Group, hajek, unread_groups
from tests.taxonomy.statistics.strategies import groups, shares


def test_two_strata_by_hand():
    # 100 read with certainty, 50 have it; 100 read of 1000, 2 have it: (50 + 20) / (100 + 1000).
    estimate = hajek([Group(1, 100, 50), Group(0.1, 100, 2)])

    assert estimate.share == pytest.approx(70 / 1100)
    assert estimate.n == 200
    # MOVER: strata are 1/11 and 10/11 of the outputs. Wilson: 40.383..59.617 % and 0.5502..7.0012 %. What lies between
    # them: 1.96 ** 2 * (1/11 * (.5 - .06364) ** 2 + 10/11 * (.02 - .06364) ** 2) / 1100 = 6.65e-5.
    below = ((1 / 11 * 0.09617) ** 2 + (10 / 11 * 0.014498) ** 2 + 6.65e-5) ** 0.5
    above = ((1 / 11 * 0.09617) ** 2 + (10 / 11 * 0.050012) ** 2 + 6.65e-5) ** 0.5
    assert (estimate.low, estimate.high) == pytest.approx((70 / 1100 - below, 70 / 1100 + above), abs=2e-5)


@given(shares)
def test_with_everything_looked_at_it_is_the_plain_rate(pair):
    count, n = pair
    estimate, plain = hajek([Group(1, n, count)]), rate_of(count, n)

    assert estimate.share == pytest.approx(plain.share)
    assert (estimate.low, estimate.high) == pytest.approx((plain.low, plain.high))
    assert estimate.effective_n == pytest.approx(n)
    assert estimate.is_at_most == plain.is_at_most


@given(shares, st.floats(0.01, 1))
def test_with_one_probability_for_all_it_is_the_plain_rate_too(pair, probability):
    count, n = pair
    estimate, plain = hajek([Group(probability, n, count)]), rate_of(count, n)

    assert (estimate.share, estimate.low, estimate.high) == pytest.approx((plain.share, plain.low, plain.high))


@given(groups)
def test_the_estimate_lies_in_its_interval(drawn):
    estimate = hajek(drawn)

    assert 0 <= estimate.low <= estimate.share <= estimate.high <= 1
    assert estimate.n == sum(group.n for group in drawn)
    assert estimate.effective_n > 0


@given(groups, st.randoms())
def test_the_order_of_the_groups_does_not_matter(drawn, random):
    shuffled = random.sample(drawn, len(drawn))

    assert hajek(shuffled) == hajek(drawn)


@given(groups)
def test_groups_of_the_same_probability_are_one(drawn):
    halves = [part for g in drawn for part in (Group(g.probability, g.n, 0), Group(g.probability, g.n, g.count))]
    whole = [Group(group.probability, group.n * 2, group.count) for group in drawn]

    assert hajek(halves) == hajek(whole)


@given(groups)
def test_what_has_it_and_what_has_not_add_up(drawn):
    others = [Group(group.probability, group.n, group.n - group.count) for group in drawn]

    assert hajek(drawn).share + hajek(others).share == pytest.approx(1)


def test_none_found_is_at_most_something():
    estimate = hajek([Group(1, 50, 0), Group(0.1, 50, 0)])

    assert (estimate.share, estimate.low, estimate.is_at_most) == (0, 0, True)
    # 1 - 0.025 ** (1 / 50) = 0.07112 in each; strata of 1/11 and 10/11.
    assert estimate.high == pytest.approx(0.07112 * (1 / 121 + 100 / 121) ** 0.5, abs=1e-5)
    # Kish: 1 / (1/121/50 + 100/121/50)
    assert estimate.effective_n == pytest.approx(59.901, abs=1e-3)


def test_a_missing_probability_gives_no_estimate():
    assert hajek([Group(1, 50, 5), Group(None, 1, 0)]) is None


def test_a_stratum_of_which_nothing_is_settled_gives_no_total_and_is_named():
    read, unread = Group(1, 50, 5), Group(0.1, 0, 0)

    assert hajek([read, unread]) is None
    assert unread_groups([read, unread]) == [unread]


def test_nothing_settled_is_no_figure():
    assert hajek([]) is None
    assert hajek([Group(None, 0, 0)]) is None


def test_an_empty_group_without_a_probability_stands_for_nothing():
    assert hajek([Group(1, 50, 5), Group(None, 0, 0)]) == hajek([Group(1, 50, 5)])
