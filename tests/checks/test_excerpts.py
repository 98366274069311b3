import pytest

from evalhub.checks.excerpts import LONGEST, answer_excerpt, excerpt, expected_excerpt, joined, request_excerpt

CALLS = [
    {"name": "area", "arguments": {"base": [10], "unit": ["m", "metres"]}, "optional": ["unit"]},
    {"name": "stop", "arguments": {}},
]


def test_of_a_long_text_the_beginning_and_the_end_are_shown():
    assert excerpt(" " + "a" * LONGEST + " ") == "a" * LONGEST
    shown = excerpt("a" * 500 + "b" * 500)
    assert shown == "a" * 397 + "\n…\n" + "b" * 200
    assert excerpt(shown) == shown
    assert joined("a" * LONGEST, "b" * 200, 1000) == shown


def test_of_many_lines_the_first_and_the_last_are_shown():
    lines = [str(number) for number in range(100)]

    shown = excerpt("\n".join(lines))

    assert shown.split("\n") == ["0", "1", "2", "3", "4", "5", "6", "…", "96", "97", "98", "99"]
    assert excerpt("\n".join(lines[:12])) == "\n".join(lines[:12])


def test_a_request_shows_what_the_user_said_last():
    turns = [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "First"},
        {"role": "user", "content": [{"type": "text", "text": "Second"}, {"type": "text", "text": "part"}]},
        {"role": "assistant", "content": "Answer"},
    ]

    assert request_excerpt({"messages": turns}) == "Second\npart"
    assert request_excerpt({"messages": turns[:1]}) == "Be short."


@pytest.mark.parametrize("request_", [None, [], "text", {}, {"messages": None}, {"messages": [5]}, {"messages": [{}]}])
def test_a_request_of_an_odd_form_is_no_fault(request_):
    assert request_excerpt(request_) == ""


@pytest.mark.parametrize(
    ("kind", "expected", "shown"),
    [
        ("", None, ""),
        ("text", " Paris ", "Paris"),
        ("number", 18, "18"),
        ("json", {"é": [1]}, '{\n  "é": [\n    1\n  ]\n}'),
        ("json", None, "null"),
        ("tool_calls", CALLS, 'area(base=10, unit="m" or "metres")\nstop()'),
        ("tool_calls", [], "No tool call"),
        ("tool_calls", [None, {"name": None, "arguments": 5}], "()"),
    ],
)
def test_expected_outputs_are_shown_as_people_write_them(kind, expected, shown):
    assert expected_excerpt(kind, expected) == shown


def test_an_answer_shows_its_calls_and_its_text():
    calls = [{"id": "1", "name": "area", "arguments": '{"base": 10}'}]

    assert answer_excerpt("Done.", calls) == 'area({"base": 10})\nDone.'
    assert answer_excerpt(" ", calls) == 'area({"base": 10})'
    assert answer_excerpt("", []) == ""
    assert answer_excerpt("x", {"odd": 1}) == "x"
