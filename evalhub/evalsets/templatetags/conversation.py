"""Requests and expected outputs in templates: ``{% load conversation %}``."""

from __future__ import annotations

import json
from typing import Any

from django import template

from evalhub.evalsets.conversation import Call, Tool, Turn, calls_of, indented, tools_of, turns_of
from evalhub.evalsets.models import ExpectedKind

register = template.Library()


@register.filter
def turns(request: Any) -> list[Turn]:
    return turns_of(request)


@register.filter
def tools(request: Any) -> list[Tool]:
    return tools_of(request)


@register.filter
def calls(tool_calls: Any) -> list[Call]:
    return calls_of(tool_calls)


@register.filter
def kind_name(kind: str) -> str:
    """“tool_calls” → “tool calls”, “” → “none given”."""
    return str(ExpectedKind(kind).label) if kind in ExpectedKind.values else kind


@register.filter
def as_json(value: Any) -> str:
    return indented(value) if not isinstance(value, str) else value


@register.filter
def literal(value: Any) -> str:
    """A value as JSON on one line, texts in quotation marks: 5 and "5" are different arguments."""
    return json.dumps(value, ensure_ascii=False)


@register.filter
def accepted(call: Any) -> list[tuple[str, list[Any], bool]]:
    """The arguments of an expected call: name, accepted values, and whether it may be left out."""
    arguments = call.get("arguments") if isinstance(call, dict) else None
    optional = call.get("optional") or [] if isinstance(call, dict) else []
    return [
        (name, values if isinstance(values, list) else [values], name in optional)
        for name, values in (arguments or {}).items()
    ]
