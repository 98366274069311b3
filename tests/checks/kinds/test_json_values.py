"""Finding a JSON value by its path, and comparing two."""

from decimal import Decimal

import pytest

from evalhub.checks.kinds.json_values import MISSING, comparable, look_up, to_decimal

ORDER = {"order": {"items": [{"id": 7}, {"id": 8}], "a.b": 1}, "x.y": {"z": 2}, "": 3, "none": None}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("order.items.1.id", 8),
        ("order.a.b", 1),
        ("x.y.z", MISSING),  # only a whole remaining path may hold dots
        ("x.y", {"z": 2}),
        ("", 3),
        ("none", None),
        ("order.items.2", MISSING),
        ("order.items.-1", MISSING),
        ("order.items.first", MISSING),
        ("order.items.99999999999999999999", MISSING),
        ("none.x", MISSING),
        ("order.items.0.id.x", MISSING),
    ],
)
def test_a_dotted_path_leads_to_a_value_or_to_missing(path, value):
    assert look_up(ORDER, path) == value


@pytest.mark.parametrize(
    ("one", "other"),
    [(40, 40.0), ({"a": 1, "b": 2}, {"b": 2.0, "a": 1}), ([1, [2]], [1.0, [2]]), (None, None), (0.1, 0.1)],
)
def test_values_that_mean_the_same_are_equal(one, other):
    assert comparable(one) == comparable(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [(True, 1), (False, 0), ("40", 40), ("A", "a"), ([1, 2], [2, 1]), ({"a": 1}, {"A": 1}), (None, False), ([], {})],
)
def test_values_that_differ_are_not_equal(one, other):
    assert comparable(one) != comparable(other)


def test_case_and_order_can_be_ignored():
    assert comparable({"a": ["X", "y"]}, text=str.casefold) == comparable({"a": ["x", "Y"]}, text=str.casefold)
    assert comparable([2.0, {"b": 1, "a": [3, 4]}, None], ignore_order=True) == comparable(
        [None, 2, {"a": [4, 3], "b": 1.0}], ignore_order=True
    )


def test_how_often_a_list_holds_a_value_counts_even_when_its_order_does_not():
    assert comparable([1, 1, 2], ignore_order=True) != comparable([1, 2, 2], ignore_order=True)


def test_a_number_becomes_the_decimal_that_is_written():
    assert to_decimal(0.1) == Decimal("0.1")
    assert to_decimal(10**5000) == Decimal(10) ** 5000
    assert [to_decimal(value) for value in (True, "1", None, float("inf"), float("nan"), Decimal("NaN"))] == [None] * 6
