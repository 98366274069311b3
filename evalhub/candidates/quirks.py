"""What some endpoints want otherwise: learned from their refusal, remembered for this process.

A refusal costs no tokens, so the call is sent again at once in the way that the endpoint asked for. Sources: servers
that forbid unknown fields refuse ``stream_options``; OpenAI's reasoning models want ``max_completion_tokens``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NO_STREAM_OPTIONS = "no stream_options"
LIMIT_RENAMED = "max_tokens is max_completion_tokens"
MOST_REMEMBERED = 1_000

_known: dict[tuple[str, str], frozenset[str]] = {}


def quirks_of(plan: Mapping[str, Any]) -> frozenset[str]:
    return _known.get((plan["base_url"], plan["model"]), frozenset())


def learn_quirk(plan: Mapping[str, Any], body: Mapping[str, Any], status: int, refusal: bytes) -> bool:
    """Whether the refusal of ``body`` names a quirk that was not known of; if so, it is known now."""
    quirk = quirk_in(body, refusal) if status in {400, 422} else ""
    if not quirk:
        return False
    if len(_known) >= MOST_REMEMBERED:
        _known.clear()
    _known[(plan["base_url"], plan["model"])] = quirks_of(plan) | {quirk}
    return True


def quirk_in(body: Mapping[str, Any], refusal: bytes) -> str:
    if "stream_options" in body and (b"stream_options" in refusal or b"include_usage" in refusal):
        return NO_STREAM_OPTIONS
    if "max_tokens" in body and b"max_completion_tokens" in refusal:
        return LIMIT_RENAMED
    return ""


def adapted(plan: Mapping[str, Any], body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The body as this endpoint is known to want it for this model."""
    quirks = quirks_of(plan)
    if not quirks:
        return body
    changed = dict(body)
    if NO_STREAM_OPTIONS in quirks:
        changed.pop("stream_options", None)
    if LIMIT_RENAMED in quirks and "max_tokens" in changed:
        changed["max_completion_tokens"] = changed.pop("max_tokens")
    return changed
