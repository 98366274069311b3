from math import isclose

from hypothesis import given
from hypothesis import strategies as st

from reviews.choosing import choose

POOLS = st.dictionaries(
    st.sampled_from(["failed_check", "differs_from_baseline", "audit"]),
    st.sets(st.integers(1, 200), max_size=60).map(sorted),
    min_size=1,
)


def test_an_output_in_two_pools_has_both_chances_and_both_reasons():
    pools = {"failed_check": [1, 2], "differs_from_baseline": [2, 3, 4, 5]}

    chosen = {found.output: found for found in choose(pools, {"failed_check": None, "differs_from_baseline": 1}, "s")}

    # 2 is certain through its failed check; alone by its difference it had one chance in four: 1 - 0 * 3/4 = 1
    assert chosen[2].probability == 1.0
    assert chosen[2].reasons == ("failed_check", "differs_from_baseline")
    assert chosen[1].reasons == ("failed_check",)


def test_probabilities_of_two_draws_combine():
    pools = {"failed_check": [1, 2], "differs_from_baseline": [1, 2, 3, 4]}

    chosen = choose(pools, {"failed_check": 1, "differs_from_baseline": 1}, "s")

    both = [found for found in chosen if len(found.reasons) == 2]
    assert both
    assert all(isclose(found.probability, 1 - (1 / 2) * (3 / 4)) for found in both)


@given(POOLS, st.integers(1, 80), st.text(max_size=8))
def test_a_choice_repeats_and_takes_each_output_once(pools, count, seed):
    wanted = dict.fromkeys(pools, count)

    chosen = choose(pools, wanted, seed)

    assert chosen == choose(pools, wanted, seed)
    assert len({found.output for found in chosen}) == len(chosen)
    assert all(0 < found.probability <= 1 for found in chosen)
    assert all(found.output in pools[reason] for found in chosen for reason in found.reasons)
    assert len(chosen) >= max(min(count, len(pool)) for pool in pools.values())


def test_the_stored_probability_is_the_share_of_draws_that_take_the_output():
    pools = {"failed_check": [1, 2, 3], "audit": [3, 4, 5, 6, 7]}
    draws = 4000
    taken = dict.fromkeys(range(1, 8), 0)
    probability = {}
    for seed in range(draws):
        for found in choose(pools, {"failed_check": 1, "audit": 2}, str(seed)):
            taken[found.output] += 1
            probability[found.output] = found.probability

    # four standard errors of a share near 1/2 in 4,000 draws are 0.032
    assert all(abs(taken[output] / draws - probability[output]) < 0.032 for output in taken)
