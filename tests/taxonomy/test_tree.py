from taxonomy.tree import Tree, in_tree_order, with_ancestors

PARENTS = {"grounding": None, "hallucination": "grounding", "omission": "grounding", "format": None}


def test_a_type_carries_all_above_it_nearest_first():
    assert with_ancestors("hallucination", PARENTS) == ["hallucination", "grounding"]


def test_a_circle_of_parents_ends():
    assert with_ancestors("a", {"a": "b", "b": "a"}) == ["a", "b"]


def test_children_stand_behind_their_parent_in_the_given_order():
    rows = in_tree_order(PARENTS, ["format", "omission", "hallucination", "grounding"])

    assert rows == [("format", 0), ("grounding", 0), ("omission", 1), ("hallucination", 1)]


def test_a_type_whose_parent_is_not_shown_stands_at_the_top():
    assert in_tree_order({"omission": "grounding"}, ["omission"]) == [("omission", 0)]


def row(key, parent=None, merged_into=None, position=0):
    return {
        "id": key, "parent": parent, "code": f"t{key}", "name": f"Type {key}", "definition": "", "not_this_if": "",
        "severity": "major", "owner": None, "position": position, "is_retired": merged_into is not None,
        "merged_into": merged_into,
    }  # fmt: skip


def test_a_finding_counts_in_the_type_that_its_own_was_merged_into_and_in_all_above():
    tree = Tree(2, [row(1), row(2, parent=1), row(3, merged_into=2), row(4, merged_into=3)])

    assert tree.counts_in(4) == [2, 1]
    assert tree.resolve(3) == 2
    assert (tree.carriers(2), tree.carriers(1)) == ({2, 3, 4}, {1, 2, 3, 4})
    assert [(each.pk, depth) for each, depth in tree.rows] == [(1, 0), (2, 1)]


def test_a_version_does_not_know_types_that_came_later():
    assert (Tree(1, [row(1)]).resolve(9), Tree(1, [row(1)]).counts_in(9)) == (None, [])


def test_types_merged_in_a_circle_end():
    tree = Tree(1, [row(1, merged_into=2), row(2, merged_into=1)])

    assert tree.resolve(1) in {1, 2}
