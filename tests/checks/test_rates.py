import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalhub.checks.rates import upper_bound, wilson


@pytest.mark.parametrize(
    ("passed", "n", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_wilson_intervals(passed, n, low, high):
    assert wilson(passed, n) == pytest.approx((low, high), abs=5e-5)


def test_upper_bound_of_none_in_n():
    # 1 - 0.025 ** (1 / 300)
    assert upper_bound(300) == pytest.approx(0.012221, abs=1e-6)
    assert upper_bound(1) == pytest.approx(0.975)


def test_nothing_counted_has_no_interval():
    assert wilson(0, 0) is None
    assert upper_bound(0) is None


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_share_lies_in_its_interval_and_failures_mirror_passes(counts):
    passed, n = counts
    low, high = wilson(passed, n)

    assert 0 <= low <= passed / n + 1e-12
    assert passed / n - 1e-12 <= high <= 1
    mirrored_low, mirrored_high = wilson(n - passed, n)
    assert (low, high) == pytest.approx((1 - mirrored_high, 1 - mirrored_low))
