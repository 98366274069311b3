from math import isclose

from hypothesis import given, settings
from hypothesis import strategies as st

from reviews.making.choosing import choose

NAMES = ["failed_check", "differs_from_baseline", "audit", "tag:refund"]


def pools_of(most_outputs, most):
    """Pools over the outputs 1 to ``most_outputs``, with how many to draw from each: {name: (pool, wanted)}."""
    pool = st.sets(st.integers(1, most_outputs), max_size=most).map(sorted)
    wanted = st.none() | st.integers(0, most)
    return st.dictionaries(st.sampled_from(NAMES), st.tuples(pool, wanted), min_size=1)


def parted(drawn):
    return {name: pool for name, (pool, _) in drawn.items()}, {name: count for name, (_, count) in drawn.items()}


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


def test_a_pool_that_is_not_drawn_from_is_no_reason():
    chosen = choose({"failed_check": [1, 2], "audit": [1, 2]}, {"failed_check": None, "audit": 0}, "s")

    assert [(found.reasons, found.probability) for found in chosen] == [(("failed_check",), 1.0)] * 2


@given(pools_of(200, 60), st.text(max_size=8))
def test_a_choice_repeats_and_takes_each_output_once(drawn, seed):
    pools, wanted = parted(drawn)

    chosen = choose(pools, wanted, seed)

    assert chosen == choose(pools, wanted, seed)
    assert len({found.output for found in chosen}) == len(chosen)
    assert all(0 < found.probability <= 1 for found in chosen)
    assert all(found.output in pools[reason] for found in chosen for reason in found.reasons)


@given(pools_of(200, 60), st.text(max_size=8))
def test_each_reason_gets_at_least_what_it_wants_and_all_of_a_pool_when_it_wants_all(drawn, seed):
    pools, wanted = parted(drawn)

    outputs = {found.output for found in choose(pools, wanted, seed)}

    for name, pool in pools.items():
        least = len(pool) if wanted[name] is None else min(wanted[name], len(pool))
        assert len(outputs & set(pool)) >= least
    assert len(outputs) <= sum(len(pool) if wanted[name] is None else wanted[name] for name, pool in pools.items())


@given(pools_of(200, 60), st.sampled_from(NAMES), st.integers(0, 60), st.text(max_size=8))
def test_a_larger_draw_holds_the_smaller_one(drawn, name, more, seed):
    pools, wanted = parted(drawn)
    larger = {each: count + more if each == name and count is not None else count for each, count in wanted.items()}

    before = {found.output: found.probability for found in choose(pools, wanted, seed)}
    after = {found.output: found.probability for found in choose(pools, larger, seed)}

    assert before.keys() <= after.keys()
    assert all(after[output] >= probability for output, probability in before.items())


@given(pools_of(8, 8))
@settings(max_examples=25)
def test_the_stored_probability_is_the_share_of_seeds_that_take_the_output(drawn):
    pools, wanted = parted(drawn)
    seeds = 1500
    taken: dict[int, int] = {}
    probability: dict[int, float] = {}
    for seed in range(seeds):
        for found in choose(pools, wanted, f"seed {seed}"):
            taken[found.output] = taken.get(found.output, 0) + 1
            assert probability.setdefault(found.output, found.probability) == found.probability

    # Five standard errors of a share near 1/2 in 1,500 draws are 0.065; up to 200 shares are looked at.
    assert all(abs(taken[output] / seeds - probability[output]) < 0.065 for output in taken)
    # What no seed took had next to no chance: 1,500 draws of one chance in eight leave out one in 10^87.
    assert all(output in taken or wanted[name] == 0 for name, pool in pools.items() for output in pool)


def test_pools_are_drawn_from_independently():
    pools = {"failed_check": [1, 2], "audit": [1, 2]}
    both = sum(len(choose(pools, {"failed_check": 1, "audit": 1}, str(seed))) == 1 for seed in range(4000))

    # Two draws of one in two take the same output half the time; four standard errors are 0.032.
    assert abs(both / 4000 - 0.5) < 0.032
