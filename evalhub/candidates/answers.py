"""Reading an answer of the chat API: whole, or put together from the events of a stream. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from evalhub.candidates.faults import fault_of_error
from evalhub.candidates.loose_json import storable
from evalhub.candidates.replies import CallError, Reply

LONGEST_TEXT = 1_000_000
MOST_TOOL_CALLS = 1_000
MOST_TOKENS = 2**31 - 1  # what the column holds
# Reasons that make silence an answer: the model was cut short, or its answer was withheld.
SILENT_REASONS = {"length", "content_filter"}


@dataclass(slots=True)
class Collected:
    """What has arrived of an answer. Text beyond LONGEST_TEXT characters is counted as cut off and dropped."""

    texts: list[str] = field(default_factory=list)
    room: int = LONGEST_TEXT
    is_cut: bool = False
    calls: dict[int, dict[str, Any]] = field(default_factory=dict)
    finish_reason: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    has_choice: bool = False
    has_text: bool = False

    @property
    def has_begun(self) -> bool:
        """Whether the first token is here: of text, or of a tool call."""
        return bool(self.texts) or bool(self.calls)

    def add_event(self, event: Any) -> None:
        """Take in one event of a stream. Raises CallError if it tells of an error."""
        self._add(event, "delta")

    def add_answer(self, answer: Any) -> None:
        """Take in a whole answer. Raises CallError if it tells of an error or has no choices."""
        if answer is None:
            raise CallError("empty", "The endpoint's answer is empty (null).", is_transient=True)
        self._add(answer, "message")
        if not self.has_choice:
            raise no_choices()

    def _add(self, data: Any, part: str) -> None:
        if not isinstance(data, dict):
            raise CallError(
                "no_choices",
                "The endpoint's answer is JSON, but not an answer of the chat API. Check that the base URL is right.",
                is_transient=True,
            )
        if data.get("error"):
            raise fault_of_error(data)
        self._add_usage(data.get("usage"))
        choices = data.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict) and choice.get("index") in (0, None):
                self._add_choice(choice, part)
                return

    def _add_choice(self, choice: dict[str, Any], part: str) -> None:
        message = choice.get(part)
        reason = choice.get("finish_reason")
        if isinstance(message, dict):
            self.has_choice = True
            self._add_text(message.get("content"))
            self._add_text(message.get("refusal") or None)
            calls = message.get("tool_calls")
            for call in calls if isinstance(calls, list) else ():
                if isinstance(call, dict):
                    self._add_call(len(self.calls) if part == "message" else self._number_of(call), call)
        if isinstance(reason, str) and reason:
            self.has_choice = True
            self.finish_reason = storable(reason)[:40]

    def _add_text(self, content: Any) -> None:
        if isinstance(content, list):  # parts, as some endpoints answer
            texts = [part.get("text") for part in content if isinstance(part, dict)]
            content = "".join(text for text in texts if isinstance(text, str))
        if not isinstance(content, str):
            return
        self.has_text = True
        kept = self._fitting(content)
        if kept:
            self.texts.append(kept)

    def _add_call(self, number: int, delta: dict[str, Any]) -> None:
        if number not in self.calls and len(self.calls) >= MOST_TOOL_CALLS:
            self.is_cut = True
            return
        call = self.calls.setdefault(number, {"id": "", "name": "", "arguments": []})
        function = delta["function"] if isinstance(delta.get("function"), dict) else {}
        name, arguments = function.get("name"), function.get("arguments")
        if isinstance(delta.get("id"), str) and not call["id"]:
            call["id"] = delta["id"][:200]
        if isinstance(name, str) and not call["name"]:  # some endpoints repeat the name in every event
            call["name"] = name[:200]
        if isinstance(arguments, dict | list):  # some endpoints send the value in place of its text
            arguments = json.dumps(arguments, ensure_ascii=False)
        if isinstance(arguments, str):
            call["arguments"].append(self._fitting(arguments))

    def _number_of(self, delta: dict[str, Any]) -> int:
        """Which call a delta continues: by its index; where that is left out, by its id, else the last one."""
        index, call_id = delta.get("index"), delta.get("id")
        if isinstance(index, int):
            return index
        if not isinstance(call_id, str) or not call_id:
            return max(self.calls, default=0)
        known = (number for number, call in self.calls.items() if call["id"] == call_id)
        return next(known, max(self.calls, default=-1) + 1)

    def _fitting(self, text: str) -> str:
        if len(text) > self.room:
            self.is_cut = True
            text = text[: self.room]
        self.room -= len(text)
        return text

    def _add_usage(self, usage: Any) -> None:
        if isinstance(usage, dict):
            self.prompt_tokens = token_count(usage.get("prompt_tokens"), self.prompt_tokens)
            self.completion_tokens = token_count(usage.get("completion_tokens"), self.completion_tokens)

    def write_to(self, reply: Reply) -> None:
        """Put what was collected on the reply. Raises CallError if there is nothing that could be an answer."""
        reply.prompt_tokens, reply.completion_tokens = self.prompt_tokens, self.completion_tokens
        reply.finish_reason = self.finish_reason
        if not self.has_choice:
            raise no_choices()
        if not (self.has_text or self.calls or self.finish_reason in SILENT_REASONS):
            raise CallError("empty", "The model returned neither text nor a tool call.", is_transient=True)
        reply.text = storable("".join(self.texts))
        reply.truncated = self.is_cut
        reply.tool_calls = [
            {
                "id": storable(call["id"]),
                "name": storable(call["name"]),
                "arguments": storable("".join(call["arguments"])),
            }
            for _index, call in sorted(self.calls.items())
        ]


def token_count(value: Any, default: int | None) -> int | None:
    is_count = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS
    return int(value) if is_count else default


def no_choices() -> CallError:
    return CallError(
        "no_choices",
        "The endpoint's answer has no choices. Check that it serves the OpenAI chat API under this base URL.",
        is_transient=True,
    )
