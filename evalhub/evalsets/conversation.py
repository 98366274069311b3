"""A request as the turns that people read, and as plain text for showing differences."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

LABELS = {"system": "System", "developer": "Developer", "user": "User", "assistant": "Assistant", "tool": "Tool"}
FOLDED_ROLES = {"system", "developer"}
FOLDED_FROM = 500
"""Characters: an instruction that long is read once, not with every example."""
SUMMARY_CHARACTERS = 90


@dataclass(frozen=True)
class Call:
    name: str
    arguments: str
    """Indented where it is JSON, else as the model sent it."""


@dataclass(frozen=True)
class Turn:
    """One message: who says it, the text, the calls in it, and for a tool's answer whose it is."""

    role: str
    text: str
    calls: list[Call] = field(default_factory=list)
    about: str = ""

    @property
    def label(self) -> str:
        return LABELS.get(self.role, self.role)

    @property
    def kind(self) -> str:
        """The role as a part of a class name: only ever one of ours."""
        return self.role if self.role in LABELS else "other"

    @property
    def is_folded(self) -> bool:
        return self.role in FOLDED_ROLES and len(self.text) > FOLDED_FROM

    @property
    def beginning(self) -> str:
        return " ".join(self.text[: SUMMARY_CHARACTERS * 2].split())[:SUMMARY_CHARACTERS]

    @property
    def is_code(self) -> bool:
        """Whether the text is better set with letters of one width: it looks like JSON or markup."""
        return self.text.lstrip()[:1] in {"{", "[", "<"}


@dataclass(frozen=True)
class Tool:
    name: str
    description: str
    parameters: Any


def turns_of(request: Any) -> list[Turn]:
    """Return the messages of a request, read forgivingly: what is stored was checked, what a test makes may not be."""
    messages = request.get("messages") if isinstance(request, dict) else None
    turns: list[Turn] = []
    names: dict[str, str] = {}
    for message in messages if isinstance(messages, list) else []:
        if not isinstance(message, dict):
            continue
        calls = message.get("tool_calls") or []
        names |= {str(call.get("id")): _function(call)["name"] for call in calls if isinstance(call, dict)}
        about = str(message.get("name") or names.get(str(message.get("tool_call_id")), ""))
        turns.append(Turn(str(message.get("role", "")), text_of(message.get("content")), calls_of(calls), about))
    return turns


def tools_of(request: Any) -> list[Tool]:
    tools = request.get("tools") if isinstance(request, dict) else None
    functions = [_function(tool) for tool in tools or [] if isinstance(tool, dict)]
    return [
        Tool(function["name"], str(function.get("description") or ""), function.get("parameters"))
        for function in functions
    ]


def calls_of(calls: Any) -> list[Call]:
    """Return tool calls, those of a message (``function``) or of an output, with their arguments made readable."""
    functions = [_function(call) for call in calls or [] if isinstance(call, dict)]
    return [Call(function["name"], indented(function.get("arguments", ""))) for function in functions]


def text_of(content: Any) -> str:
    """Return a message's content: text, or its parts one below the other."""
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else None for part in content]
        if all(isinstance(part, str) for part in parts):
            return "\n".join(str(part) for part in parts)
    return indented(content)


def indented(value: Any) -> str:
    """Return JSON, or text that is JSON, over several lines; any other text as it is."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return str(value)
    return json.dumps(value, ensure_ascii=False, indent=2)


def transcript(request: Any) -> str:
    """Return a request as text, for comparing two: each turn under its role, then the tools."""
    parts = []
    for turn in turns_of(request):
        calls = [f"calls {call.name} {call.arguments}" for call in turn.calls]
        parts.append("\n".join([f"{turn.label} {turn.about}".strip() + ":", *filter(None, [turn.text]), *calls]))
    parts += [f"Tool {tool.name}: {tool.description}\n{indented(tool.parameters)}" for tool in tools_of(request)]
    return "\n\n".join(parts)


def _function(holder: dict[str, Any]) -> dict[str, Any]:
    inner = holder.get("function")
    function = inner if isinstance(inner, dict) else holder
    return {**function, "name": str(function.get("name") or "")}
