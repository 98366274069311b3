"""The check “JSON Schema”."""

import json
from pathlib import Path

import pytest
from hypothesis import given

from evalhub.checks.kinds import judge
from evalhub.checks.kinds.base import ParameterError
from tests.checks.kinds.judging import PASSED, failed, judge_text
from tests.checks.kinds.test_json_text import JSON

SCHEMA = {
    "type": "object",
    "properties": {
        "priority": {"enum": ["low", "high"]},
        "order": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
        "items": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
        "date": {"type": "string", "format": "date"},
        "code": {"type": "string", "pattern": "^(a+)+$"},
    },
    "required": ["priority"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("text", ['{"priority": "low"}', '```json\n{"priority": "high", "order": {"id": "A"}}\n```'])
def test_json_that_follows_the_schema_passes(text):
    assert judge_text("json_schema", text, schema=SCHEMA) == PASSED


@pytest.mark.parametrize(
    ("value", "cause", "message"),
    [
        ({}, "missing_field", "The field “priority” is missing."),
        ({"priority": "low", "order": {}}, "missing_field", "The field “order.id” is missing."),
        (
            {"priority": "low", "order": {"id": 7}},
            "wrong_type",
            "The field “order.id” is 7, which is not of type string.",
        ),
        ([], "wrong_type", "The JSON is [], which is not of type object."),
        (
            {"priority": "urgent"},
            "not_allowed_value",
            "The field “priority” is “urgent”, but only “low”, “high” are allowed.",
        ),
        (
            {"priority": "low", "date": "31.1.2024"},
            "not_allowed_value",
            'The field “date” breaks the schema: "31.1.2024" is not a "date".',
        ),
        (
            {"priority": "low", "code": "b"},
            "not_allowed_value",
            'The field “code” breaks the schema: "b" does not match "^(a+)+$".',
        ),
        ({"priority": "low", "x": 1, "y": 2}, "extra_field", "The schema does not allow the field “x”, “y”."),
        (
            {"priority": "low", "items": [1, 2, 3, 4]},
            "other_schema_violation",
            "The field “items” breaks the schema: [1,2,3,4] has more than 3 items.",
        ),
        (
            {"priority": 1, "x": 1, "items": [1, "2"]},
            "wrong_type",
            "The field “items.1” is “2”, which is not of type integer (and 2 more).",
        ),
    ],
)
def test_each_class_of_fault_names_the_field(value, cause, message):
    assert judge_text("json_schema", json.dumps(value), schema=SCHEMA) == failed(cause, message)


def test_an_answer_that_is_not_json_is_a_class_of_its_own():
    assert judge_text("json_schema", "No.", schema=SCHEMA) == failed(
        "invalid_json", "The answer cannot be read as JSON: it is text without any JSON."
    )


def test_of_a_long_answer_with_many_faults_only_one_is_told():
    """Listing half a million faults would take five seconds and 500 MB."""
    text = json.dumps({"priority": "low", "items": ["x"] * 500_000})

    assert judge_text("json_schema", text, schema=SCHEMA)[1] in ("wrong_type", "other_schema_violation")


def test_a_catastrophic_pattern_ends_at_once():
    text = json.dumps({"priority": "low", "code": "a" * 100_000 + "b"})

    assert judge_text("json_schema", text, schema=SCHEMA)[1] == "not_allowed_value"


def test_a_schema_that_refers_to_itself_ends():
    schema = {"anyOf": [{"$ref": "#"}, {"type": "integer"}]}

    assert judge_text("json_schema", "1", schema=schema) == PASSED


@pytest.mark.parametrize(
    ("schema", "sentence"),
    [
        (None, "Give a JSON Schema"),
        ({}, "Give a JSON Schema"),
        ("{}", "Give a JSON Schema"),
        ({"type": "objct"}, "The schema is not valid at “type”: a type is one of string, number,"),
        (
            {"properties": {"a": {"minimum": "x"}}},
            'The schema is not valid at “properties.a.minimum”: "x" is not of type "number".',
        ),
        ({"pattern": "(?=a)"}, "patterns know no lookaround"),
        ({"$ref": "#/$defs/gone"}, "The schema is not valid: Pointer '/$defs/gone' does not exist."),
        ({"$ref": "http://127.0.0.1:9/x"}, "refers to another document, “http://127.0.0.1:9/x”, and nothing is ever"),
    ],
)
def test_a_schema_that_cannot_be_used_is_explained(schema, sentence):
    with pytest.raises(ParameterError) as refused:
        judge("json_schema", {"schema": schema})

    assert refused.value.parameter == "schema"
    assert sentence in str(refused.value)


def test_a_schema_never_opens_a_file(tmp_path: Path):
    (tmp_path / "other.json").write_text('{"type": "integer"}')

    with pytest.raises(ParameterError, match="nothing is ever fetched"):
        judge("json_schema", {"schema": {"$ref": (tmp_path / "other.json").as_uri()}})


@given(JSON)
def test_any_json_is_judged(value):
    assert judge_text("json_schema", json.dumps(value), schema=SCHEMA)[0] in ("passed", "failed")
    assert judge_text("json_schema", json.dumps(value), schema={"title": "anything"}) == PASSED
