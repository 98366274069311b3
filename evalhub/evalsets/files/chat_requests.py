"""The request in a row: text, a list of chat messages, or an object with messages and tools, as in OpenAI's API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evalhub.evalsets.files.canonical import compact_json
from evalhub.evalsets.files.columns import MISSING
from evalhub.evalsets.files.faults import cell_fault, shown
from evalhub.evalsets.files.tool_calls import Parse

PLAIN_ROLES = ("user", "assistant", "system", "developer")
ROLES = {*PLAIN_ROLES, "tool"}
MESSAGE_KEYS = {"role", "content", "tool_calls", "tool_call_id", "name"}
REQUEST_KEYS = {"messages", "tools"}
TEXT_PART_KEYS = {"type", "text"}
Note = Callable[[str], None]
"""Counts something that was left out, for the report."""


def read_request(value: Any, tools: Any, column: str, tools_column: str, parse: Parse, note: Note) -> dict[str, Any]:
    """Return ``{"messages": […], "tools": […]}``, without tools where there are none. Raises CellFault.

    ``tools`` is the value of a column of its own, MISSING or None where there is none. What a message or request holds
    beyond the known keys is left out and noted.
    """
    messages, inner_tools = _split(value, column, note)
    request: dict[str, Any] = {"messages": [_message(item, n, column, note) for n, item in enumerate(messages, 1)]}
    inside, beside = _tools(inner_tools, column, parse), _tools(tools, tools_column, parse)
    if inside and beside:
        what = f"gives tools, and so does {shown(column)}. Leave one of them out"
        raise cell_fault(tools_column, what, "Tools given twice")
    if inside and next(iter(value)) == "tools":  # the order of the keys is kept, or a download would not give its hash
        return {"tools": inside, **request}
    if inside or beside:
        request["tools"] = inside or beside
    return request


def looks_like_messages(value: Any) -> bool:
    """Whether a parsed cell is a list of chat messages or an object that holds one."""
    messages = value.get("messages") if isinstance(value, dict) else value
    return isinstance(messages, list) and bool(messages) and all(isinstance(m, dict) and "role" in m for m in messages)


def _split(value: Any, column: str, note: Note) -> tuple[list[Any], Any]:
    if isinstance(value, str):
        if not value.strip():
            raise cell_fault(column, "is empty. Write the input", "Input is empty")
        return [{"role": "user", "content": value}], None
    if isinstance(value, dict) and "messages" in value:
        for key in value.keys() - REQUEST_KEYS:
            note(f"{shown(key)} of the request was left out: a request keeps messages and tools.")
        value, tools = value["messages"], value.get("tools")
    elif isinstance(value, dict) and "role" in value:
        value, tools = [value], None
    else:
        tools = None
    if not isinstance(value, list):
        what = "is neither text, nor a list of messages, nor an object with “messages”. Map the column of the input"
        raise cell_fault(column, what, "Input of an unknown shape")
    if not value:
        raise cell_fault(column, "has no messages. Write at least one", "No messages")
    return value, tools


def _message(given: Any, number: int, column: str, note: Note) -> dict[str, Any]:
    """Return a message as it is kept: as it was given, in nearly all cases."""
    if isinstance(given, dict) and len(given) == 2 and _is_plain(given):
        return given
    if not isinstance(given, dict) or "role" not in given:
        what = f'has a message {number} without a “role”. Messages look like {{"role": "user", "content": "…"}}'
        raise cell_fault(column, what, "Message without a role")
    message: dict[str, Any] = given
    role = message["role"]
    if not isinstance(role, str) or role not in ROLES:
        what = (
            f"has a message {number} with the role {shown(role)}. Roles are system, developer, user, assistant and tool"
        )
        raise cell_fault(column, what, "Unknown role")
    if not message.keys() <= MESSAGE_KEYS:
        for key in message.keys() - MESSAGE_KEYS:
            note(
                f"{shown(key)} of messages was left out: a message keeps role, content, name, tool calls and their id."
            )
        message = {key: item for key, item in message.items() if key in MESSAGE_KEYS}
    content = message.get("content")
    if not isinstance(content, str):
        message = _check_content(message, content, number, column)
    if message.keys() - {"role", "content"}:
        message = _check_rest(message, number, column)
    return message


def _is_plain(message: dict[str, Any]) -> bool:
    return message.get("role") in PLAIN_ROLES and isinstance(message.get("content"), str)


def _check_content(message: dict[str, Any], content: Any, number: int, column: str) -> dict[str, Any]:
    """Return the message with a ``content``; raise CellFault if it is neither text nor parts nor rightly absent."""
    if content is None:
        if message["role"] != "assistant" or not message.get("tool_calls"):
            raise cell_fault(
                column, f"has a message {number} without “content”. Write its text", "Message without content"
            )
        return message if "content" in message else {"role": "assistant", "content": None, **message}
    if not isinstance(content, list):
        what = f"has a message {number} whose “content” is neither text nor a list of text parts"
        raise cell_fault(column, what, "Content of an unknown shape")
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind != "text" or not isinstance(part.get("text"), str) or part.keys() - TEXT_PART_KEYS:
            what = f"has a message {number} with a part of the type {shown(kind)}. Only text parts are read"
            raise cell_fault(column, what, "Part that is not text")
    return message


def _check_rest(message: dict[str, Any], number: int, column: str) -> dict[str, Any]:
    for key in ("tool_call_id", "name"):
        if not isinstance(message.get(key, ""), str | None):
            raise cell_fault(column, f"has a message {number} whose “{key}” is no text", f"{key} is no text")
    message = {key: item for key, item in message.items() if item is not None or key == "content"}
    if message.get("tool_calls"):
        if message["role"] != "assistant":
            raise cell_fault(
                column, f"has a message {number} with tool calls that is not the assistant's", "Misplaced calls"
            )
        message["tool_calls"] = [_call(call, number, column) for call in _list(message["tool_calls"], number, column)]
    else:
        message.pop("tool_calls", None)
    return message


def _call(call: Any, number: int, column: str) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str) or not function["name"]:
        what = (
            f'has a message {number} with a tool call that is not {{"id", "type", "function": {{"name", "arguments"}}}}'
        )
        raise cell_fault(column, what, "Tool call of an unknown shape")
    arguments = function.get("arguments", "{}")
    if isinstance(arguments, str) and "arguments" in function:
        return dict(call)
    text = arguments if isinstance(arguments, str) else compact_json(arguments).decode()
    return {**call, "function": {**function, "arguments": text}}


def _list(calls: Any, number: int, column: str) -> list[Any]:
    if not isinstance(calls, list):
        raise cell_fault(column, f"has a message {number} whose “tool_calls” are no list", "Tool calls are no list")
    return calls


def _tools(value: Any, column: str, parse: Parse) -> list[dict[str, Any]]:
    """Return tools in OpenAI's shape; a bare ``{"name", "parameters"}`` is wrapped, its parameters as they are."""
    if value is MISSING or value is None or value == "":
        return []
    if isinstance(value, str):
        value = parse(value, column)
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        raise cell_fault(column, "is not a list of tools", "Tools are no list")
    return [_tool(tool, number, column) for number, tool in enumerate(value, 1)]


def _tool(tool: Any, number: int, column: str) -> dict[str, Any]:
    function = tool.get("function", tool) if isinstance(tool, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str) or not function["name"]:
        what = f'has a tool {number} without a “name”. Tools look like {{"name": "…", "parameters": {{…}}}}'
        raise cell_fault(column, what, "Tool without a name")
    if not isinstance(function.get("parameters", {}), dict):
        raise cell_fault(column, f"has a tool {number} whose “parameters” are no object", "Parameters are no object")
    if "function" in tool:
        return dict(tool) if "type" in tool else {"type": "function", **tool}
    return {"type": "function", "function": {key: item for key, item in tool.items() if key != "type"}}
