import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control
from statsmodels.stats.multitest import multipletests

from taxonomy.statistics.alarms import Answer, PairCounts, benjamini_hochberg, holm, judge_modes
from taxonomy.statistics.paired import difference, mcnemar
from taxonomy.statistics.power import pairs_needed, smallest_difference
from tests.taxonomy.statistics.strategies import p_values, pairs

EQUAL = PairCounts(10, 4, 4, 482)
WORSE = PairCounts(5, 4, 30, 461)  # p = 2 * P(at most 4 of 34) = 6e-6
BETTER = PairCounts(5, 30, 4, 461)
BETTER_TOTAL = PairCounts(120, 30, 20, 330)
modes = st.dictionaries(st.integers(0, 30), pairs, max_size=12)


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


def test_a_mode_that_rose_while_the_total_did_not_is_a_hidden_regression():
    judgement = judge_modes(BETTER_TOTAL, {"json": WORSE, "tone": EQUAL, "facts": BETTER}, critical=())

    assert [mode.key for mode in judgement.hidden] == ["json"]
    assert [mode.answer for mode in judgement.modes] == [Answer.WORSE, Answer.CANNOT_TELL, Answer.BETTER]
    (json,) = judgement.worse
    assert json.p == mcnemar(4, 30)
    assert json.adjusted == pytest.approx(3 * json.p)
    assert json.difference == difference(*WORSE)
    assert json.needed is None


def test_a_rise_that_the_total_shows_too_is_not_hidden():
    judgement = judge_modes(PairCounts(120, 20, 60, 300), {"json": WORSE}, critical=())

    assert judgement.is_total_worse
    assert [mode.key for mode in judgement.worse] == ["json"]
    assert judgement.hidden == ()


def test_a_total_that_fell_by_chance_hides_a_regression():
    # 25 against 20: worse, but p = 0.55.
    judgement = judge_modes(PairCounts(120, 20, 25, 335), {"json": WORSE}, critical=())

    assert judgement.total.answer == Answer.CANNOT_TELL
    assert [mode.key for mode in judgement.hidden] == ["json"]


def test_critical_modes_are_tested_alone():
    # p = 2 * (1 + 8) / 2 ** 8 = 0.07; 2 * (1 + 9) / 2 ** 9 = 0.039: worse alone, but not as one of three.
    slight, others = PairCounts(0, 1, 8, 491), {"tone": EQUAL, "facts": EQUAL}

    alone = judge_modes(BETTER_TOTAL, {"leak": slight, **others}, critical={"leak"})
    among = judge_modes(BETTER_TOTAL, {"leak": slight, **others}, critical=set())

    assert [mode.key for mode in alone.critical] == ["leak"]
    assert alone.critical[0].adjusted == alone.critical[0].p == pytest.approx(0.0390625)
    assert alone.hidden == alone.critical
    assert among.worse == ()
    assert among.modes[0].adjusted == pytest.approx(3 * 0.0390625)


def test_a_critical_mode_takes_no_place_in_the_correction_of_others():
    with_it = judge_modes(BETTER_TOTAL, {"json": WORSE, "leak": EQUAL}, critical={"leak"})

    assert with_it.modes[0].adjusted == mcnemar(4, 30)


def test_modes_in_which_the_candidates_do_not_differ_take_no_place_in_the_correction():
    same = {f"never {n}": PairCounts(n, 0, 0, 500 - n) for n in range(20)}

    judgement = judge_modes(BETTER_TOTAL, {**same, "json": WORSE, "tone": EQUAL}, critical=())

    json = judgement.worse[0]
    assert json.adjusted == pytest.approx(2 * json.p)
    assert len(judgement.cannot_tell) == 21
    assert {mode.adjusted for mode in judgement.cannot_tell} == {1}


def test_any_new_critical_failure_is_listed():
    critical = {"leak": PairCounts(0, 0, 1, 499), "harm": PairCounts(3, 2, 0, 495)}

    judgement = judge_modes(BETTER_TOTAL, critical, critical=critical)

    assert [mode.key for mode in judgement.newly_critical] == ["leak"]
    assert judgement.critical == ()


