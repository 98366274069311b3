"""What differs, in one spelling and short enough to be read."""

import pytest

from evalhub.evalsets.models import Example
from evalhub.runs.models import Output
from reviews.reading.comparing import (
    KEPT_AROUND,
    LONGEST_CHANGE,
    Difference,
    between_answers,
    comparable_texts,
    from_expected,
)


def output(text="", tool_calls=(), kind="", expected=None, cause=""):
    example = Example(expected_kind=kind, expected=expected)
    return Output(text=text, tool_calls=list(tool_calls), example=example, error_cause=cause)


def call(name, arguments):
    return {"id": "1", "name": name, "arguments": arguments}


def test_json_that_says_the_same_shows_no_difference():
    expected, answer = comparable_texts("json", {"b": 1, "a": "x"}, output('```json\n{"a": "x", "b": 1}\n```'))

    assert expected == answer


def test_an_answer_that_is_no_json_is_compared_as_it_is_with_the_fields_in_their_order():
    assert comparable_texts("json", {"b": 1, "a": 2}, output("  Sorry. ")) == ('{\n  "b": 1,\n  "a": 2\n}', "Sorry.")


WANTED = [{"name": "refund", "arguments": {"order": ["A1", "a1"], "note": ["x"]}, "optional": ["note"]}]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ('{"order": "A1"}', 'refund {\n  "order": "A1"\n}'),
        ('{"order": "a1"}', 'refund {\n  "order": "a1"\n}'),
        ('{"order": "B2"}', 'refund {\n  "order": "A1"\n}'),
        ('{"order": "A1", "note": "x"}', 'refund {\n  "note": "x",\n  "order": "A1"\n}'),
        ('{"order": "A1", "note": "y"}', 'refund {\n  "note": "x",\n  "order": "A1"\n}'),
        ("{broken", 'refund {\n  "order": "A1"\n}'),
    ],
)
def test_calls_differ_only_in_what_is_not_accepted(made, expected):
    sides = comparable_texts("tool_calls", WANTED, output(tool_calls=[call("refund", made)]))

    assert sides[0] == expected


def test_arguments_that_are_no_json_are_compared_raw():
    assert comparable_texts("tool_calls", [], output(tool_calls=[call("refund", "{broken")])) == ("", "refund {broken")


@pytest.mark.parametrize(
    "given",
    [
        output("x", kind="text", expected="x"),
        output("x"),
        output("", kind="text", expected="x", cause="timeout"),
    ],
)
def test_there_is_no_difference_to_show_where_nothing_can_differ(given):
    assert from_expected(given) is None


def test_two_answers_are_compared_from_the_first_to_the_second():
    difference = between_answers(output("a red one"), output("a blue one"))

    assert difference.shown == [("same", "a "), ("old", "red"), ("new", "blue"), ("same", " one")]
    assert between_answers(output("a"), output("", cause="timeout")) is None
    assert between_answers(output('{"a": 1, "b": 2}'), output('{"b": 2, "a": 1}')) is None


def test_what_is_the_same_is_cut_at_lines_and_what_is_new_to_its_beginning():
    lines = "".join(f"line {number} of the text\n" for number in range(100))

    shown = Difference(lines + "old", lines + "x" * (LONGEST_CHANGE + 5), "d").shown

    assert [kind for kind, _ in shown] == ["gap", "same", "old", "new", "gap"]
    assert shown[1][1].startswith("line ")
    assert len(shown[1][1]) < 2 * KEPT_AROUND
    assert shown[0][1] == f"{len(lines) - len(shown[1][1]):,} characters the same"
    assert shown[-1] == ("gap", "5 more characters new")


def test_a_difference_stands_open_where_it_tells_more_than_both_texts():
    assert Difference("send the red one", "send the blue one", "d").is_telling
    assert not Difference("18", "The answer is nineteen, since there are so many of them.", "d").is_telling
    assert not Difference("word " * 5000, "word " * 5001, "d").is_telling


def test_fields_are_compared_in_the_order_in_which_they_are_expected():
    expected = {"z": [{"b": 1, "a": 2}, 3], "c": None}

    sides = comparable_texts("json", expected, output('{"new": 0, "c": 1, "z": [{"a": 2, "b": 1}]}'))

    assert [[line.strip().strip(",") for line in side.splitlines()] for side in sides] == [
        ["{", '"z": [', "{", '"b": 1', '"a": 2', "}", "3", "]", '"c": null', "}"],
        ["{", '"z": [', "{", '"b": 1', '"a": 2', "}", "]", '"c": 1', '"new": 0', "}"],
    ]
