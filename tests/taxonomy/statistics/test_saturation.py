from hypothesis import given
from hypothesis import strategies as st

from taxonomy.statistics.saturation import Saturation, curve


def test_five_items_by_hand():
    # a, b; b; nothing; c; a: findings a a b b c, and c was seen once.
    assert curve([["a", "b"], ["b"], [], ["c"], ["a"]]) == Saturation((2, 2, 2, 3, 3), 5, 1, 0.2)


def test_a_type_counts_once_an_item():
    assert curve([["a", "a"]]) == curve([["a"]])


def test_everything_new_means_nothing_is_known():
    assert curve([["a"], ["b"], ["c"]]).unseen == 1


def test_one_finding_in_twenty_unseen_is_enough():
    assert curve([["a"]] * 19 + [["b"]]).is_enough
    assert not curve([["a"]] * 18 + [["b"]]).is_enough


def test_without_findings_there_is_no_figure():
    assert curve([]) == Saturation((), 0, 0, None)
    assert curve([[], []]) == Saturation((0, 0), 0, 0, None)
    assert not curve([[], []]).is_enough


@given(st.lists(st.sets(st.integers(0, 12))))
def test_the_curve_never_falls_and_ends_at_all_types(items):
    found = curve(items)

    assert list(found.types) == sorted(found.types)
    assert len(found.types) == len(items)
    assert (found.types[-1] if items else 0) == len(set().union(*items))
    assert found.unseen is None or 0 <= found.unseen <= 1