def test_what_cannot_be_told_says_how_many_pairs_would_tell():
    # 4 more of 500, with 14 discordant pairs; one of two modes, so at 2.5 %.
    judgement = judge_modes(BETTER_TOTAL, {"a": PairCounts(5, 5, 9, 481), "b": EQUAL}, critical=())

    one, none = judgement.cannot_tell
    assert one.needed == pairs_needed(4 / 500, 14 / 500, level=0.025) > 500
    assert one.shows == smallest_difference(500, 14 / 500, level=0.025)
    # No rise was seen: one of 2 points is planned for.
    assert none.needed == max(pairs_needed(0.02, 8 / 500, level=0.025), 501)


def test_without_pairs_nothing_can_be_told():
    nothing = PairCounts(0, 0, 0, 0)

    judgement = judge_modes(nothing, {"a": nothing}, critical=())

    (mode,) = judgement.cannot_tell
    assert (mode.difference, mode.p, mode.shows) == (None, 1, None)
    assert mode.needed == pairs_needed(0.02, 0.02)
    assert judgement.total.answer == Answer.CANNOT_TELL


def test_five_pairs_show_nothing_however_they_fall():
    (mode,) = judge_modes(BETTER_TOTAL, {"a": PairCounts(0, 0, 5, 0)}, critical=()).cannot_tell

    assert mode.shows is None
    assert mode.needed == 6


def test_more_pairs_are_needed_than_there_are_even_if_they_would_show_2_points():
    many = PairCounts(10, 400, 400, 99_190)

    (mode,) = judge_modes(BETTER_TOTAL, {"a": many}, critical=()).cannot_tell

    assert pairs_needed(0.02, 0.008) < many.n
    assert mode.needed == many.n + 1


def test_without_modes_there_is_the_total():
    judgement = judge_modes(WORSE, {}, critical=())

    assert (judgement.is_total_worse, judgement.modes) == (True, ())


@given(pairs, modes, st.sets(st.integers(0, 30)))
def test_every_mode_gets_one_answer_and_no_alarm_without_a_rise(total, modes, critical):
    judgement = judge_modes(total, modes, critical)

    assert [mode.key for mode in judgement.modes] == list(modes)
    for mode in judgement.modes:
        assert (mode in judgement.cannot_tell) == (mode.answer == Answer.CANNOT_TELL) == (mode.needed is not None)
        if mode.answer == Answer.WORSE:
            assert mode.counts.second > mode.counts.first
            assert mode.adjusted <= 0.05
        if mode.needed is not None:
            assert mode.needed > mode.counts.n


@given(pairs, modes, st.sets(st.integers(0, 30)))
def test_swapping_the_candidates_turns_worse_into_better(total, modes, critical):
    swapped = {key: PairCounts(c.both, c.second_only, c.first_only, c.neither) for key, c in modes.items()}

    one, two = judge_modes(total, modes, critical), judge_modes(total, swapped, critical)

    turned = {Answer.WORSE: Answer.BETTER, Answer.BETTER: Answer.WORSE, Answer.CANNOT_TELL: Answer.CANNOT_TELL}
    assert [turned[mode.answer] for mode in one.modes] == [mode.answer for mode in two.modes]
    assert [mode.adjusted for mode in one.modes] == [mode.adjusted for mode in two.modes]


@given(pairs, modes, st.integers(1, 1000))
def test_examples_on_which_both_are_equal_change_no_answer(total, modes, more):
    longer = {key: counts._replace(neither=counts.neither + more) for key, counts in modes.items()}

    one, two = judge_modes(total, modes), judge_modes(total, longer)

    assert [(mode.p, mode.adjusted, mode.answer) for mode in one.modes] == [
        (mode.p, mode.adjusted, mode.answer) for mode in two.modes
    ]
