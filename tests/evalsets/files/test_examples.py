"""Rows as examples: every shape of input and expected output, and why others are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evalhub.evalsets.files.mapping import GUESS_KIND, KIND_FROM_COLUMN, NO_EXPECTED, ExampleMapping
from tests.evalsets.files.staged import reason_of, stage_bytes, stage_rows

INPUT = ExampleMapping(input="input", tools="tools", expected_kind=NO_EXPECTED)
USER = {"role": "user", "content": "Hi"}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "dict", "b": 1, "a": 2}}}


def request_of(folder: Path, row: dict[str, Any], mapping: ExampleMapping = INPUT) -> Any:
    report, [staged] = stage_rows(folder, [row], mapping)
    assert report.notes == {}
    return staged["request"]


def expected_of(folder: Path, value: Any, kind: str) -> tuple[str, Any]:
    mapping = ExampleMapping(input="input", expected="expected", expected_kind=kind)
    report, staged = stage_rows(folder, [{"input": "x", "expected": value}], mapping)
    assert report.errors == []
    return staged[0]["expected_kind"], staged[0]["expected"]


@pytest.mark.parametrize(
    ("value", "request_"),
    [
        ("Hi", {"messages": [USER]}),
        ([USER], {"messages": [USER]}),
        (USER, {"messages": [USER]}),
        ({"messages": [USER]}, {"messages": [USER]}),
        ({"messages": [USER], "tools": [TOOL]}, {"messages": [USER], "tools": [TOOL]}),
        ({"messages": [USER], "tools": []}, {"messages": [USER]}),
        ('[{"role": "user"', {"messages": [{"role": "user", "content": '[{"role": "user"'}]}),
        (
            [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]},
        ),
        (
            [USER, {"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "tool_call_id": "c1", "content": "7"}],
            {
                "messages": [
                    USER,
                    {"role": "assistant", "content": None, "tool_calls": [CALL]},
                    {"role": "tool", "tool_call_id": "c1", "content": "7"},
                ]
            },
        ),
        (
            [{"role": "assistant", "content": "Hi", "tool_calls": None, "name": None}],
            {"messages": [{"role": "assistant", "content": "Hi"}]},
        ),
        (
            [
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}],
                }
            ],
            {
                "messages": [
                    {
                        "role": "assistant",
                        "content": None,
                        "tool_calls": [{"function": {"name": "f", "arguments": '{"a":1}'}}],
                    }
                ]
            },
        ),
    ],
)
def test_an_input_becomes_a_request(tmp_path: Path, value: Any, request_: Any):
    assert request_of(tmp_path, {"input": value}) == request_


@pytest.mark.parametrize(
    "tools",
    [
        [TOOL],
        [TOOL["function"]],
        TOOL["function"],
        [{"type": "function", **TOOL["function"]}],
        [{"function": TOOL["function"]}],
        '[{"name": "f", "parameters": {"type": "dict", "b": 1, "a": 2}}]',
    ],
)
def test_tools_are_put_into_the_api_s_shape_with_their_parameters_as_they_are(tmp_path: Path, tools: Any):
    request = request_of(tmp_path, {"input": "Hi", "tools": tools})

    assert request == {"messages": [USER], "tools": [TOOL]}
    assert list(request["tools"][0]["function"]["parameters"]) == ["type", "b", "a"]


@pytest.mark.parametrize("tools", [None, [], ""])
def test_no_tools_leave_the_key_out(tmp_path: Path, tools: Any):
    assert request_of(tmp_path, {"input": "Hi", "tools": tools}) == {"messages": [USER]}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({}, "“input” is missing. Add the input, or map another column to it."),
        ({"input": None}, "“input” is missing. Add the input, or map another column to it."),
        ({"input": "  "}, "“input” is empty. Write the input."),
        ({"input": []}, "“input” has no messages. Write at least one."),
        (
            {"input": 7},
            "“input” is neither text, nor a list of messages, nor an object with “messages”. "
            "Map the column of the input.",
        ),
        (
            {"input": ["Hi"]},
            '“input” has a message 1 without a “role”. Messages look like {"role": "user", "content": "…"}.',
        ),
        (
            {"input": [USER, {"role": "human", "content": "x"}]},
            "“input” has a message 2 with the role “human”. Roles are system, developer, user, assistant and tool.",
        ),
        (
            {"input": [{"role": ["user"], "content": "x"}]},
            "“input” has a message 1 with the role “['user']”. Roles are system, developer, user, assistant and tool.",
        ),
        ({"input": [{"role": "user"}]}, "“input” has a message 1 without “content”. Write its text."),
        (
            {"input": [{"role": "user", "content": 7}]},
            "“input” has a message 1 whose “content” is neither text nor a list of text parts.",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "“input” has a message 1 with a part of the type “image_url”. Only text parts are read.",
        ),
        (
            {"input": [{"role": "user", "content": "x", "tool_calls": [CALL]}]},
            "“input” has a message 1 with tool calls that is not the assistant's.",
        ),
        (
            {"input": [{"role": "assistant", "content": "x", "tool_calls": [{"name": "f"}]}]},
            '“input” has a message 1 with a tool call that is not {"id", "type", "function": {"name", "arguments"}}.',
        ),
        (
            {"input": [{"role": "tool", "content": "x", "tool_call_id": 7}]},
            "“input” has a message 1 whose “tool_call_id” is no text.",
        ),
        ({"input": "Hi", "tools": 7}, "“tools” is not a list of tools."),
        (
            {"input": "Hi", "tools": [{"parameters": {}}]},
            '“tools” has a tool 1 without a “name”. Tools look like {"name": "…", "parameters": {…}}.',
        ),
        (
            {"input": "Hi", "tools": [{"name": "f", "parameters": []}]},
            "“tools” has a tool 1 whose “parameters” are no object.",
        ),
        (
            {"input": {"messages": [USER], "tools": [TOOL]}, "tools": [TOOL]},
            "“tools” gives tools, and so does “input”. Leave one of them out.",
        ),
        (
            {"input": "Hi", "tools": '[{"name": "f"'},
            '“tools”: This is not valid JSON: expecting \',\' delimiter at character 14, near “[{"name": "f"”.',
        ),
    ],
)
def test_an_input_of_another_shape_is_refused(tmp_path: Path, row: dict[str, Any], reason: str):
    assert reason_of(tmp_path, row, INPUT) == reason


def test_what_a_request_holds_besides_is_left_out_and_noted(tmp_path: Path):
    rows = [{"input": {"messages": [{**USER, "weight": 1}], "temperature": 0, "model": "m"}}] * 2

    report, staged = stage_rows(tmp_path, rows, INPUT)

    assert [row["request"] for row in staged] == [{"messages": [USER]}] * 2
    assert report.notes == {
        "“temperature” of the request was left out: a request keeps messages and tools.": 2,
        "“model” of the request was left out: a request keeps messages and tools.": 2,
        "“weight” of messages was left out: a message keeps role, content, name, tool calls and their id.": 2,
    }


def test_notes_do_not_grow_with_what_a_file_calls_things(tmp_path: Path):
    rows = [{"input": {"messages": [USER], f"key {number} " + "x" * 1000: 1}} for number in range(60)]

    report, _ = stage_rows(tmp_path, rows, INPUT)

    assert len(report.notes) == 50
    assert max(map(len, report.notes)) < 200


def test_messages_in_a_csv_cell_are_read_as_messages(tmp_path: Path):
    content = 'input,tools\n"[{""role"": ""user"", ""content"": ""Hi""}]","{""name"": ""f""}"\n[see above],\n'

    report, staged = stage_bytes(tmp_path, content, INPUT, "rows.csv")

    assert report.errors == []
    assert staged[0]["request"] == {
        "messages": [USER],
        "tools": [{"type": "function", "function": {"name": "f"}}],
    }
    assert staged[1]["request"] == {"messages": [{"role": "user", "content": "[see above]"}]}


def test_a_list_as_python_prints_it_is_refused_rather_than_taken_as_text(tmp_path: Path):
    report, _ = stage_bytes(tmp_path, "input,tools\n\"[{'role': 'user', 'content': 'Hi'}]\",\n", INPUT, "rows.csv")

    assert report.errors[0]["reason"].startswith("“input”: This is not valid JSON: expecting property name enclosed in")


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("# 18", "number", ("number", 18)),
        ("$1,200.50", "number", ("number", 1200.5)),
        (18, "number", ("number", 18)),
        (18.5, "number", ("number", 18.5)),
        (None, "number", ("", None)),
        ("", "text", ("", None)),
        (None, "text", ("", None)),
        ("yes", "text", ("text", "yes")),
        (7, "text", ("text", "7")),
        (True, "text", ("text", "true")),
        ('{"b": 1, "a": 2.0}', "json", ("json", {"b": 1, "a": 2.0})),
        ({"b": 1}, "json", ("json", {"b": 1})),
        (None, "json", ("json", None)),
        (7, "json", ("json", 7)),
        (7, GUESS_KIND, ("number", 7)),
        ("7", GUESS_KIND, ("text", "7")),
        (True, GUESS_KIND, ("json", True)),
        ('{"a": 1}', GUESS_KIND, ("json", {"a": 1})),
        ("[see above]", GUESS_KIND, ("text", "[see above]")),
        ([], GUESS_KIND, ("json", [])),
        (None, GUESS_KIND, ("", None)),
        (
            [{"name": "f", "arguments": {"a": 1}}],
            GUESS_KIND,
            ("tool_calls", [{"name": "f", "arguments": {"a": [1]}, "optional": []}]),
        ),
        ([], "tool_calls", ("tool_calls", [])),
        ("no call", "tool_calls", ("tool_calls", [])),
        ("[]", "tool_calls", ("tool_calls", [])),
        (None, "tool_calls", ("tool_calls", [])),
    ],
)
def test_an_expected_value_is_read_as_its_kind(tmp_path: Path, value: Any, kind: str, expected: tuple[str, Any]):
    found = expected_of(tmp_path, value, kind)

    assert found == expected
    assert type(found[1]) is type(expected[1])


@pytest.mark.parametrize(
    ("value", "kind", "reason"),
    [
        ("eighteen", "number", "“expected”: “eighteen” holds no number. Write exactly one, such as 18 or 1,200.50."),
        ("1 or 2", "number", "“expected”: “1 or 2” holds 2 numbers. Write exactly one, such as 18 or 1,200.50."),
        (
            [1],
            "number",
            "“expected” is “[1]”, not a number. Correct it, or choose another kind of expected.",
        ),
        (True, "number", "“expected” is “true”, not a number. Correct it, or choose another kind of expected."),
        (
            "9" * 30,
            "number",
            "“expected” holds a number larger than 64 bits. Choose text as the kind of expected.",
        ),
        ({"a": 1}, "text", "“expected” is an object, not text. Choose JSON as the kind of expected."),
        (
            "{a: 1}",
            "json",
            "“expected”: This is not valid JSON: expecting property name enclosed in double quotes at character 2, "
            "near “{a: 1}”.",
        ),
        (
            '{"a": 1, "a": 2}',
            "json",
            "“expected”: The value holds the key “a” twice in one object. Remove or rename one of them.",
        ),
    ],
)
def test_an_expected_value_of_another_kind_is_refused(tmp_path: Path, value: Any, kind: str, reason: str):
    mapping = ExampleMapping(input="input", expected="expected", expected_kind=kind)

    assert reason_of(tmp_path, {"input": "x", "expected": value}, mapping) == reason


FROM_COLUMN = ExampleMapping(
    input="input", expected="expected", expected_kind=KIND_FROM_COLUMN, expected_kind_column="kind"
)


def test_a_column_may_name_the_kind_of_each_value(tmp_path: Path):
    rows = [
        {"input": "x", "kind": "text", "expected": "[1]"},
        {"input": "x", "kind": "json", "expected": "[1]"},
        {"input": "x", "kind": "number", "expected": "# 18"},
        {"input": "x", "kind": "Tool calls", "expected": None},
        {"input": "x", "kind": "", "expected": ""},
    ]

    _, staged = stage_rows(tmp_path, rows, FROM_COLUMN)

    # In JSON a text is a text, so the kind “json” takes the text itself, as a download writes it.
    assert [(row["expected_kind"], row["expected"]) for row in staged] == [
        ("text", "[1]"),
        ("json", "[1]"),
        ("number", 18),
        ("tool_calls", []),
        ("", None),
    ]


def test_in_csv_a_value_of_the_kind_json_is_json(tmp_path: Path):
    _, staged = stage_bytes(tmp_path, 'input,kind,expected\nx,json,"[1, ""a""]"\nx,json,\n', FROM_COLUMN, "rows.csv")

    assert [(row["expected_kind"], row["expected"]) for row in staged] == [("json", [1, "a"]), ("", None)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (
            {"kind": "regex", "expected": "x"},
            "“kind” is “regex”. Write text, number, json or tool_calls, or leave it empty.",
        ),
        (
            {"expected": "x"},
            "“expected” is given, but “kind” is empty. Write its kind: text, number, json or tool_calls.",
        ),
        ({"kind": "text"}, "“expected” is missing. Add the column, or map another one to it."),
    ],
)
def test_a_kind_that_does_not_fit_is_refused(tmp_path: Path, row: dict[str, Any], reason: str):
    assert reason_of(tmp_path, {"input": "x", **row}, FROM_COLUMN) == reason
