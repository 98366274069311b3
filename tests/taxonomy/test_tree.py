from taxonomy.tree import in_tree_order, with_ancestors

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
