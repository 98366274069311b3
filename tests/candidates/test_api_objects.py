import json
import socket

import pytest

from evalhub.candidates.api_objects import (
    ApiObjectError,
    kind_of,
    read_response_format,
    read_tools,
    schema_text_of,
    written,
)

SCHEMA = {"type": "object", "properties": {"zebra": {"type": "string"}, "apple": {"type": "number"}}}


def tool(**function: object) -> dict:
    return {"type": "function", "function": {"name": "f", "parameters": SCHEMA, **function}}


def test_tools_are_kept_as_they_are_and_an_empty_text_is_none():
    assert json.dumps(read_tools(json.dumps([tool(), tool(name="g-2_x")]))) == json.dumps([tool(), tool(name="g-2_x")])
    assert read_tools("  \n") is None
    assert read_tools("[]") == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[{]", "Line 1, column 3: this is not JSON. Expecting property name enclosed in double quotes."),
        ("[\n  1,\n  x]", "Line 3, column 3: this is not JSON. Expecting value."),
        ("{}", "Tools are a list: begin with [ and end with ]."),
        ("[3]", "Tool 1 is not of the form"),
        ('[{"name": "f", "parameters": {}}]', "Tool 1 is not of the form"),
        (json.dumps([tool(name="two words")]), "Tool 1 needs a name of 1 to 64 letters"),
        (json.dumps([tool(), tool()]), "There are two tools named “f”. Rename one."),
        (json.dumps([tool(parameters=[])]), "Tool 1, “f”: its parameters are not a JSON Schema object."),
        (json.dumps([tool(parameters={"type": "objekt"})]), "Tool 1, “f” is not a valid JSON Schema at type"),
        (json.dumps([tool(name=f"f{number}") for number in range(129)]), "129 tools are too many. The limit is 128."),
        ('[{"type": "function", "type": "function"}]', "twice"),
        ("[NaN]", "NaN"),
        ("[" * 100_000, "nested"),
        ('["\\ud800"]', "half a character"),
        ('["\\u0000"]', "NUL"),
        ("[" + "9" * 5000 + "]", "digits"),
    ],
)
def test_tools_that_are_refused(text, sentence):
    with pytest.raises(ApiObjectError) as refused:
        read_tools(text)

    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    "pasted",
    [
        SCHEMA,
        {"name": "answer", "schema": SCHEMA},
        {"schema": SCHEMA},
        {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}},
    ],
)
def test_a_schema_is_taken_in_each_form_that_people_have_it(pasted):
    made = read_response_format("json_schema", json.dumps(pasted))

    assert made == {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
    assert read_response_format("json_schema", schema_text_of(made)) == made
    assert list(made["json_schema"]["schema"]["properties"]) == ["zebra", "apple"]


def test_strict_and_the_name_are_kept():
    pasted = {"name": "ticket", "strict": True, "schema": SCHEMA}

    assert read_response_format("json_schema", json.dumps(pasted))["json_schema"] == pasted


def test_text_and_json_object_need_no_schema():
    assert read_response_format("text", "ignored {") is None
    assert read_response_format("json_object", "ignored {") == {"type": "json_object"}
    assert (kind_of(None), kind_of({"type": "json_object"})) == ("text", "json_object")
    assert (written(None), schema_text_of(None), schema_text_of({"type": "json_object"})) == ("", "", "")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The schema is missing. Enter it, or choose “JSON object”."),
        ("[]", "A schema is an object: begin with { and end with }."),
        ('{"type": "strnig"}', "The schema is not a valid JSON Schema at type"),
        (
            '{"type": "object", "properties": {"a": {"type": "x"}}}',
            "The schema is not a valid JSON Schema at properties/a/type",
        ),
    ],
)
def test_schemas_that_are_refused(text, sentence):
    with pytest.raises(ApiObjectError) as refused:
        read_response_format("json_schema", text)

    assert sentence in str(refused.value)


@pytest.mark.parametrize("name", ["$schema", "$ref", "$dynamicRef"])
def test_a_schema_that_names_an_address_is_refused_and_the_address_not_asked(name):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/schema"

        with pytest.raises(ApiObjectError, match="The schema is not a valid JSON Schema"):
            read_response_format("json_schema", json.dumps({name: address}))

        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_schema_that_names_a_file_is_refused():
    with pytest.raises(ApiObjectError, match="not a valid JSON Schema"):
        read_response_format("json_schema", '{"$ref": "file:///etc/passwd"}')
