import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, recall_score

from taxonomy.statistics.intervals import Interval
from taxonomy.statistics.judges import (
    JudgeCounts,
    JudgeRates,
    JudgeRefused,
    corrected,
    corrected_share,
    prediction_powered,
    rates,
)
from taxonomy.statistics.rates import rate_of

GOOD = JudgeCounts(true_positive=92, false_negative=8, true_negative=88, false_positive=12)
counts = st.builds(JudgeCounts, *[st.integers(0, 80)] * 4).filter(lambda each: each.n)


def test_how_right_a_judge_is():
    assert rates(GOOD) == JudgeRates(rate_of(92, 100), rate_of(88, 100))


def test_how_right_a_judge_is_by_scikit_learn():
    random = np.random.default_rng(5)
    people, judge = random.integers(0, 2, 200), random.integers(0, 2, 200)
    (true_negative, false_positive), (false_negative, true_positive) = confusion_matrix(people, judge).tolist()

    found = rates(JudgeCounts(true_positive, false_negative, true_negative, false_positive))

    assert found.tpr.share == pytest.approx(recall_score(people, judge))
    assert found.tnr.share == pytest.approx(recall_score(people, judge, pos_label=0))


def test_without_such_outputs_there_is_no_rate():
    assert rates(JudgeCounts(0, 0, 5, 5)).tpr.share is None


def test_the_corrected_share_of_the_specification():
    assert corrected_share(0.80, 0.92, 0.88) == pytest.approx(0.85)
    assert corrected(800, 1000, GOOD).value == pytest.approx(0.85)


def test_the_corrected_share_is_clipped():
    assert corrected_share(0.05, 0.9, 0.9) == 0
    assert corrected_share(0.99, 0.9, 0.9) == 1


def test_a_perfect_judge_needs_no_correction():
    assert corrected_share(0.3, 1, 1) == pytest.approx(0.3)


@pytest.mark.parametrize(("tpr", "tnr"), [(0.5, 0.5), (0.9, 0.1), (0.3, 0.4)])
def test_a_judge_no_better_than_a_coin_is_refused(tpr, tnr):
    with pytest.raises(JudgeRefused):
        corrected_share(0.3, tpr, tnr)


def test_a_judge_that_was_not_held_against_people_is_refused():
    with pytest.raises(JudgeRefused):
        corrected(3, 10, JudgeCounts(0, 0, 50, 2))


@pytest.mark.parametrize(("count", "n"), [(0, 0), (5, 4)])
def test_shares_that_cannot_be_are_refused(count, n):
    with pytest.raises(ValueError, match=r"no share|It takes"):
        corrected(count, n, GOOD)
    with pytest.raises(ValueError, match=r"no share|It takes"):
        prediction_powered(count, n, GOOD)


def test_the_bootstrap_is_the_delta_method_where_there_are_many_outputs():
    many = JudgeCounts(*(each * 100 for each in GOOD))
    found = corrected(80_000, 100_000, many)

    # Rogan and Gladen 1978: (p(1-p)/n + share**2 tpr(1-tpr)/n1 + (1-share)**2 tnr(1-tnr)/n0) / (tpr + tnr - 1)**2
    variance = (0.16 / 1e5 + 0.85**2 * 0.92 * 0.08 / 1e4 + 0.15**2 * 0.88 * 0.12 / 1e4) / 0.8**2
    assert (found.low, found.high) == pytest.approx(
        (0.85 - 1.96 * variance**0.5, 0.85 + 1.96 * variance**0.5), abs=5e-4
    )
    assert found == corrected(80_000, 100_000, many)


@given(counts, st.integers(0, 300))
def test_the_corrected_share_lies_in_its_interval(known, count):
    try:
        found = corrected(count, 300, known)
    except JudgeRefused:
        return
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_prediction_powered_by_hand():
    # The judge: 30 %. People found 5 of 200 that it let pass, and let pass 15 that it found: 5 points fewer.
    known = JudgeCounts(true_positive=45, false_negative=5, true_negative=135, false_positive=15)
    found = prediction_powered(3_000, 10_000, known)

    # Angelopoulos et al. 2023: .3 * .7 / 10000 + (20/200 - .05 ** 2) / 200 = 5.085e-4
    assert found.value == pytest.approx(0.25)
    assert (found.low, found.high) == pytest.approx(
        (0.25 - 1.96 * 0.02255, 0.25 + 1.96 * 0.02255), abs=6e-3
    )  # Tango's leans to the rarer side


def test_prediction_powered_comes_to_the_published_interval_where_there_are_many_outputs():
    known = JudgeCounts(4_500, 500, 13_500, 1_500)
    found = prediction_powered(300_000, 1_000_000, known)

    half = 1.96 * (0.21 / 1e6 + (0.1 - 0.05**2) / 2e4) ** 0.5
    assert (found.low, found.high) == pytest.approx((0.25 - half, 0.25 + half), abs=5e-5)


@given(counts, st.integers(0, 300))
def test_prediction_powered_lies_in_its_interval(known, count):
    found = prediction_powered(count, 300, known)

    assert 0 <= found.low <= found.value <= found.high <= 1


@given(counts, st.integers(0, 300))
def test_prediction_powered_mirrors_what_has_the_error_and_what_has_not(known, count):
    mirrored = JudgeCounts(known.true_negative, known.false_positive, known.true_positive, known.false_negative)
    one, two = prediction_powered(count, 300, known), prediction_powered(300 - count, 300, mirrored)

    assert (one.value, one.low, one.high) == pytest.approx((1 - two.value, 1 - two.high, 1 - two.low))


def test_people_alone_say_it_where_the_judge_always_passes():
    # The judge finds nothing anywhere, so what people found of their sample is all: Tango's interval is Wilson's there.
    plain = rate_of(30, 200)
    found = prediction_powered(0, 10**9, JudgeCounts(0, 30, 170, 0))

    assert found == Interval(0.15, pytest.approx(plain.low, abs=2e-3), pytest.approx(plain.high, abs=2e-3))


def test_without_a_sample_of_peoples_it_is_refused():
    with pytest.raises(ValueError, match="It takes outputs"):
        prediction_powered(3, 10, JudgeCounts(0, 0, 0, 0))
