"""The check “Tool calls”."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.checks.kinds.judging import PASSED, failed, judge_calls, skipped
from tests.checks.kinds.test_json_text import JSON

WEATHER = {"name": "weather", "arguments": {"city": ["Paris", "Paris, FR"], "days": [3]}, "optional": ["days"]}
MAIL = {"name": "mail", "arguments": {"to": ["ann"]}, "optional": []}


@pytest.mark.parametrize(
    "arguments",
    [
        '{"city": "Paris", "days": 3}',
        '{"city": "Paris"}',
        '{"city": "Paris", "days": 3.0}',
        '{"city": "paris fr", "days": null}',
    ],
)
def test_a_call_with_accepted_arguments_passes(arguments):
    assert judge_calls([WEATHER], [("weather", arguments)]) == PASSED


def test_no_call_is_expected():
    assert judge_calls([], []) == PASSED
    assert judge_calls([], [("weather", "{}")]) == failed(
        "call_not_needed", "The model called “weather”, but no call is needed."
    )


def test_a_missing_call_is_named():
    assert judge_calls([WEATHER], []) == failed("missing_call", "The model made no call, expected “weather”.")
    assert judge_calls([WEATHER, MAIL], [("mail", '{"to": "ann"}')]) == failed(
        "missing_call", "A call is missing: “weather”."
    )


def test_another_tool_is_named():
    assert judge_calls([MAIL], [("post", '{"to": "ann"}')]) == failed(
        "wrong_tool", "The model called “post”, expected “mail”."
    )


def test_a_call_too_many_is_named():
    twice = [("mail", '{"to": "ann"}')] * 2

    assert judge_calls([MAIL], twice) == failed("extra_call", "The model also called “mail”, which is not expected.")
    assert judge_calls([MAIL], twice * 500) == failed("extra_call", "The model made 1,000 calls, expected 1.")


@pytest.mark.parametrize(
    ("arguments", "cause", "message"),
    [
        ("{}", "missing_argument", "In the call of “weather” the argument “city” is missing."),
        ("", "missing_argument", "In the call of “weather” the argument “city” is missing."),
        (
            '{"city": "Rome"}',
            "wrong_argument",
            "In the call of “weather” the argument “city” is “Rome”, expected “Paris” or “Paris, FR”.",
        ),
        (
            '{"city": "Paris", "days": "3"}',
            "wrong_argument",
            "In the call of “weather” the argument “days” is “3”, expected 3.",
        ),
        (
            '{"city": "Paris", "unit": "C"}',
            "unknown_argument",
            "In the call of “weather” the argument “unit” is not expected.",
        ),
        (
            '{"days": true, "unit": "C"}',
            "missing_argument",
            (
                "In the call of “weather” the argument “city” is missing; the argument “days” is true, expected 3; "
                "the argument “unit” is not expected."
            ),
        ),
        (
            '{"city": "Par',
            "arguments_not_json",
            (
                "The arguments of call 1, “weather”, are not a JSON object: it breaks off inside the string that "
                "begins at line 1, column 10."
            ),
        ),
        (
            "[1]",
            "arguments_not_json",
            "The arguments of call 1, “weather”, are not a JSON object: an object was expected, but [1] stands there.",
        ),
    ],
)
def test_what_is_wrong_with_the_arguments_is_said(arguments, cause, message):
    assert judge_calls([WEATHER], [("weather", arguments)]) == failed(cause, message)


def test_the_nearest_call_of_the_same_tool_is_explained():
    calls = [("weather", '{"unit": 1, "x": 2}'), ("weather", '{"city": "Rome"}')]

    assert judge_calls([WEATHER], calls)[1] == "wrong_argument"


def test_order_counts_when_it_should():
    calls = [("mail", '{"to": "ann"}'), ("weather", '{"city": "Paris"}')]

    assert judge_calls([WEATHER, MAIL], calls) == PASSED
    assert judge_calls([WEATHER, MAIL], calls, order="same") == failed(
        "wrong_order", "The calls are right, but not in the expected order: “weather”, “mail”."
    )
    assert judge_calls([MAIL, WEATHER], calls, order="same") == PASSED


def test_calls_are_paired_so_that_all_fit_where_they_can():
    """The first wanted call fits both calls; taking its first fit would leave the second without one."""
    wide = {"name": "mail", "arguments": {"to": ["ann", "bob"]}, "optional": []}

    assert judge_calls([wide, MAIL], [("mail", '{"to": "ann"}'), ("mail", '{"to": "bob"}')]) == PASSED


def test_texts_compare_exactly_when_they_should():
    arguments = '{"city": "paris"}'

    assert judge_calls([WEATHER], [("weather", arguments)]) == PASSED
    assert judge_calls([WEATHER], [("weather", arguments)], loose_texts=False)[1] == "wrong_argument"
    assert judge_calls([WEATHER], [("Weather", '{"city": "Paris"}')])[1] == "wrong_tool"


@pytest.mark.parametrize(
    "expected",
    [None, {}, "x", [1], [{}], [{"name": 1}], [{"name": "a", "arguments": []}], [{"name": "a", "arguments": {"x": 1}}]],
)
def test_expected_calls_of_another_shape_are_skipped(expected):
    assert judge_calls(expected, [("a", "{}")]) == skipped(
        "The expected tool calls are not a list of calls with a name and arguments."
    )


@given(st.dictionaries(st.text(), JSON, max_size=4), st.booleans())
def test_the_expected_call_itself_always_passes(arguments, loose):
    wanted = {"name": "tool", "arguments": {name: [value] for name, value in arguments.items()}}

    assert judge_calls([wanted], [("tool", json.dumps(arguments))], loose_texts=loose) == PASSED


@given(st.text(alphabet=st.characters()), st.text(alphabet=st.characters() | st.sampled_from('{}[]",:\\ud1')))
def test_any_call_is_judged(name, arguments):
    assert judge_calls([WEATHER], [(name, arguments), ("weather", arguments)])[0] == "failed"
