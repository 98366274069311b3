"""Agreement held against published figures, another implementation, and cases by hand."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from reviews.agreement.measures import Figure, agreement_of, masi, nominal, only_of, pairs_in, seen_as, tally


def rows(*people: str):
    """One mapping for each item, from a string of answers for each person; "." is no answer."""
    return [
        {person: value for person, value in enumerate(answers, 1) if value != "."}
        for answers in zip(*people, strict=True)
    ]


# Krippendorff 2011, C: four observers, missing data, nominal.
FOUR = rows("123321412...", "1233224125.3", ".3332342251.", "12332441251.")


def test_four_observers_with_missing_answers_have_the_published_alpha():
    found = agreement_of(tally(FOUR))

    assert round(found.alpha.value, 3) == 0.743
    assert found.kappa is None
    # Unit 12 has one answer. Units 2, 6 and 8 hold more than one answer.
    assert (found.items, found.differing) == (11, 3)


@pytest.mark.parametrize(
    ("first", "second", "alpha"),
    [
        ("0100000010", "1110010000", 0.095),  # Krippendorff 2011, A: binary
        ("aabbdcccedda", "babbbccceddd", 0.692),  # Krippendorff 2011, B: nominal
    ],
)
def test_two_observers_have_the_published_alpha(first, second, alpha):
    assert round(agreement_of(tally(rows(first, second))).alpha.value, 3) == alpha


def test_kappa_of_two_by_hand():
    # 20 both yes, 5 only the first, 10 only the second, 15 both no: .7 agree, .5 by chance, so .2 / .5.
    items = [*rows("y" * 20, "y" * 20), *rows("y" * 5, "n" * 5), *rows("n" * 10, "y" * 10), *rows("n" * 15, "n" * 15)]

    found = agreement_of(tally(items))

    assert (found.items, found.differing, found.raw.value) == (50, 15, 0.7)
    assert found.kappa.value == pytest.approx(0.4)
    assert found.kappa.low < 0.4 < found.kappa.high


def test_raw_agreement_of_three_is_the_share_of_pairs_mean_over_items():
    # Three alike: 1. Two alike: 1 of 3 pairs. Two who differ: 0.
    found = agreement_of(tally([{1: "p", 2: "p", 3: "p"}, {1: "p", 2: "p", 3: "f"}, {1: "p", 3: "f"}]))

    assert found.raw.value == pytest.approx((1 + 1 / 3 + 0) / 3)
    assert (found.items, found.differing) == (3, 2)


def test_masi_distances_by_hand():
    sets = [frozenset("ab"), frozenset("a"), frozenset("bc"), frozenset("c"), frozenset()]

    found = masi(sets).round(6).tolist()

    assert found[0] == [
        0.0,
        round(1 - 1 / 2 * 2 / 3, 6),  # one of two in common, one holds the other
        round(1 - 1 / 3 * 1 / 3, 6),  # one of three in common, neither holds the other
        1.0,  # nothing in common
        1.0,
    ]
    assert found[4] == [1.0, 1.0, 1.0, 1.0, 0.0]


def test_masi_alpha_by_hand():
    # Two items: {a} and {a,b}; {b} and {b}. d(a,ab) = d(b,ab) = 2/3, d(a,b) = 1.
    # Within: 2 x 2/3 of 4 labels. Between all 4 x 3 ordered pairs of a, ab, b, b: 2 (2/3 + 1 + 1 + 2/3 + 2/3) = 8.
    items = [{1: frozenset("a"), 2: frozenset("ab")}, {1: frozenset("b"), 2: frozenset("b")}]

    found = agreement_of(tally(items), masi)

    assert found.alpha.value == pytest.approx(1 - (2 * 2 / 3 / 4) / (8 / 12))
    assert found.raw.value == 0.5


def test_people_who_always_say_the_same_one_thing_have_raw_agreement_and_nothing_else():
    found = agreement_of(tally(rows("ppp", "ppp")))

    assert (found.raw, found.kappa, found.alpha) == (Figure(1.0), Figure(None), Figure(None))


def test_nobody_in_common_gives_no_figure():
    assert agreement_of(tally([{1: "p"}, {2: "f"}, {}])) is None
    assert agreement_of(tally([])) is None


def test_one_item_has_no_interval():
    found = agreement_of(tally([{1: "p", 2: "f"}]))

    assert (found.raw, found.kappa) == (Figure(0.0), Figure(0.0))
    assert found.alpha == Figure(0.0)


def test_the_same_labels_give_the_same_interval_and_more_labels_a_narrower_one():
    chance = random.Random(4)
    few = [{1: (first := chance.random() < 0.6), 2: first if chance.random() < 0.8 else not first} for _ in range(100)]

    small, again, large = agreement_of(tally(few)), agreement_of(tally(few)), agreement_of(tally(few * 16))

    assert small == again
    assert large.kappa.value == pytest.approx(small.kappa.value)
    ratio = (small.kappa.high - small.kappa.low) / (large.kappa.high - large.kappa.low)
    assert 3.5 < ratio < 4.5


def test_a_question_and_a_pair_narrow_the_tally():
    items = tally([{1: ("fail", "a"), 2: ("fail", "b"), 3: ("pass", "")}, {1: ("pass", ""), 3: ("pass", "")}])

    outcomes = seen_as(items, lambda said: said[0])

    assert pairs_in(items) == [(1, 2), (1, 3), (2, 3)]
    assert agreement_of(only_of(outcomes, {1, 2})).raw.value == 1.0
    assert agreement_of(only_of(items, {1, 2})).raw.value == 0.0
    assert agreement_of(only_of(outcomes, {1, 3})).raw.value == 0.5
    assert agreement_of(only_of(items, {2, 4})) is None


answers = st.lists(
    st.dictionaries(st.integers(1, 4), st.frozensets(st.sampled_from("abc"), max_size=2), max_size=4), max_size=12
)


@given(answers, st.permutations([1, 2, 3, 4]), st.sampled_from([nominal, masi]))
def test_who_is_who_and_the_order_of_items_change_nothing(items, order, distance):
    renamed = [{order[person - 1]: value for person, value in item.items()} for item in reversed(items)]

    first = agreement_of(tally(items), distance, resamples=5)
    second = agreement_of(tally(renamed), distance, resamples=5)

    assert (first is None) == (second is None)
    if first:
        assert (first.items, first.differing) == (second.items, second.differing)
        assert first.raw.value == pytest.approx(second.raw.value)
        assert first.alpha.value == pytest.approx(second.alpha.value)
        if first.kappa:
            assert first.kappa.value == pytest.approx(second.kappa.value)


@given(st.lists(st.frozensets(st.sampled_from("abc")), min_size=2, max_size=20), st.sampled_from([nominal, masi]))
def test_perfect_agreement_is_one_unless_everything_is_alike(said, distance):
    found = agreement_of(tally({1: value, 2: value, 3: value} for value in said), distance, resamples=5)

    assert (found.raw, found.differing) == (Figure(1.0), 0)
    assert found.alpha.value == (None if len(set(said)) == 1 else pytest.approx(1.0))


@given(st.lists(st.tuples(st.sampled_from("pfx"), st.sampled_from("pfx")), min_size=1, max_size=40))
def test_kappa_is_that_of_scikit_learn_and_nothing_is_above_one(pairs):
    found = agreement_of(tally({1: first, 2: second} for first, second in pairs), resamples=20)

    said = {value for pair in pairs for value in pair}
    if len(said) == 1:
        assert found.kappa == found.alpha == Figure(None)
    else:
        assert found.kappa.value == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True), labels=sorted(said)))
    for figure in (found.raw, found.kappa, found.alpha):
        if figure.low is not None:
            assert -1 <= figure.low <= figure.high <= 1 + 1e-9
