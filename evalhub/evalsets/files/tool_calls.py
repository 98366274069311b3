"""Tool calls as a file may hold them: expected ones with accepted values, and those that a model made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evalhub.evalsets.files.canonical import compact_json
from evalhub.evalsets.files.faults import cell_fault, shown

NO_CALL = {"", "[]", "no call", "no_call", "no tool call", "none", "null"}
Parse = Callable[[str, str], Any]
"""Reads JSON text strictly, given the column it stands in; raises CellFault."""


def read_expected_calls(value: Any, column: str, parse: Parse) -> list[dict[str, Any]]:
    """Return expected calls as ``[{"name", "arguments": {argument: [accepted, …]}, "optional": […]}]``; [] is no call.

    Taken: that shape, where a bare value stands for a list of one; and OpenAI's (``function``, or arguments as JSON
    text), whose values are what was sent, so that each is the one accepted value. Null, “no call” and [] expect none.
    """
    return [
        _read_expected_call(call, number, column, parse) for number, call in enumerate(_calls(value, column, parse), 1)
    ]


def read_output_calls(value: Any, column: str, parse: Parse) -> list[dict[str, str]]:
    """Return the calls that a model made as ``[{"id", "name", "arguments"}]``, arguments as the text that it sent."""
    found = []
    for number, call in enumerate(_calls(value, column, parse), 1):
        function = _function(call, number, column)
        arguments = function.get("arguments")
        if arguments is None:
            arguments = "{}"
        if not isinstance(arguments, str):
            arguments = compact_json(arguments).decode()
        identity = call.get("id")
        name = _name(function, number, column)
        found.append({"id": identity if isinstance(identity, str) else "", "name": name, "arguments": arguments})
    return found


def looks_like_calls(value: Any) -> bool:
    """Whether the value is a list of calls, for guessing."""
    if not isinstance(value, list) or not value:
        return False
    functions = [item.get("function", item) if isinstance(item, dict) else None for item in value]
    return all(
        isinstance(item, dict) and isinstance(item.get("name"), str) and "arguments" in item for item in functions
    )


def _calls(value: Any, column: str, parse: Parse) -> list[Any]:
    """Return the list of calls in a cell, whichever way it is wrapped."""
    if isinstance(value, str):
        if value.strip().lower() in NO_CALL:
            return []
        value = parse(value, column)
    if isinstance(value, dict):
        value = value.get("tool_calls", [value])
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise cell_fault(
        column,
        'is not a list of tool calls. Write [{"name": "…", "arguments": {…}}], or [] for no call',
        "Not a list of tool calls",
    )


def _read_expected_call(call: Any, number: int, column: str, parse: Parse) -> dict[str, Any]:
    function = _function(call, number, column)
    name = _name(function, number, column)
    arguments = function.get("arguments")
    is_literal = "function" in call or isinstance(arguments, str)
    if isinstance(arguments, str):
        arguments = parse(arguments, column) if arguments.strip() else {}
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        raise cell_fault(column, f"has a call {number} whose “arguments” are no object", "Arguments are no object")
    accepted = {
        key: [item] if is_literal or not isinstance(item, list) else _accepted(item, key, number, column)
        for key, item in arguments.items()
    }
    return {"name": name, "arguments": accepted, "optional": _optional(call, accepted, number, column)}


def _accepted(values: list[Any], key: str, number: int, column: str) -> list[Any]:
    if not values:
        what = f"has a call {number} that accepts no value at all for {shown(key)}. List the accepted values"
        raise cell_fault(column, what, "No accepted value")
    return values


def _optional(call: dict[str, Any], accepted: dict[str, list[Any]], number: int, column: str) -> list[str]:
    optional = call.get("optional") or []
    if not isinstance(optional, list) or not all(isinstance(name, str) for name in optional):
        raise cell_fault(
            column, f"has a call {number} whose “optional” is no list of names", "Optional is no list of names"
        )
    for name in optional:
        if name not in accepted:
            what = f"has a call {number} with {shown(name)} as optional, which is none of its arguments"
            raise cell_fault(column, what, "Optional argument without accepted values")
    return optional


def _function(call: Any, number: int, column: str) -> dict[str, Any]:
    function = call.get("function", call) if isinstance(call, dict) else None
    if not isinstance(function, dict):
        raise cell_fault(column, f"has a call {number} that is no object with a name", "Call is no object")
    return function


def _name(function: dict[str, Any], number: int, column: str) -> str:
    name = function.get("name")
    if not isinstance(name, str) or not name:
        raise cell_fault(
            column, f"has a call {number} without a “name”. Give it the tool's name", "Call without a name"
        )
    return name
