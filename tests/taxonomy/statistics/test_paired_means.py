import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import permutation_test
from statsmodels.api import OLS

from taxonomy.statistics.paired import PairedMean, mcnemar, mean_difference, weight_of_repeats

thirds = st.integers(0, 3).map(lambda count: count / 3)
quarters = st.integers(0, 4).map(lambda count: count / 4)  # floats that add up exactly, as SciPy needs them for ties
examples = st.lists(st.tuples(thirds, thirds), min_size=1, max_size=40)


def test_four_examples_by_hand():
    # Differences 1/2, 1/2, 0, -1/4: mean 3/16. Of the 8 ways to give three of them a sign, those whose sum is at least
    # as far from 0 as 3/4 are +++ and --- (5/4), ++- and --+ (3/4): 4 of 8.
    found = mean_difference([0, 0.5, 1, 0.25], [0.5, 1, 1, 0])

    assert (found.value, found.p, found.n) == (pytest.approx(3 / 16), pytest.approx(0.5), 4)


@given(st.lists(st.tuples(quarters, quarters), min_size=2, max_size=9))
def test_p_is_that_of_scipys_permutation_test_over_all_signs(drawn):
    first, second = np.array(drawn).T

    expected = permutation_test(
        (first, second), lambda one, two: np.mean(two - one), permutation_type="samples", n_resamples=np.inf
    ).pvalue
    assert mean_difference(first, second).p == pytest.approx(min(expected, 1), abs=1e-9)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_one_repeat_is_the_exact_mcnemar_test(first_only, second_only, equal):
    assume(first_only + second_only + equal)
    first = [1] * first_only + [0] * (second_only + equal)
    second = [0] * first_only + [1] * second_only + [0] * equal

    found = mean_difference(first, second)

    assert found.p == pytest.approx(mcnemar(first_only, second_only), rel=1e-9)
    assert found.value == pytest.approx((second_only - first_only) / len(first))


def test_the_interval_is_that_of_the_mean_with_one_more_example_for_either_side():
    first, second = [0.2, 0.4, 0.0, 1.0, 0.6, 0.2], [0.4, 0.4, 0.6, 0.8, 0.8, 0.2]
    change = np.subtract(second, first)
    size = np.sqrt(np.mean(change[change != 0] ** 2))

    low, high = OLS([*change, size, -size], np.ones(8)).fit().conf_int()[0]  # t with 7 degrees of freedom

    found = mean_difference(first, second)
    assert (found.low, found.high) == pytest.approx((low, high))


def test_clusters_of_one_size_have_the_interval_of_statsmodels():
    random = np.random.default_rng(7)
    place = np.repeat(np.arange(20), 4)
    change = random.choice([-0.5, 0, 0.5, 1], 80) + 0.0 * place
    first, second = np.maximum(-change, 0), np.maximum(change, 0)
    size = np.sqrt(np.mean(change[change != 0] ** 2))

    found = mean_difference(first, second, clusters=[f"conversation {each}" for each in place])

    # The two examples more are clusters of one: the clusters are nearly of one size, and both corrections agree.
    fit = OLS([*change, size, -size], np.ones(82)).fit(
        cov_type="cluster", cov_kwds={"groups": [*place, 20, 21]}, use_t=True
    )
    assert (found.low, found.high) == pytest.approx(tuple(fit.conf_int()[0]), abs=2e-3)
    assert found.n == 20


@given(examples)
def test_swapping_the_candidates_mirrors_the_difference(drawn):
    first, second = np.array(drawn).T
    one, two = mean_difference(first, second), mean_difference(second, first)

    assert (one.value, one.low, one.high) == pytest.approx((-two.value, -two.high, -two.low), abs=1e-12)
    assert one.p == pytest.approx(two.p)


@given(examples, thirds)
def test_an_example_on_which_both_are_equal_changes_no_p(drawn, equal):
    first, second = np.array(drawn).T

    longer = mean_difference([*first, equal], [*second, equal])

    assert longer.p == pytest.approx(mean_difference(first, second).p)


@given(examples)
def test_the_difference_lies_in_its_interval(drawn):
    first, second = np.array(drawn).T
    found = mean_difference(first, second)

    assert -1 <= found.low <= found.value <= found.high <= 1
    assert 0 < found.p <= 1


@given(examples, st.floats(0.1, 50))
def test_only_the_proportion_of_weights_counts(drawn, factor):
    first, second = np.array(drawn).T
    weights = np.arange(1, len(first) + 1)

    one, two = mean_difference(first, second, weights), mean_difference(first, second, weights * factor)

    assert (one.value, one.low, one.high) == pytest.approx((two.value, two.low, two.high))
    assert one.p == pytest.approx(two.p)


def test_weights_draw_the_mean_towards_what_was_repeated_more():
    # Repeats 1 and 1, then 3 and 3: weights 1 and 3; differences 1 and 0.
    weights = [weight_of_repeats(1, 1), weight_of_repeats(3, 3)]

    assert weights == [1, 3]
    assert weight_of_repeats(1, 3) == 1.5  # 2 * 1 * 3 / 4
    assert mean_difference([0, 0], [1, 0], weights).value == 0.25


def test_examples_of_one_cluster_count_once():
    apart = mean_difference([0] * 12, [1] * 6 + [0] * 6)
    together = mean_difference([0] * 12, [1] * 6 + [0] * 6, clusters=["a"] * 6 + list("bcdefg"))

    assert apart.p == pytest.approx(0.03125)  # 2 / 2 ** 6
    assert together.p == 1
    assert together.value == apart.value
    assert together.high - together.low > apart.high - apart.low


def test_nothing_differs():
    found = mean_difference([0.5] * 50, [0.5] * 50)

    assert (found.value, found.p) == (0, 1)
    assert found.low == -found.high < 0


def test_a_single_example_says_nothing():
    assert mean_difference([0], [1]) == PairedMean(1.0, -1.0, 1.0, 1.0, 1)


def test_no_example_is_no_figure():
    assert mean_difference([], []) is None


def test_thousands_of_different_differences_take_students_t():
    random = np.random.default_rng(3)
    first = random.random(3000)
    second = first + random.normal(0.01, 0.2, 3000)

    found = mean_difference(first, second)

    expected = OLS(second - first, np.ones(3000)).fit().pvalues[0]
    assert found.p == pytest.approx(expected, rel=0.05)
