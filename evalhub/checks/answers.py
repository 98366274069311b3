"""Outputs and examples as the checks see them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from evalhub.checks.kinds.base import Answer, ToolCall


def as_answer(text: str, tool_calls: Any, error_cause: str = "", error: str = "") -> Answer:
    """An output's columns as an answer. Whatever the stored tool calls are, no fault comes of it."""
    return Answer(text, as_tool_calls(tool_calls), error or error_cause if error_cause else "")


def as_tool_calls(stored: Any) -> tuple[ToolCall, ...]:
    calls: Iterable[Any] = stored if isinstance(stored, list) else ()
    return tuple(
        ToolCall(str(call.get("id") or ""), str(call.get("name") or ""), str(call.get("arguments") or ""))
        for call in calls
        if isinstance(call, dict)
    )
