"""Nothing that a model writes makes a prepared check raise, and every judgement can be stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalhub.checks.kinds import KINDS, judge
from evalhub.checks.kinds.base import Answer, Expected, Outcome, ToolCall

CHECKS = [
    judge(code, parameters)
    for code, parameters in [
        ("equals", {}),
        ("equals", {"ignore_punctuation": True}),
        ("contains", {}),
        ("contains", {"texts": ["x", "é"], "mode": "none"}),
        ("matches", {"pattern": r"(?i)(\w+)\s*x"}),
        ("matches", {"pattern": "x", "mode": "no_match"}),
        ("number", {}),
        ("number", {"source": "only", "tolerance": 0.1, "tolerance_kind": "relative"}),
        ("number", {"source": "field", "field": "a.0"}),
        ("number", {"source": "pattern", "pattern": r"a(.*)"}),
        ("valid_json", {}),
        ("valid_json", {"fence": "report"}),
        (
            "json_schema",
            {"schema": {"properties": {"a": {"type": "string", "maxLength": 2}}, "additionalProperties": False}},
        ),
        ("json_fields", {"ignore_case": True, "ignore_order": True}),
        ("json_fields", {"fields": ["a", "a.0.b", "."]}),
        ("tool_calls", {}),
        ("tool_calls", {"order": "same", "loose_texts": False}),
    ]
]
EXPECTED = [
    Expected(),
    Expected("text", "x\x00\ud800"),
    Expected("text", "9" * 5000),
    Expected("number", 1e308),
    Expected("number", 10**4000),
    Expected("json", {"a": [1, {"b": "\ud800"}], "": None}),
    Expected("json", [[[]]]),
    Expected("json", float("nan")),
    Expected("tool_calls", []),
    Expected("tool_calls", [{"name": "\x00", "arguments": {"a": [1, "\ud800", None], "b": []}, "optional": ["b"]}]),
    Expected("unknown", object()),
]
HOSTILE = [
    "",
    "\x00",
    "\ud800",
    '"\\ud800"',
    '{"a": "\\ud800", "\\udfff": 1}',
    '{"a": "\\u0000"}',
    "NaN",
    "Infinity",
    '{"a": NaN}',
    "9" * 5000,
    '{"a": ' + "9" * 5000 + "}",
    '{"a": [' + "9" * 4000 + "]}",
    '{"a": [1e308, 1e309]}',
    "-" + "9" * 200_000,
    "1e999999999",
    "1E-999",
    "[" * 100_000,
    "[" * 100_000 + "]" * 100_000,
    '{"a":' * 50_000,
    "```" * 50_000,
    "```json\n" * 20_000,
    "{" + ",".join(f'"k{number}":{number}' for number in range(20_000)) + "}",
    "[" + ",".join(["[]"] * 50_000) + "]",
    "a" + "\u0301\u0316" * 100_000,
    "\u202e\u2066 txet",
    "\U0010ffff\ufffe\ufeff",
    "\ufdfa" * 20_000,
    "1 2 " * 50_000,
    "-.,$" * 50_000,
]
TEXT = st.text(alphabet=st.characters() | st.sampled_from('{}[]",:`\n\\u0123456789eE-.a\ud800\x00'))


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:20]))
def test_hostile_answers_get_a_judgement(text):
    for expected in EXPECTED:
        judge_all(Answer(text, [ToolCall("1", "\x00", text)]), expected)


@given(TEXT, TEXT, TEXT, st.sampled_from(EXPECTED))
def test_any_answer_gets_a_judgement(text, name, arguments, expected):
    judge_all(Answer(text, [ToolCall("", name, arguments)]), expected)


@given(TEXT, TEXT)
def test_any_expected_text_gets_a_judgement(text, expected):
    judge_all(Answer(text), Expected("text", expected))


@given(TEXT.filter(bool))
def test_any_error_text_gets_a_judgement(error):
    judge_all(Answer("", error=error), Expected("text", "x"))


def judge_all(answer, expected):
    """Judge with every check; each judgement must be complete, and storable in PostgreSQL."""
    known = {cause.code for kind in KINDS.values() for cause in kind.causes}
    for is_right in CHECKS:
        judgement = is_right(answer, expected)
        assert bool(judgement.cause) == (judgement.outcome == Outcome.FAILED)
        assert bool(judgement.message) == (judgement.outcome != Outcome.PASSED)
        assert judgement.cause == "" or judgement.cause.partition(":")[0] in known
        assert len(judgement.cause) <= 100
        assert len(judgement.message) <= 1500
        (judgement.cause + judgement.message).encode()
        assert "\x00" not in judgement.cause + judgement.message
