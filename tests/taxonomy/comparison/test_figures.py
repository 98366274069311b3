"""What is said of figures by their pairs: which are shown to be worse, and at which level."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonomy.comparison.figures import Subject, judged
from taxonomy.statistics.alarms import Answer, PairCounts, needed_of
from taxonomy.statistics.paired import difference, mcnemar
from taxonomy.statistics.power import smallest_difference
from tests.taxonomy.comparison.making import figure_made
from tests.taxonomy.statistics.strategies import pairs

EQUAL = PairCounts(10, 4, 4, 482)
WORSE = PairCounts(5, 4, 30, 461)  # p = 2 * P(at most 4 of 34) = 6e-6
BETTER = PairCounts(5, 30, 4, 461)
modes = st.dictionaries(st.integers(1, 30), pairs, max_size=12)


def said(counted, critical=()):
    return judged([figure_of(key, counts, critical) for key, counts in counted.items()])


def figure_of(key, counts, critical=()):
    severity = "critical" if key in critical else "major"
    number = key if isinstance(key, int) else 1 + sum(key.encode())
    return figure_made(Subject("mode", str(key), "people", error_type=number, severity=severity), *counts)


def standings(figures):
    return [figure.standing for figure in figures]


def test_each_mode_gets_one_answer_by_its_pairs():
    found = said({"json": WORSE, "tone": EQUAL, "facts": BETTER})

    assert standings(found) == [Answer.WORSE, Answer.CANNOT_TELL, Answer.BETTER]
    assert found[0].p == mcnemar(4, 30)
    assert found[0].adjusted == pytest.approx(3 * found[0].p)
    assert found[0].difference == difference(*WORSE)
    assert found[0].needed is None


def test_a_total_is_tested_alone():
    slight = PairCounts(0, 1, 8, 491)  # p = 0.039
    total = figure_made(Subject("people", "By people", "people"), *slight)

    found = judged([total, figure_of("json", WORSE), figure_of("tone", EQUAL)])

    assert standings(found) == [Answer.WORSE, Answer.WORSE, Answer.CANNOT_TELL]
    assert found[0].adjusted == found[0].p
    assert found[1].adjusted == pytest.approx(2 * found[1].p)


def test_critical_modes_are_tested_alone():
    # p = 2 * (1 + 8) / 2 ** 8 = 0.07; 2 * (1 + 9) / 2 ** 9 = 0.039: worse alone, but not as one of three.
    counted = {"leak": PairCounts(0, 1, 8, 491), "tone": EQUAL, "facts": EQUAL}

    alone, among = said(counted, {"leak"})[0], said(counted)[0]

    assert alone.standing == Answer.WORSE
    assert alone.adjusted == alone.p == pytest.approx(0.0390625)
    assert among.standing == Answer.CANNOT_TELL
    assert among.adjusted == pytest.approx(3 * 0.0390625)


def test_a_critical_mode_takes_no_place_in_the_correction_of_others():
    assert said({"json": WORSE, "leak": EQUAL}, {"leak"})[0].adjusted == mcnemar(4, 30)


def test_modes_in_which_the_runs_do_not_differ_take_no_place_in_the_correction():
    same = {f"never {n}": PairCounts(n, 0, 0, 500 - n) for n in range(20)}

    *never, json, tone = said({**same, "json": WORSE, "tone": EQUAL})

    assert json.adjusted == pytest.approx(2 * json.p)
    assert {(figure.standing, figure.adjusted) for figure in [*never, tone]} == {(Answer.CANNOT_TELL, 1)}


def test_a_type_without_those_below_it_is_not_tested():
    own = figure_made(Subject("mode", "json", "people", error_type=1, is_own=True), *WORSE)

    assert standings(judged([own])) == [Answer.CANNOT_TELL]


def test_what_cannot_be_told_says_how_many_pairs_would_tell_at_the_level_of_one_of_two():
    seen = PairCounts(5, 5, 9, 481)

    one, none = said({"a": seen, "b": EQUAL})

    assert one.needed == needed_of(seen, 0.025) > 500
    assert one.shows == smallest_difference(500, 14 / 500, level=0.025)
    assert none.needed == needed_of(EQUAL, 0.025) > 500


def test_without_pairs_nothing_can_be_told():
    (mode,) = said({"a": PairCounts(0, 0, 0, 0)})

    assert (mode.difference, mode.p, mode.shows, mode.needed) == (None, 1, None, None)
    assert mode.standing == Answer.CANNOT_TELL


@given(modes, st.sets(st.integers(1, 30)))
def test_there_is_no_alarm_without_a_rise(counted, critical):
    for mode in said(counted, critical):
        if mode.standing == Answer.WORSE:
            assert mode.counts.second > mode.counts.first
            assert mode.adjusted <= 0.05
        assert mode.needed is None or (mode.standing == Answer.CANNOT_TELL and mode.needed > mode.n)


@given(modes, st.sets(st.integers(1, 30)))
def test_the_other_way_round_worse_is_better(counted, critical):
    swapped = {key: PairCounts(c.both, c.second_only, c.first_only, c.neither) for key, c in counted.items()}

    one, two = said(counted, critical), said(swapped, critical)

    turned = {Answer.WORSE: Answer.BETTER, Answer.BETTER: Answer.WORSE, Answer.CANNOT_TELL: Answer.CANNOT_TELL}
    assert [turned[standing] for standing in standings(one)] == standings(two)
    assert [mode.adjusted for mode in one] == [mode.adjusted for mode in two]


@given(modes, st.integers(1, 1000))
def test_examples_on_which_both_are_equal_change_no_answer(counted, more):
    longer = {key: counts._replace(neither=counts.neither + more) for key, counts in counted.items()}

    one, two = said(counted), said(longer)

    assert [(mode.p, mode.adjusted, mode.standing) for mode in one] == [
        (mode.p, mode.adjusted, mode.standing) for mode in two
    ]
