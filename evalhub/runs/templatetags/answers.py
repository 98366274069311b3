"""Outputs in templates: ``{% load answers %}``."""

from __future__ import annotations

import json

from django import template

from evalhub.runs.causes import name_of_cause

register = template.Library()
LONGEST_INDENTED = 200_000


@register.filter
def indented_json(text: str) -> str:
    """A text that is a JSON object or list, over several lines; "" for other texts, or where that changes nothing."""
    if text.lstrip()[:1] not in {"{", "["} or len(text) > LONGEST_INDENTED:
        return ""
    try:
        indented = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return ""
    return "" if indented == text.strip() else indented


@register.filter
def cause_name(cause: str) -> str:
    return name_of_cause(cause)
