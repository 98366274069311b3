from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar
from statsmodels.stats.contingency_tables import mcnemar as reference

from taxonomy.statistics.alarms import PairCounts
from taxonomy.statistics.intervals import Interval
from taxonomy.statistics.paired import difference, mcnemar
from tests.taxonomy.statistics.strategies import pairs

counts = st.integers(0, 2_000)


@given(counts, counts)
def test_the_test_is_the_exact_one_of_statsmodels(first_only, second_only):
    expected = reference([[5, first_only], [second_only, 7]], exact=True).pvalue

    assert mcnemar(first_only, second_only) == pytest.approx(expected, rel=1e-9, abs=1e-200)  # SciPy's ends at 0 before


@pytest.mark.parametrize(
    ("first_only", "second_only", "p"),
    [
        (0, 0, 1.0),
        (0, 1, 1.0),  # 2 * 1/2
        (0, 5, 0.0625),  # 2 * 1/32
        (6, 0, 0.03125),  # 2 * 1/64
        (1, 4, 0.375),  # 2 * (1 + 5) / 32
        (3, 3, 1.0),
    ],
)
def test_small_tests_by_hand(first_only, second_only, p):
    assert mcnemar(first_only, second_only) == pytest.approx(p, rel=1e-12)


@given(counts, counts)
def test_swapping_the_candidates_changes_no_p(first_only, second_only):
    assert mcnemar(first_only, second_only) == mcnemar(second_only, first_only)


def test_a_published_interval():
    # Airway reactivity before and after a transplantation (Bentur 2009): 1, 1, 7, 12. Tango's interval in Fagerland,
    # Lydersen and Laake 2014, Recommended tests and confidence intervals for paired binomial proportions.
    assert difference(1, 7, 1, 12) == Interval(
        pytest.approx(-6 / 21), pytest.approx(-0.517, abs=5e-4), pytest.approx(-0.026, abs=5e-4)
    )


def score_by_search(counts: PairCounts, gap: float) -> float:
    """Tango's z, with the likeliest shares for the gap looked for, not solved for."""
    _, less, more, _ = counts

    def unlikelihood(share: float) -> float:
        rest = 1 - 2 * share - gap
        return -sum(
            count * log(max(part, 1e-300))
            for count, part in ((less, share), (more, share + gap), (counts.n - less - more, rest))
        )

    bounds = (max(0.0, -gap) + 1e-12, (1 - gap) / 2 - 1e-12)
    share = minimize_scalar(unlikelihood, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
    return (more - less - counts.n * gap) / (counts.n * (2 * share + gap * (1 - gap))) ** 0.5


@pytest.mark.parametrize(
    "counts", [PairCounts(36, 12, 2, 0), PairCounts(10, 3, 24, 463), PairCounts(0, 1, 4, 15), PairCounts(9, 40, 60, 11)]
)
def test_the_interval_holds_what_the_score_test_does_not_refuse(counts):
    found = difference(*counts)

    low = brentq(lambda gap: score_by_search(counts, gap) - 1.959964, -0.999, found.value)
    high = brentq(lambda gap: score_by_search(counts, gap) + 1.959964, found.value, 0.999)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-5)


@given(pairs)
def test_swapping_the_candidates_mirrors_the_difference(counts):
    both, first_only, second_only, neither = counts
    one, two = difference(*counts), difference(both, second_only, first_only, neither)

    assert (one.value, one.low, one.high) == pytest.approx((-two.value, -two.high, -two.low), abs=1e-11)


@given(pairs)
def test_the_difference_of_the_shares_lies_in_its_interval(counts):
    found = difference(*counts)

    assert found.value == pytest.approx(counts.second / counts.n - counts.first / counts.n)
    assert -1 <= found.low <= found.value <= found.high <= 1


@given(pairs)
def test_what_is_equal_counts_by_its_number_alone(counts):
    both, first_only, second_only, neither = counts

    assert difference(*counts) == difference(0, first_only, second_only, both + neither)


def test_no_discordant_pair_is_no_difference():
    # z ** 2 / (n + z ** 2) to either side
    assert difference(7, 0, 0, 93) == Interval(
        0.0, pytest.approx(-0.036994, abs=1e-6), pytest.approx(0.036994, abs=1e-6)
    )
    assert mcnemar(0, 0) == 1


def test_no_pair_is_no_figure():
    assert difference(0, 0, 0, 0) is None


def test_a_candidate_that_is_always_worse():
    assert difference(0, 0, 30, 0).high == 1
    assert difference(0, 30, 0, 0).low == -1


def test_the_interval_agrees_with_mcnemar_where_there_are_many_pairs():
    # A difference of just 1.96 standard errors: (c - b) / sqrt(b + c), 1.96 ** 2 * 400 = 39.2 ** 2.
    found = difference(100, 1000, 1089, 97_811)

    assert mcnemar(1000, 1089) == pytest.approx(0.0541, abs=5e-4)
    assert found.low == pytest.approx(0, abs=1e-4)
    assert np.sign(difference(100, 1000, 1120, 97_780).low) == 1
