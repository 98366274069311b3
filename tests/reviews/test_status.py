import pytest

from reviews.models import ReviewItem
from reviews.status import agreed_types, item_status

Status = ReviewItem.Status


PASS, FAIL, FORMAT, VALUE = (
    ("pass", frozenset()),
    ("fail", frozenset()),
    ("fail", frozenset({1})),
    ("fail", frozenset({2})),
)


@pytest.mark.parametrize(
    ("said", "wanted", "facts", "status"),
    [
        ([], 1, {}, Status.WAITING),
        ([PASS], 2, {}, Status.IN_REVIEW),
        ([FAIL], 1, {}, Status.SETTLED),
        ([FORMAT, FORMAT], 2, {}, Status.SETTLED),
        ([FAIL, PASS], 2, {}, Status.CONTESTED),
        ([FORMAT, VALUE], 2, {}, Status.CONTESTED),
        ([FORMAT, VALUE], 2, {"contests_types": False}, Status.SETTLED),
        ([FAIL, PASS], 2, {"contests_types": False}, Status.CONTESTED),
        ([PASS, PASS, PASS], 2, {}, Status.SETTLED),
        ([FAIL, PASS], 2, {"is_known": True}, Status.SETTLED),
        ([FAIL, PASS], 2, {"is_decided": True}, Status.SETTLED),
        ([], 1, {"is_decided": True}, Status.SETTLED),
        ([PASS], 2, {"is_closed": True}, Status.CLOSED),
        ([PASS], 1, {"is_closed": True}, Status.SETTLED),
    ],
)
def test_the_status_follows_from_the_labels_and_what_leads_did(said, wanted, facts, status):
    assert item_status(said, wanted, **facts) == status


def test_a_type_that_half_of_the_labels_carry_is_agreed():
    assert agreed_types([{"format", "value"}, {"format"}]) == {"format", "value"}
    assert agreed_types([{"format", "value"}, {"format"}, {"format"}]) == {"format"}
    assert agreed_types([]) == set()


def test_a_type_counts_with_what_it_was_merged_into_and_stays_what_was_said():
    def counted_as(error_type):
        return {"format": "shape"}.get(error_type, error_type)

    assert agreed_types([{"format"}, {"shape"}, set()], counted_as) == {"format", "shape"}
    assert agreed_types([{"format"}, {"shape"}, {"shape"}], counted_as) == {"shape"}  # by itself it has its half
    assert agreed_types([{"format", "value"}, {"format"}, {"value"}], counted_as) == {"format", "value"}
    assert agreed_types([{"format"}, {"value"}, {"other"}], counted_as) == set()
    assert agreed_types([], counted_as) == set()
