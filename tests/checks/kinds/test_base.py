"""What all kinds of check share: parameters, no answer, not applicable, causes."""

import ast
from pathlib import Path

import pytest

import evalhub.checks.kinds
from evalhub.checks.kinds import KINDS, judge
from evalhub.checks.kinds.base import Answer, Cause, Expected, Outcome, ParameterError
from evalhub.errors import EvalHubError
from tests.checks.kinds.judging import as_tuple, failed, skipped

PARAMETERS = {
    "equals": {},
    "contains": {"texts": ["a"]},
    "matches": {"pattern": "a"},
    "number": {},
    "valid_json": {},
    "json_schema": {"schema": {"type": "object"}},
    "json_fields": {},
    "tool_calls": {},
}
EXPECTED = {"": None, "text": "18", "number": 18, "json": {"a": 1}, "tool_calls": []}


def test_there_is_one_kind_for_each_need():
    assert set(KINDS) == set(PARAMETERS)
    assert all(code == kind.code for code, kind in KINDS.items())


def test_no_module_of_the_kinds_imports_django():
    folder = Path(evalhub.checks.kinds.__file__).parent

    imported = {
        name
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }

    assert [name for name in imported if name.split(".")[0] == "django"] == []


@pytest.mark.parametrize("code", KINDS)
def test_an_output_without_an_answer_fails_every_check(code):
    kind = KINDS[code]
    expected = Expected(kind.expects[0], EXPECTED[kind.expects[0]]) if kind.expects else Expected()

    judgement = kind.prepare(PARAMETERS[code])(Answer("18", error="The endpoint timed out."), expected)

    assert as_tuple(judgement) == failed("no_answer", "There is no answer: The endpoint timed out.")


@pytest.mark.parametrize("code", KINDS)
@pytest.mark.parametrize("kind_of_expected", EXPECTED)
def test_whether_a_check_is_skipped_depends_on_the_example_alone(code, kind_of_expected):
    is_right = judge(code, PARAMETERS[code])
    expected = Expected(kind_of_expected, EXPECTED[kind_of_expected])

    outcomes = {is_right(answer, expected).outcome for answer in (Answer("18"), Answer("{}"), Answer("", error="gone"))}

    assert outcomes == {Outcome.SKIPPED} or Outcome.SKIPPED not in outcomes


def test_a_check_without_its_expected_output_is_skipped_with_the_reason():
    is_right = judge("number", {})

    assert as_tuple(is_right(Answer("18"), Expected())) == skipped(
        "The example gives no expected output; this check compares with a number or a text or JSON."
    )
    assert as_tuple(is_right(Answer("18"), Expected("tool_calls", []))) == skipped(
        "The example gives tool calls; this check compares with a number or a text or JSON."
    )


@pytest.mark.parametrize("code", KINDS)
def test_causes_are_unique_and_begin_with_no_answer(code):
    codes = [cause.code for cause in KINDS[code].causes]

    assert codes[0] == "no_answer"
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("code", KINDS)
def test_every_default_is_of_its_parameters_type(code):
    parameters = KINDS[code].parameters

    for parameter in parameters:
        if parameter.name not in ("pattern", "schema", "field"):  # these have no usable default
            KINDS[code].prepare({**PARAMETERS[code], parameter.name: parameter.default})


def test_a_cause_with_a_field_has_the_field_in_its_title():
    kind = KINDS["json_fields"]

    assert kind.cause("invalid_json").title == "Invalid JSON"
    assert kind.cause("wrong_field:priority").title == "Wrong field: priority"
    assert kind.cause("gone") == Cause("gone", "gone", "A class of an earlier version of this check.")


@pytest.mark.parametrize(
    ("code", "parameters", "sentence"),
    [
        ("equals", {"ignore_case": "yes"}, "Ignore upper and lower case: choose yes or no."),
        ("equals", {"colour": 1}, "This check has no parameter “colour”."),
        ("contains", {"texts": "a"}, "Texts: write one text a line, none of them empty."),
        ("contains", {"texts": [""]}, "Texts: write one text a line, none of them empty."),
        ("contains", {"mode": "some"}, "The answer contains: choose one of all, any, none."),
        ("number", {"tolerance": "0.5"}, "Tolerance: write a number, such as 0.5."),
        ("number", {"tolerance": float("nan")}, "Tolerance: write a number, such as 0.5."),
        ("number", {"tolerance": True}, "Tolerance: write a number, such as 0.5."),
        ("matches", {"pattern": None}, "Pattern: write a text of at most 20,000 characters."),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(code, parameters, sentence):
    with pytest.raises(ParameterError) as refused:
        judge(code, parameters)

    assert str(refused.value) == sentence
    assert refused.value.parameter == next(iter(parameters))
    assert isinstance(refused.value, EvalHubError)


def test_an_expected_output_nested_beyond_reason_is_skipped():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]

    for code in ("equals", "json_fields"):
        judgement = judge(code, {})(Answer("[]"), Expected("json", deep))
        assert as_tuple(judgement) == skipped("The expected output is nested too deeply to be compared.")


@pytest.mark.parametrize(("kind", "parameters"), [("valid_json", {}), ("json_schema", {"schema": {"type": "object"}})])
def test_a_check_of_the_text_says_nothing_where_tool_calls_are_expected(kind, parameters):
    judge = KINDS[kind].prepare(parameters)

    assert judge(Answer(""), Expected("tool_calls", [])).outcome == Outcome.SKIPPED
    assert judge(Answer("{}"), Expected("number", 1)).outcome == Outcome.PASSED
