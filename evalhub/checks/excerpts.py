"""The beginnings of requests, expected outputs and answers, for lists. Pure, and no fault whatever the data are."""

from __future__ import annotations

import json
from typing import Any

from evalhub.checks.answers import as_tool_calls
from evalhub.evalsets.conversation import turns_of

LONGEST, MOST_LINES = 600, 12
ENDING, LAST_LINES = 200, 4  # of them, for many an answer stands at the end
CUT = "\n…\n"


def excerpt(text: str) -> str:
    """A short text whole; of a long one the beginning and the end."""
    text = text.strip()
    text = joined(text[:LONGEST], text[-ENDING:], len(text))
    lines = text.split("\n")
    if len(lines) <= MOST_LINES:
        return text
    return "\n".join(lines[: MOST_LINES - LAST_LINES - 1]) + CUT + "\n".join(lines[-LAST_LINES:])


def joined(beginning: str, ending: str, length: int) -> str:
    """An excerpt of a text of ``length`` characters, from its first LONGEST and its last ENDING ones."""
    return beginning if length <= LONGEST else beginning[: LONGEST - ENDING - len(CUT)].rstrip() + CUT + ending.lstrip()


def request_excerpt(request: Any) -> str:
    """The beginning of what the user said last; of the last message if no user said anything."""
    turns = turns_of(request)
    asked = [turn for turn in turns if turn.role == "user"] or turns
    return excerpt(asked[-1].text) if asked else ""


def expected_excerpt(kind: str, expected: Any) -> str:
    """The beginning of the expected output; "" if none is given."""
    if not kind:
        return ""
    if kind == "tool_calls":
        calls = [call for call in expected if isinstance(call, dict)] if isinstance(expected, list) else []
        return excerpt("\n".join(expected_call(call) for call in calls)) or "No tool call"
    if isinstance(expected, str):
        return excerpt(expected)
    return excerpt(json.dumps(expected, ensure_ascii=False, indent=2 if isinstance(expected, dict | list) else None))


def expected_call(call: dict[str, Any]) -> str:
    """A call with its accepted values: ``area(base=10, unit="m" or "metres")``."""
    arguments = call.get("arguments")
    accepted = arguments if isinstance(arguments, dict) else {}
    spelled = [f"{name}={' or '.join(map(spell, as_list(values)))}" for name, values in accepted.items()]
    return f"{call.get('name') or ''}({', '.join(spelled)})"


def answer_excerpt(text: str, tool_calls: Any) -> str:
    """The beginning of an answer: its tool calls, one a line, and its text."""
    calls = [f"{call.name}({call.arguments})" for call in as_tool_calls(tool_calls)]
    return excerpt("\n".join([*calls, text] if text.strip() else calls))


def spell(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def as_list(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values]
