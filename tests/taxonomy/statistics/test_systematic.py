"""Systematic or random: repeats, and concentration by tags."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, hypergeom
from scipy.stats import permutation_test as reference

from taxonomy.statistics.concentration import Concentration, lift_by_tag, with_and_without
from taxonomy.statistics.consistency import Repeated, Repeats, repeated_share
from taxonomy.statistics.rates import rate_of

values = st.dictionaries(
    st.text(max_size=3),
    st.integers(0, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    max_size=5,
)


def test_examples_that_failed_once_by_hand():
    # 25 of 30 failed at least once, 10 of them each time.
    found = repeated_share([Repeats(0, 4, 5), Repeats(4, 4, 10), Repeats(1, 4, 10), Repeats(3, 4, 5)])

    assert found.always == rate_of(10, 25)
    # (40 + 10 + 15) / 120 = .5417 of the repeats: .5417 ** 4 / (1 - .4583 ** 4).
    assert found.by_chance == pytest.approx(0.0861 / 0.9559, abs=1e-4)


def test_one_repeat_has_no_figure():
    assert repeated_share([Repeats(1, 1, 10), Repeats(0, 1, 90)]) is None
    assert repeated_share([]) is None


def test_examples_with_one_repeat_are_left_out():
    assert repeated_share([(1, 1, 10), (2, 2, 3), (1, 2, 1)]) == repeated_share([(2, 2, 3), (1, 2, 1)])


def test_nothing_failed_is_no_share():
    assert repeated_share([Repeats(0, 3, 10)]) == Repeated(rate_of(0, 0), None)


def test_everything_failed_is_systematic_and_chance_would_do_the_same():
    assert repeated_share([Repeats(3, 3, 8)]) == Repeated(rate_of(8, 8), pytest.approx(1))


@given(st.lists(st.tuples(st.integers(0, 5), st.just(5), st.integers(1, 20)), min_size=1))
def test_chance_lies_between_nothing_and_one(tallies):
    found = repeated_share(tallies)

    if found.by_chance is not None:
        assert 0 <= found.by_chance <= 1 + 1e-9


def test_lift_by_hand():
    (found,) = lift_by_tag({"language": {"de": (12, 40), "en": (3, 60), "fr": (1, 20), "it": (0, 0)}})

    # 16 of 120: 13.3 %. German 30 %: 2.25 times that; the others 5 %: 0.375 times.
    assert [(each.value, each.rate, each.lift) for each in found.slices] == [
        ("de", rate_of(12, 40), pytest.approx(2.25)),
        ("en", rate_of(3, 60), pytest.approx(0.375)),
        ("fr", rate_of(1, 20), pytest.approx(0.375)),
    ]


@pytest.mark.parametrize(("having", "lacking"), [((12, 40), (8, 80)), ((3, 30), (9, 70)), ((30, 300), (30, 700))])
def test_a_tag_with_two_values_has_the_p_of_the_exact_test(having, lacking):
    (found,) = lift_by_tag({"tag": {"yes": having, "no": lacking}})

    (count, n), (other_count, other_n) = having, lacking
    total, expected = count + other_count, n * (count + other_count) / (n + other_n)
    deals = hypergeom(n + other_n, total, n)
    exact = sum(deals.pmf(dealt) for dealt in range(total + 1) if abs(dealt - expected) >= abs(count - expected) - 1e-9)
    assert found.p == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 9_999) ** 0.5 + 2e-4)


def test_p_is_that_of_scipys_permutation_test():
    counts = {"de": (7, 20), "en": (3, 30), "fr": (2, 25)}
    flags = [flag for count, n in counts.values() for flag in [1] * count + [0] * (n - count)]
    place = [number for number, (_, n) in enumerate(counts.values()) for _ in range(n)]

    def unevenness(flags):
        table = [
            [sum(f for f, p in zip(flags, place, strict=True) if p == number), n]
            for number, (_, n) in enumerate(counts.values())
        ]
        return chi2_contingency([[count, n - count] for count, n in table], correction=False).statistic

    expected = reference(
        (flags,), unevenness, permutation_type="pairings", n_resamples=800, alternative="greater", rng=1
    )
    (found,) = lift_by_tag({"language": counts})
    assert found.p == pytest.approx(expected.pvalue, abs=0.015)


def test_a_mode_in_one_slice_alone_is_found_after_correction_and_the_same_every_time():
    tags = {"hot": {"yes": (30, 50), "no": (30, 950)}} | {
        f"cold {n}": {"yes": (3, 50), "no": (57, 950)} for n in range(20)
    }

    found = lift_by_tag(tags)

    assert (found[0].p, found[0].adjusted) == (1 / 10_000, pytest.approx(21 / 10_000))
    assert all(each.adjusted == 1 for each in found[1:])
    assert found == lift_by_tag(tags)


def test_more_tags_change_no_p():
    one, two = {"a": {"x": (5, 20), "y": (1, 30)}}, {"b": {"x": (9, 20), "y": (1, 30)}}

    assert lift_by_tag(two | one)[1].p == lift_by_tag(one)[0].p


@pytest.mark.parametrize("counts", [{}, {"de": (3, 10)}, {"de": (0, 10), "en": (0, 5)}, {"de": (4, 4), "en": (2, 2)}])
def test_nothing_to_be_tested_has_no_p(counts):
    (found,) = lift_by_tag({"language": counts})

    assert (found.p, found.adjusted) == (None, None)


def test_no_example_has_the_mode_no_lift():
    (found,) = lift_by_tag({"language": {"de": (0, 10), "en": (0, 5)}})

    assert {each.lift for each in found.slices} == {None}


def test_no_tag_no_figure():
    assert lift_by_tag({}) == []


def test_tags_that_an_example_may_have_several_of():
    assert with_and_without({"long": (3, 10)}, 8, 40) == {"long": {"yes": (3, 10), "no": (5, 30)}}


@given(st.dictionaries(st.text(max_size=3), values, max_size=3))
def test_lifts_average_to_one(tags):
    for found in lift_by_tag(tags, permutations=99):
        assert isinstance(found, Concentration)
        if found.p is not None:
            n = sum(each.rate.n for each in found.slices)
            assert sum(each.lift * each.rate.n for each in found.slices) / n == pytest.approx(1)
            assert 1 / 100 <= found.p <= found.adjusted <= 1
