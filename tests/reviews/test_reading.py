import pytest

from evalhub.evalsets.models import Example
from evalhub.runs.models import Output
from reviews.comparing import comparable_texts
from reviews.reading import type_choices
from taxonomy.models import ErrorType


def output(text="", tool_calls=()):
    return Output(text=text, tool_calls=list(tool_calls), example=Example())


def test_json_that_says_the_same_shows_no_difference():
    expected, answer = comparable_texts("json", {"b": 1, "a": "x"}, output('```json\n{"a": "x", "b": 1}\n```'))

    assert expected == answer


def test_an_answer_that_is_no_json_is_compared_as_it_is():
    assert comparable_texts("json", {"a": 1}, output("  Sorry. "))[1] == "Sorry."


def test_calls_are_compared_by_their_first_accepted_values():
    expected = [{"name": "refund", "arguments": {"order": ["A1", "a1"], "note": ["x"]}, "optional": ["note"]}]

    sides = comparable_texts(
        "tool_calls", expected, output(tool_calls=[{"id": "1", "name": "refund", "arguments": '{"order":"A1"}'}])
    )

    assert sides == ('refund {\n  "order": "A1"\n}', 'refund {\n  "order": "A1"\n}')


def test_arguments_that_are_no_json_are_shown_raw():
    made = [{"id": "1", "name": "refund", "arguments": "{broken"}]

    assert comparable_texts("tool_calls", [], output(tool_calls=made)) == ("", "refund {broken")


@pytest.mark.parametrize("leaves", [3, 20])
def test_types_below_a_heading_have_the_keys(leaves):
    heading = ErrorType(pk=1, name="Money")
    types = [heading, *(ErrorType(pk=number, name=str(number), parent=heading) for number in range(2, 2 + leaves))]

    choices = type_choices(types)

    assert (choices[0].is_heading, choices[0].key) == (True, "")
    keys = [choice.key for choice in choices[1:]]
    assert keys == (list("1234567890qwerty") + [""] * leaves)[:leaves]
