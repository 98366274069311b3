import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control
from statsmodels.stats.multitest import multipletests

from taxonomy.statistics.alarms import PairCounts, benjamini_hochberg, holm, needed_of
from taxonomy.statistics.power import pairs_needed, smallest_difference
from tests.taxonomy.statistics.strategies import p_values, pairs

LEVEL = 0.025


def test_corrections_by_hand():
    # Holm: .01 * 3, then .02 * 2, then .9. Benjamini-Hochberg: .01 * 3/1, .02 * 3/2 (and so .03 for both), .9.
    assert holm([0.02, 0.9, 0.01]) == pytest.approx([0.04, 0.9, 0.03])
    assert benjamini_hochberg([0.02, 0.9, 0.01]) == pytest.approx([0.03, 0.9, 0.03])
    assert holm([]) == benjamini_hochberg([]) == []


@settings(max_examples=20)  # statsmodels takes 0.1 s for Holm's
@given(p_values.filter(len))
def test_corrections_are_those_of_statsmodels_and_scipy(ps):
    assert holm(ps) == pytest.approx(multipletests(ps, method="holm")[1], abs=1e-12)
    assert benjamini_hochberg(ps) == pytest.approx(multipletests(ps, method="fdr_bh")[1], abs=1e-12)
    assert benjamini_hochberg(ps) == pytest.approx(false_discovery_control(ps), abs=1e-12)


@given(p_values, st.floats(0, 1))
def test_corrections_keep_the_order_and_only_raise(ps, other):
    for correct in (holm, benjamini_hochberg):
        adjusted = correct(ps)
        assert all(raised >= p for raised, p in zip(adjusted, ps, strict=True))
        assert sorted(adjusted) == [adjusted[place] for place in sorted(range(len(ps)), key=ps.__getitem__)]
    assert all(more >= less for more, less in zip(holm([*ps, other]), holm(ps), strict=False))


def test_a_rise_that_was_seen_needs_more_pairs_than_there_are():
    assert needed_of(PairCounts(5, 5, 9, 481), LEVEL) == pairs_needed(4 / 500, 14 / 500, LEVEL) > 500


def test_without_a_rise_it_is_planned_for_one_of_2_points():
    assert needed_of(PairCounts(10, 4, 4, 482), LEVEL) == pairs_needed(0.02, 8 / 500, LEVEL) > 500
    assert needed_of(PairCounts(0, 0, 0, 0), LEVEL) == pairs_needed(0.02, 0.02, LEVEL)


def test_nothing_is_needed_where_2_points_would_have_shown():
    many = PairCounts(10, 400, 400, 99_190)

    assert smallest_difference(many.n, 0.008, LEVEL) < 0.02
    assert needed_of(many, LEVEL) is None


@given(pairs)
def test_what_is_needed_is_more_than_there_is(counts):
    needed = needed_of(counts, LEVEL)

    assert needed is None or needed > counts.n
    if needed is None:
        assert counts.second_only <= counts.first_only
        assert smallest_difference(counts.n, counts.discordant / counts.n, LEVEL) <= 0.02
