"""The request that goes out: an example's messages, changed as the candidate wants it.

A template is text with one name in it, ``{{input}}``. It is neither a format string nor a template language: people's
texts are put in by one pass, and what was put in is not looked at again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evalhub.errors import EvalHubError

INPUT = "input"
LONGEST_PROMPT = 100_000
# Braces around what looks like a name. Braces around anything else, such as {{"a": 1}}, are plain text.
NAME = re.compile(r"\{\{\s*([^\W\d][^{}\n]{0,99}?)\s*\}\}")
LEADING_ROLES = {"system", "developer"}


class TemplateError(EvalHubError):
    """The template cannot be used."""


def check_template(template: str) -> None:
    """Raise TemplateError unless ``{{input}}`` is in the template and nothing else that looks like a name."""
    names = dict.fromkeys(NAME.findall(template))
    unknown = [f"{{{{{name}}}}}" for name in names if name != INPUT]
    if unknown:
        are = "is not a name" if len(unknown) == 1 else "are not names"
        raise TemplateError(
            f"{', '.join(unknown[:5])} {are} that the template knows. "
            "Use {{input}}, or put a space between the braces."
        )
    if template and INPUT not in names:
        raise TemplateError(
            "{{input}} is missing, so every example would ask the same. Put it where the example's text belongs."
        )


def fill(template: str, text: str) -> str:
    """The template with ``text`` in place of every ``{{input}}``. Braces inside ``text`` stay what they are."""
    return NAME.sub(lambda found: text if found[1] == INPUT else found[0], template)


def build_body(plan: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """The chat-completions body for this example's request under this plan. ``request`` is not changed."""
    body: dict[str, Any] = {"model": plan["model"], "messages": build_messages(plan, request)}
    tools = request.get("tools") if plan.get("tools") is None else plan["tools"]
    if tools:  # endpoints refuse an empty list; a candidate that says [] offers no tools
        body["tools"] = tools
    for name in ("temperature", "max_tokens", "response_format"):
        if plan.get(name) is not None:
            body[name] = plan[name]
    if plan.get("streams"):
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    return body


def build_messages(plan: Mapping[str, Any], request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The candidate's system prompt replaces the one that leads the request; its template the last user message's text.

    System messages further down are part of the conversation and stay.
    """
    messages = [dict(message) for message in request.get("messages", [])]
    if plan.get("system_prompt"):
        while messages and messages[0].get("role") in LEADING_ROLES:
            messages.pop(0)
        messages.insert(0, {"role": "system", "content": plan["system_prompt"]})
    if plan.get("template"):
        for message in reversed(messages):
            if message.get("role") == "user":
                message["content"] = filled_content(plan["template"], message.get("content"))
                break
    return messages


def filled_content(template: str, content: Any) -> Any:
    """The template with the content's text; parts of another kind (an image) follow it."""
    if not isinstance(content, list):
        return fill(template, content or "")
    others = [part for part in content if part.get("type") != "text"]
    text = "\n".join(part.get("text", "") for part in content if part.get("type") == "text")
    filled = fill(template, text)
    return [{"type": "text", "text": filled}, *others] if others else filled
