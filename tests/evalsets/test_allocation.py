import hashlib
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from evalhub.evalsets.allocation import (
    allocate_equally,
    allocate_proportionally,
    draw_number,
    inclusion_probability,
)

POOLS = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(0, 500), min_size=1, max_size=12)
SIZES = st.integers(0, 3000)


def test_shares_follow_the_strata_and_the_largest_remainder_gets_what_is_left():
    # Of 10 from 100: exact shares 5.6, 3.1 and 1.3; whole parts 5, 3 and 1, and the one left goes to .6.
    assert allocate_proportionally({"a": 56, "b": 31, "c": 13}, 10) == {"a": 6, "b": 3, "c": 1}


def test_equal_remainders_go_to_the_first_names():
    assert allocate_proportionally({"b": 1, "a": 1, "c": 1}, 2) == {"a": 1, "b": 1, "c": 0}


def test_equal_allocation_shares_what_small_strata_cannot_give():
    # 10 each is too much for c, which has 4; the 26 left are 13 each.
    assert allocate_equally({"a": 100, "b": 100, "c": 4}, 30) == {"a": 13, "b": 13, "c": 4}


def test_equal_allocation_gives_what_cannot_be_shared_to_the_largest():
    assert allocate_equally({"a": 5, "b": 50, "c": 7}, 10) == {"a": 3, "b": 4, "c": 3}


@given(POOLS, SIZES)
def test_all_are_drawn_and_none_more_than_it_has(available, size):
    for allocate in (allocate_proportionally, allocate_equally):
        taken = allocate(available, size)

        assert taken.keys() == available.keys()
        assert sum(taken.values()) == min(size, sum(available.values()))
        assert all(0 <= taken[name] <= available[name] for name in available)


@given(POOLS, SIZES)
def test_proportional_shares_are_within_one_of_the_exact_ones(available, size):
    total = sum(available.values())
    taken = allocate_proportionally(available, size)

    for name, count in available.items():
        exact = count * min(size, total) / total if total else 0
        assert abs(taken[name] - exact) < 1


@given(POOLS, SIZES)
def test_equal_shares_differ_by_one_at_most_unless_a_stratum_is_used_up(available, size):
    taken = allocate_equally(available, size)

    unlimited = [taken[name] for name in available if taken[name] < available[name]]
    assert not unlimited or max(taken.values()) - min(unlimited) <= 1


def test_over_many_seeds_every_unit_comes_as_often_as_its_probability_says():
    # 2,000 draws of 30 from strata of 60 and 20, in proportion: 23 (22.5, the larger remainder by name) and 7.
    strata = {"a": 60, "b": 20}
    units = [
        (name, hashlib.sha256(f"{name} {index}".encode()).digest()) for name in strata for index in range(strata[name])
    ]
    taken = allocate_proportionally(strata, 30)
    assert taken == {"a": 23, "b": 7}

    times = Counter()
    for seed in range(2000):
        for name, count in taken.items():
            members = sorted(
                (digest for stratum, digest in units if stratum == name), key=lambda d: draw_number(str(seed), d)
            )
            times.update(members[:count])

    for name, digest in units:
        probability = inclusion_probability(taken[name], strata[name])
        # Five standard errors of a share over 2,000 draws: 80 units stay within it in all but one seed in 20,000.
        margin = 5 * (probability * (1 - probability) / 2000) ** 0.5
        assert abs(times[digest] / 2000 - probability) < margin


def test_an_empty_stratum_has_no_chance():
    assert inclusion_probability(0, 0) == 0.0
    assert inclusion_probability(3, 12) == 0.25
