"""Counted verdicts in the rows of a tree, without a database."""

from hypothesis import given
from hypothesis import strategies as st

from taxonomy.breakdown.rolling import ANY, NOT_IN_VERSION, Roller
from taxonomy.breakdown.tallying import Count, Found
from taxonomy.tree import Tree

# 1 has 2 and 3 below it, 2 has 4; 5 stands alone and 6 was merged into it.
PARENTS = {1: None, 2: 1, 3: 1, 4: 2, 5: None, 6: None}


def row(key: int, parent: int | None) -> dict[str, object]:
    severity = "critical" if key == 5 else "minor"
    return {
        "id": key, "parent": parent, "code": f"t{key}", "name": f"T{key}", "definition": "", "not_this_if": "",
        "severity": severity, "owner": None, "position": key, "is_retired": key == 6,
        "merged_into": 5 if key == 6 else None,
    }  # fmt: skip


TREE = Tree(1, [row(key, parent) for key, parent in PARENTS.items()])
types = st.frozensets(st.integers(1, 7), max_size=4).map(lambda found: tuple(sorted(found)))
outputs = st.lists(st.tuples(st.sampled_from(["people", "check"]), types, types), max_size=30)


def counted(said):
    """One run with these verdicts: (source, types by people, types by checks)."""
    sets = sorted({(people if source == "people" else (), checks) for source, people, checks in said})
    found = {number: Found(*pair) for number, pair in enumerate(sets, start=1)}
    counts = [
        Count(1, source, "fail", sets.index((people if source == "people" else (), checks)) + 1, None, 1)
        for source, people, checks in said
    ]
    return Roller(TREE, found).count(counts).get(1)


def test_an_output_counts_once_in_a_row_however_many_of_its_findings_do():
    run = counted([("people", (3, 4), ()), ("people", (4,), ()), ("check", (), (3,))])

    rolled = {key: count for (source, key), count in run.rolled.items() if source == "people"}
    assert rolled == {1: 2, 2: 2, 3: 1, 4: 2, ANY: 2}
    assert {key: count for (source, key), count in run.own.items() if source == "people"} == {3: 1, 4: 2}
    assert run.rolled["check", 1] == 1


def test_what_is_merged_counts_as_what_it_was_merged_into_once():
    run = counted([("people", (5, 6), ()), ("people", (6,), ())])

    assert run.own["people", 5] == 2
    assert ("people", 6) not in run.own


def test_types_that_the_version_does_not_know_have_a_row_of_their_own():
    run = counted([("people", (7,), (7,)), ("people", (1, 7), ())])

    assert run.rolled["people", NOT_IN_VERSION] == 2
    assert run.rolled["check", NOT_IN_VERSION] == 1
    assert run.rolled["check", ANY] == 1


def test_an_output_weighs_as_its_worst_finding():
    run = counted([("people", (1, 5), ()), ("people", (2, 3), ()), ("people", (), ()), ("people", (7,), ())])

    assert dict(run.worst) == {"critical": 1, "minor": 1, "none": 2}


@given(outputs)
def test_rolled_up_lies_between_the_greatest_own_count_and_the_sum(said):
    run = counted(said)
    for source in ("people", "check"):
        for key in TREE.parents:
            below = [each for each in TREE.parents if key in TREE.counts_in(each)]
            own = [run.own.get((source, each), 0) for each in below] if run else [0]
            rolled = run.rolled.get((source, key), 0) if run else 0
            assert max(own) <= rolled <= sum(own)


@given(outputs)
def test_each_count_is_that_of_going_through_the_outputs(said):
    run = counted(said)
    for key in TREE.parents:
        carriers = TREE.carriers(key)
        by_people = sum(1 for source, people, _ in said if source == "people" and carriers & set(people))
        by_checks = sum(1 for _, _, checks in said if carriers & set(checks))
        assert (run.rolled.get(("people", key), 0) if run else 0) == by_people
        assert (run.rolled.get(("check", key), 0) if run else 0) == by_checks
    assert (run.settled if run else 0) == sum(1 for source, _, _ in said if source == "people")
