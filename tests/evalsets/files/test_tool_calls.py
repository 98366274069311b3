"""Tool calls as files hold them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from evalhub.evalsets.files.faults import CellFault
from evalhub.evalsets.files.tool_calls import read_expected_calls, read_output_calls


def parse(text: str, column: str) -> Any:
    return orjson.loads(text)


def call(arguments: dict[str, list[Any]], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"name": "f", "arguments": arguments, "optional": list(optional)}


@pytest.mark.parametrize(
    ("value", "calls"),
    [
        ([], []),
        (None, []),
        ("", []),
        (" No call ", []),
        ("[]", []),
        (
            [{"name": "f", "arguments": {"a": [1, 2], "b": ["x"]}, "optional": ["b"]}],
            [call({"a": [1, 2], "b": ["x"]}, ("b",))],
        ),
        (
            [{"name": "f", "arguments": {"a": 1, "b": None, "c": {"d": [1]}}}],
            [call({"a": [1], "b": [None], "c": [{"d": [1]}]})],
        ),
        ({"name": "f", "arguments": {}}, [call({})]),
        ([{"name": "f"}], [call({})]),
        ({"role": "assistant", "tool_calls": [{"name": "f"}]}, [call({})]),
        ({"tool_calls": None}, []),
        # As OpenAI sends them, values are what was sent: a list is one value, not a list of accepted ones.
        (
            [{"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": [1, 2]}'}}],
            [call({"a": [[1, 2]]})],
        ),
        ([{"function": {"name": "f", "arguments": {"a": [1, 2], "b": 3}}}], [call({"a": [[1, 2]], "b": [3]})]),
        ([{"name": "f", "arguments": '{"a": []}'}], [call({"a": [[]]})]),
        ([{"name": "f", "arguments": ""}], [call({})]),
        ('[{"name": "f", "arguments": {"a": [1]}}]', [call({"a": [1]})]),
        ([{"name": "f"}, {"name": "f"}], [call({}), call({})]),
    ],
)
def test_expected_calls_come_in_several_shapes(value: Any, calls: list[dict[str, Any]]):
    assert read_expected_calls(value, "expected", parse) == calls


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (
            7,
            '“expected” is not a list of tool calls. Write [{"name": "…", "arguments": {…}}], or [] for no call.',
        ),
        ([7], "“expected” has a call 1 that is no object with a name."),
        ([{"name": "f"}, {"arguments": {}}], "“expected” has a call 2 without a “name”. Give it the tool's name."),
        ([{"name": "f", "arguments": [1]}], "“expected” has a call 1 whose “arguments” are no object."),
        (
            [{"name": "f", "arguments": {"a": []}}],
            "“expected” has a call 1 that accepts no value at all for “a”. List the accepted values.",
        ),
        (
            [{"name": "f", "arguments": {"a": [1]}, "optional": ["b"]}],
            "“expected” has a call 1 with “b” as optional, which is none of its arguments.",
        ),
        (
            [{"name": "f", "arguments": {"a": [1]}, "optional": "a"}],
            "“expected” has a call 1 whose “optional” is no list of names.",
        ),
    ],
)
def test_other_shapes_are_refused(value: Any, reason: str):
    with pytest.raises(CellFault) as fault:
        read_expected_calls(value, "expected", parse)

    assert (fault.value.reason, fault.value.column) == (reason, "expected")


@pytest.mark.parametrize(
    ("value", "calls"),
    [
        (None, []),
        ([], []),
        (
            [{"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": tru'}}],
            [{"id": "c", "name": "f", "arguments": '{"a": tru'}],
        ),
        ([{"name": "f", "arguments": {"a": [1]}}], [{"id": "", "name": "f", "arguments": '{"a":[1]}'}]),
        ([{"name": "f", "id": 7}], [{"id": "", "name": "f", "arguments": "{}"}]),
        ('[{"name": "f"}]', [{"id": "", "name": "f", "arguments": "{}"}]),
    ],
)
def test_the_calls_a_model_made_keep_its_words(value: Any, calls: list[dict[str, str]]):
    assert read_output_calls(value, "tool_calls", parse) == calls
