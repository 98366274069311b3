"""Pairs counted all at once, against the same pairs counted one by one."""

from hypothesis import given
from hypothesis import strategies as st

from taxonomy.comparison.answers import Facts, Groups
from taxonomy.comparison.counting import Said, count_pairs

KEYS = "abc"
SCOPE_OF = {"a": "one", "b": "one", "c": "two"}
said = st.builds(Said, st.frozensets(st.sampled_from(["one", "two"])), st.frozensets(st.sampled_from(KEYS)))
answers = st.lists(st.dictionaries(st.sampled_from([1, 2]), said, min_size=1), min_size=1, max_size=4)


def one_by_one(sayings, rows):
    """{key: [both, only the first, only the second]}, of pairs of which both were looked at in the key's scope."""
    found = {}
    for first, second, count in rows:
        for repeat in sayings[first].keys() & sayings[second].keys():
            one, two = sayings[first][repeat], sayings[second][repeat]
            for key in KEYS:
                has = key in one.has, key in two.has
                if SCOPE_OF[key] in one.scopes & two.scopes and any(has):
                    place = 0 if all(has) else 1 if has[0] else 2
                    found.setdefault(key, [0, 0, 0])[place] += count
    return found


@given(st.data(), answers)
def test_pairs_are_those_of_a_look_at_each(data, sayings):
    """Whatever an output has, also where it was not looked at: as what a check found that was retired since."""
    place = st.integers(0, len(sayings) - 1)
    rows = data.draw(st.lists(st.tuples(place, place, st.integers(1, 5)), max_size=6))
    facts = {n: {r: Facts(None, (n, r), (), None) for r in each} for n, each in enumerate(sayings)}

    counted = count_pairs(
        Groups.of(facts, rows), lambda each: sayings[each.judged[0]][each.judged[1]], SCOPE_OF, over_examples=False
    )

    tallies = {key: [t.both, t.first_only, t.second_only] for key, t in counted.tallies.items()}
    assert tallies == one_by_one(sayings, rows)
