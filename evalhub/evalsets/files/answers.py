"""What a model answered, in the shapes in which logs keep it: text, a message, or a whole response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from evalhub.evalsets.files.cells import is_absent, read_text
from evalhub.evalsets.files.columns import MISSING


class Answer(NamedTuple):
    """The text, and what the same cell says besides it; MISSING where it says nothing."""

    text: str
    tool_calls: Any = MISSING
    finish_reason: Any = MISSING
    prompt_tokens: Any = MISSING
    completion_tokens: Any = MISSING


def read_answer(value: Any, own: Mapping[str, Any]) -> Answer:
    """Return the answer in a cell, and what columns of their ``own`` say besides it, which wins unless it is MISSING.

    An object that is neither message nor response is taken as JSON that was answered.
    """
    return _read(value)._replace(**{field: cell for field, cell in own.items() if cell is not MISSING})


def _read(value: Any) -> Answer:
    if not isinstance(value, dict):
        return Answer(_text(value))
    choices = value.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return _from_response(value, choices[0])
    if "content" in value and ("role" in value or "tool_calls" in value):
        return Answer(_text(value["content"]), value.get("tool_calls", MISSING))
    return Answer(read_text(value))


def _from_response(response: dict[str, Any], choice: dict[str, Any]) -> Answer:
    message = choice.get("message")
    usage = response.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    inner = message if isinstance(message, dict) else {"content": choice.get("text")}
    return Answer(
        _text(inner.get("content")),
        inner.get("tool_calls", MISSING),
        choice.get("finish_reason", MISSING),
        usage.get("prompt_tokens", MISSING),
        usage.get("completion_tokens", MISSING),
    )


def _text(content: Any) -> str:
    """Return text, or text parts put together; anything else as JSON."""
    if isinstance(content, list) and content and all(_is_text_part(part) for part in content):
        return "".join(part["text"] for part in content)
    return "" if is_absent(content) else read_text(content)


def _is_text_part(part: Any) -> bool:
    return isinstance(part, dict) and isinstance(part.get("text"), str)
