"""What a demo model is: a name, how long it likes to think, and a function from a request to a reply."""

import json
from dataclasses import dataclass, field
from typing import Any, Protocol

Request = dict[str, Any]


@dataclass(frozen=True)
class ToolCall:
    """One call: the tool's name and its arguments as the raw string that is sent, which may be invalid JSON."""

    name: str
    arguments: str


@dataclass(frozen=True)
class Reply:
    """What a model answers: text, or tool calls, or both."""

    text: str = ""
    tool_calls: list[ToolCall] = field(default_factory=list)


class Model(Protocol):
    """A demo model. ``typical_ms`` is the usual time of a whole answer, ``first_token_share`` how much of it passes
    before the first word."""

    name: str
    typical_ms: int
    first_token_share: float

    def answer(self, request: Request) -> Reply:
        """The reply to a chat request; the same request always gets the same reply."""
        ...


def call(name: str, **arguments: Any) -> ToolCall:
    """A tool call with well-formed arguments."""
    return ToolCall(name, json.dumps(arguments, ensure_ascii=False))


def triage_json(intent: str, priority: str, order_id: str | None, refund_amount: float | None, language: str) -> str:
    """The one JSON object that a triage request asks for."""
    fields = {
        "intent": intent,
        "priority": priority,
        "order_id": order_id,
        "refund_amount": refund_amount,
        "language": language,
    }
    return json.dumps(fields, ensure_ascii=False)
