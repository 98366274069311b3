import pytest

from reviews.models import ReviewItem
from reviews.status import agreed_types, item_status

Status = ReviewItem.Status


@pytest.mark.parametrize(
    ("labels", "wanted", "outcomes", "status"),
    [
        (0, 1, [], Status.WAITING),
        (1, 2, ["pass"], Status.IN_REVIEW),
        (1, 1, ["fail"], Status.SETTLED),
        (2, 2, ["fail", "fail"], Status.SETTLED),
        (2, 2, ["fail", "pass"], Status.CONTESTED),
        (3, 2, ["pass", "pass", "pass"], Status.SETTLED),
    ],
)
def test_the_status_follows_from_the_labels(labels, wanted, outcomes, status):
    assert item_status(labels, wanted, outcomes) == status


def test_a_type_that_half_of_the_labels_carry_is_agreed():
    assert agreed_types([{"format", "value"}, {"format"}]) == {"format", "value"}
    assert agreed_types([{"format", "value"}, {"format"}, {"format"}]) == {"format"}
    assert agreed_types([]) == set()
