"""What people type as JSON for a candidate: tools and the schema of answers, read into the objects of the chat API."""

from __future__ import annotations

import json
import re
from typing import Any

from evalhub.errors import EvalHubError
from evalhub.evalsets.files.faults import CellFault
from evalhub.evalsets.files.strict_json import Parser

DEEPEST = 60
MOST_TOOLS = 128
TOOL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
TEXT, JSON_OBJECT, JSON_SCHEMA = "text", "json_object", "json_schema"


class ApiObjectError(EvalHubError):
    """The JSON is not what the chat API takes there."""


def read_tools(text: str) -> list[dict[str, Any]] | None:
    """The list of tools; None for an empty text, which leaves those of the example in place."""
    if not text.strip():
        return None
    tools = read_json_text(text)
    if not isinstance(tools, list):
        raise ApiObjectError("Tools are a list: begin with [ and end with ].")
    if len(tools) > MOST_TOOLS:
        raise ApiObjectError(f"{len(tools)} tools are too many. The limit is {MOST_TOOLS}.")
    names = [read_tool_name(tool, number) for number, tool in enumerate(tools, start=1)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ApiObjectError(f"There are two tools named “{twice}”. Rename one.")
    return tools


def read_tool_name(tool: Any, number: int) -> str:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict) or tool.get("type") != "function":
        raise ApiObjectError(
            f'Tool {number} is not of the form {{"type": "function", "function": {{"name": …, "parameters": …}}}}.'
        )
    name = function.get("name")
    if not isinstance(name, str) or not TOOL_NAME.fullmatch(name):
        raise ApiObjectError(f"Tool {number} needs a name of 1 to 64 letters, digits, “_” or “-”.")
    parameters = function.get("parameters", {})
    if not isinstance(parameters, dict):
        raise ApiObjectError(f"Tool {number}, “{name}”: its parameters are not a JSON Schema object.")
    check_schema(parameters, f"Tool {number}, “{name}”")
    return name


def read_response_format(kind: str, schema_text: str) -> dict[str, Any] | None:
    """The API's ``response_format``; None for plain text.

    For a schema people paste what they have: the schema, ``{"name", "schema", "strict"}``, or the whole object.
    """
    if kind == TEXT:
        return None
    if kind == JSON_OBJECT:
        return {"type": JSON_OBJECT}
    if not schema_text.strip():
        raise ApiObjectError("The schema is missing. Enter it, or choose “JSON object”.")
    value = read_json_text(schema_text)
    if not isinstance(value, dict):
        raise ApiObjectError("A schema is an object: begin with { and end with }.")
    if value.get("type") == JSON_SCHEMA and isinstance(value.get(JSON_SCHEMA), dict):
        value = value[JSON_SCHEMA]
    if not isinstance(value.get("schema"), dict):
        value = {"name": "answer", "schema": value}
    named = value if isinstance(value.get("name"), str) else {"name": "answer", **value}
    check_schema(named["schema"], "The schema")
    return {"type": JSON_SCHEMA, JSON_SCHEMA: named}


def check_schema(schema: dict[str, Any], where: str) -> None:
    import jsonschema_rs  # a binary module that only this form and one check need

    try:
        jsonschema_rs.validator_for(schema, retriever=retrieve_nothing)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        place = "/".join(str(step) for step in getattr(error, "instance_path", ()))
        at, reason = f" at {place}" if place else "", str(error).partition("\n")[0][:200]
        raise ApiObjectError(f"{where} is not a valid JSON Schema{at}: {reason}.") from None


def retrieve_nothing(address: str) -> Any:
    """Schemas may refer to themselves only: the library would open what they name, on the network or on disk."""
    raise ValueError(f"{address} is not looked up")


def kind_of(response_format: dict[str, Any] | None) -> str:
    return TEXT if response_format is None else str(response_format["type"])


def schema_text_of(response_format: dict[str, Any] | None) -> str:
    return written(response_format[JSON_SCHEMA]) if response_format and kind_of(response_format) == JSON_SCHEMA else ""


def written(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, indent=2)


def read_json_text(text: str) -> Any:
    """The value; raises ApiObjectError with line and column where the text is not JSON."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise ApiObjectError(
            f"Line {error.lineno}, column {error.colno}: this is not JSON. {error.msg.removesuffix(' at')}."
        ) from None
    except (RecursionError, ValueError):
        pass  # the strict reader says what is wrong
    try:
        return Parser(DEEPEST).parse(text.encode("utf-8", "surrogatepass"))
    except UnicodeDecodeError:
        raise ApiObjectError("The text holds half a character. Copy it again.") from None
    except CellFault as fault:
        raise ApiObjectError(str(fault)) from None
