import pytest

from reviews.reading import type_choices
from taxonomy.models import ErrorType


@pytest.mark.parametrize("leaves", [3, 20])
def test_types_below_a_heading_have_the_keys(leaves):
    heading = ErrorType(pk=1, name="Money")
    types = [heading, *(ErrorType(pk=number, name=str(number), parent=heading) for number in range(2, 2 + leaves))]

    choices = type_choices(types)

    assert (choices[0].is_heading, choices[0].key) == (True, "")
    keys = [choice.key for choice in choices[1:]]
    assert keys == (list("1234567890qwerty") + [""] * leaves)[:leaves]
