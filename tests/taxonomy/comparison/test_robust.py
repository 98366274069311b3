"""The difference of means by how many examples of each kind there are, against the same over each example."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from taxonomy.comparison.counting import Means
from taxonomy.comparison.robust import robust_difference
from taxonomy.statistics.paired import mcnemar, mean_difference

SHARES = some.sampled_from([0.0, 0.1, 0.3, 1.0])


@given(some.lists(some.tuples(SHARES, SHARES, some.integers(1, 30)), min_size=1, max_size=8), some.integers(0, 300))
def test_counted_examples_are_the_same_as_examples_one_by_one(kinds, others):
    means = [Means(one, two, count, "", 1.0) for one, two, count in kinds]
    n = others + sum(count for _, _, count in kinds)

    found = robust_difference(means, {("", 1.0): n})

    first = np.repeat([one for one, _, _ in kinds] + [0.0], [count for *_, count in kinds] + [others])
    second = np.repeat([two for _, two, _ in kinds] + [0.0], [count for *_, count in kinds] + [others])
    expected = mean_difference(first, second)
    assert (found.interval.value, found.interval.low, found.interval.high, found.p) == pytest.approx(
        (expected.value, expected.low, expected.high, expected.p), abs=1e-9
    )
    assert (found.first, found.second) == pytest.approx((first.mean(), second.mean()))
    assert found.units == n


def test_clusters_and_weights_are_handed_on():
    means = [Means(0.0, 1.0, 3, "a", 1.0), Means(0.5, 0.0, 1, "b", 1.5), Means(0.0, 1.0, 2, "", 1.0)]
    sizes = {("a", 1.0): 4, ("b", 1.5): 1, ("", 1.0): 5}

    found = robust_difference(means, sizes)

    first, second = [0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0], [1, 1, 1, 0, 0, 1, 1, 0, 0, 0]
    expected = mean_difference(first, second, [1, 1, 1, 1, 1.5, 1, 1, 1, 1, 1], [*"aaaab", 1, 2, 3, 4, 5])
    assert (found.interval.value, found.interval.low, found.interval.high, found.p) == pytest.approx(
        (expected.value, expected.low, expected.high, expected.p)
    )
    assert found.units == 7


def test_with_one_repeat_and_no_clusters_it_is_the_exact_test_of_mcnemar():
    means = [Means(1.0, 0.0, 3, "", 1.0), Means(0.0, 1.0, 9, "", 1.0), Means(1.0, 1.0, 2, "", 1.0)]

    assert robust_difference(means, {("", 1.0): 40}).p == pytest.approx(mcnemar(3, 9))
