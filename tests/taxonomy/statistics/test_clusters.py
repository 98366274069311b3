import numpy as np
import pytest
from hypothesis import given
from statsmodels.api import OLS

from taxonomy.statistics.clusters import Clusters, clusters_of, robust
from taxonomy.statistics.rates import rate_of
from tests.taxonomy.statistics.strategies import clusters

UNEQUAL = [(1, 3), (0, 2), (4, 5), (0, 9), (2, 2), (3, 12), (0, 1)]


def examples_of(counts):
    """(has it, cluster) of each example."""
    flags = [flag for count, n in counts for flag in [1.0] * count + [0.0] * (n - count)]
    return np.array(flags), np.repeat(np.arange(len(counts)), [n for _, n in counts])


@pytest.mark.parametrize("size", [2, 5, 20])
def test_clusters_of_one_size_have_the_standard_error_of_statsmodels(size):
    random = np.random.default_rng(size)
    counts = [(int(count), size) for count in random.binomial(size, random.beta(1, 3, 15))]
    flags, place = examples_of(counts)

    error, freedom = clusters_of(counts, flags.mean()).spread()

    fit = OLS(flags, np.ones(len(flags))).fit(cov_type="cluster", cov_kwds={"groups": place, "use_correction": False})
    assert error == pytest.approx(fit.bse[0] * (15 / 14) ** 0.5)
    assert freedom == pytest.approx(14)


def test_unequal_clusters_have_the_standard_error_and_freedom_of_the_matrices():
    counts, n = UNEQUAL, np.array([n for _, n in UNEQUAL], float)
    flags, place = examples_of(counts)
    share = flags.mean()
    residuals = np.bincount(place, flags - share)
    # How much examples of one cluster hang together, by moments.
    together = (sum(residuals**2) - sum((flags - share) ** 2)) / (share * (1 - share) * sum(n * (n - 1)))
    expected = np.diag(n + np.clip(together, 0, 1) * n * (n - 1))
    hat = np.eye(len(n)) - np.outer(n, np.ones(len(n))) / n.sum()
    root = np.diag((1 - n / n.sum()) ** -0.5)
    m = root @ hat @ expected @ hat.T @ root
    variance = residuals @ root**2 @ residuals / n.sum() ** 2 * np.trace(expected) / np.trace(m)

    error, freedom = clusters_of(counts, share).spread()

    assert error == pytest.approx(variance**0.5)
    assert freedom == pytest.approx(np.trace(m) ** 2 / np.trace(m @ m))
    assert freedom < 6


def test_sums_over_examples_are_those_over_clusters():
    flags, place = examples_of(UNEQUAL)
    share = flags.mean()

    one = Clusters.of(flags - share, np.ones(len(flags)), place)

    assert one.spread() == pytest.approx(clusters_of(UNEQUAL, share).spread())


def test_one_example_in_each_cluster_is_the_plain_rate():
    found, plain = robust([(1, 1)] * 7 + [(0, 1)] * 33), rate_of(7, 40)

    assert (found.share, found.low, found.high) == pytest.approx((plain.share, plain.low, plain.high))
    assert (found.n, found.effective_n, found.clusters) == (40, 40, 40)


def test_clusters_that_are_alike_inside_are_worth_one_example_each():
    found = robust([(5, 5)] * 6 + [(0, 5)] * 14)

    # share * (1 - share) / variance, with 20 / 19 in the variance: 19.
    assert found.effective_n == pytest.approx(19)
    assert found.high - found.low > rate_of(30, 100).high - rate_of(30, 100).low


@given(clusters)
def test_the_share_lies_in_its_interval(counts):
    found = robust(counts)

    assert found.share == sum(count for count, _ in counts) / sum(n for _, n in counts)
    assert 0 <= found.low <= found.share <= found.high <= 1
    assert found.clusters == len(counts)
    assert 0 < found.effective_n <= 2 * found.n


@given(clusters)
def test_clusters_without_examples_do_not_count(counts):
    assert robust([*counts, (0, 0)]) == robust(counts)


def test_fewer_than_ten_clusters_are_few():
    assert robust([(1, 4)] * 9).are_few
    assert not robust([(1, 4)] * 10).are_few


def test_one_cluster_says_nothing():
    found = robust([(3, 30)])

    assert (found.share, found.low, found.high, found.are_few) == (0.1, 0, 1, True)


def test_none_found_is_at_most_what_as_many_examples_as_clusters_would_say():
    found = robust([(0, 10)] * 25)

    assert found.is_at_most
    assert (found.low, found.high) == (0, pytest.approx(rate_of(0, 25).high))


def test_no_example_is_no_figure():
    assert robust([]) is None
    assert robust([(0, 0)]) is None
