import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonomy.statistics.rates import rate_of
from taxonomy.statistics.severity import weighted_rate
from tests.taxonomy.statistics.strategies import shares

WEIGHTS = {"minor": 1.0, "major": 3.0, "critical": 10.0}


def test_a_mean_weight_by_hand():
    found = weighted_rate({"minor": 6, "major": 3, "critical": 1}, WEIGHTS, 100)

    assert found.value == pytest.approx(0.25)  # (6 * 1 + 3 * 3 + 1 * 10) / 100
    assert found.unweighted == rate_of(10, 100)
    # Shares of at least minor, major, critical: 10, 4, 1 % (Wilson to 17.437, 9.837, 5.449 %); one more step weighs
    # 1, 2 and 7: distances .07437, .11674, .31143. Correlations of a share with a part of it, that is
    # sqrt(part * (1 - whole) / (whole * (1 - part))): .61237, .30151, .49237.
    squares = 0.07437**2 + 0.11674**2 + 0.31143**2
    crossed = 0.61237 * 0.07437 * 0.11674 + 0.30151 * 0.07437 * 0.31143 + 0.49237 * 0.11674 * 0.31143
    assert found.high == pytest.approx(0.25 + (squares + 2 * crossed) ** 0.5, abs=1e-4)


@given(shares, st.floats(0.1, 100))
def test_one_severity_is_the_plain_rate_times_its_weight(pair, weight):
    count, n = pair
    found, plain = weighted_rate({"major": count}, {"major": weight}, n), rate_of(count, n)

    assert (found.value, found.low, found.high) == pytest.approx(
        (plain.share * weight, plain.low * weight, plain.high * weight)
    )


@given(st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(sum))
def test_it_lies_in_its_interval_and_within_the_weights(drawn):
    *counts, passed = drawn
    found = weighted_rate(dict(zip(WEIGHTS, counts, strict=True)), WEIGHTS, sum(counts) + passed)

    assert 0 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 10


def test_weights_of_zero_leave_a_severity_out():
    assert weighted_rate({"minor": 4, "major": 2}, {"minor": 0, "major": 1}, 50).value == 2 / 50


def test_none_failed_is_at_most_as_many_critical_ones():
    found = weighted_rate({}, WEIGHTS, 60)

    assert (found.value, found.low, found.high) == (0, 0, pytest.approx(10 * rate_of(0, 60).high))


def test_nothing_counted_is_no_figure():
    found = weighted_rate({}, WEIGHTS, 0)

    assert (found.value, found.low, found.high, found.unweighted) == (None, None, None, rate_of(0, 0))


@pytest.mark.parametrize(
    ("counts", "weights", "n"),
    [({"odd": 1}, WEIGHTS, 5), ({"minor": 1}, {"minor": -1.0}, 5), ({"minor": 6}, WEIGHTS, 5)],
)
def test_what_cannot_be_is_refused(counts, weights, n):
    with pytest.raises(ValueError, match=r"No weight|no share"):
        weighted_rate(counts, weights, n)
