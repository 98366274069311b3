"""How values are written on pages. In every template without ``{% load %}``."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import reverse

register = template.Library()

# Control characters, and those that reorder or hide text: a reader must see them, not suffer them.
HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")


def shown(match: re.Match[str]) -> str:
    code = ord(match.group())
    return chr(0x2400 + code) if code < 0x20 else "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


@register.filter
def visible(text: Any) -> str:
    """Text from outside with its control and bidirectional characters made visible. Still escaped by the template."""
    return HIDDEN.sub(shown, "" if text is None else str(text).replace("\r\n", "\n"))


@register.filter
def pretty_json(value: Any) -> str:
    return visible(json.dumps(value, ensure_ascii=False, indent=2))


@register.filter
def percent(share: float | None, digits: int = 1) -> str:
    """0.293 → “29.3 %”; nothing counted → “–”."""
    return "–" if share is None else f"{share * 100:.{digits}f} %"


@register.filter
def number(value: float | Decimal | None) -> str:
    """Thousands apart by a thin space, so that the eye can count them."""
    return "–" if value is None else f"{value:,}".replace(",", "\u202f")


@register.filter
def money(value: float | Decimal | None) -> str:
    """US dollars: cents, or for small amounts two digits that say something."""
    if value is None:
        return "–"
    amount = Decimal(value)
    if amount == 0 or amount >= Decimal("0.1"):
        return f"${amount:,.2f}"
    return f"${amount:.{max(2, 1 - amount.adjusted())}f}"


@register.filter
def duration(value: timedelta | float | None) -> str:
    """Seconds (or a timedelta) as “0.84 s”, “12 s”, “3 min 20 s”, “2 h 5 min”."""
    if value is None:
        return "–"
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if seconds < 10:
        return f"{seconds:.2g} s" if seconds < 1 else f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


@register.filter
def milliseconds(value: float | None) -> str:
    return "–" if value is None else duration(value / 1000) if value >= 1000 else f"{value:.0f} ms"


@register.filter
def file_size(count: int | None) -> str:
    size = float(count or 0)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


@register.filter
def share_of(part: float | None, whole: float | None) -> float:
    """part / whole in percent for a <progress>; 0 when there is no whole."""
    return round(100 * (part or 0) / whole, 1) if whole else 0


@register.filter
def label_of(value: Any, choices: Any) -> str:
    return str(choices(value).label)


@register.simple_tag
def address(name: str, *arguments: Any, **query: Any) -> str:
    """The path of a named page with a query; parameters that are None or empty are left out."""
    asked = urlencode({key: value for key, value in query.items() if value not in (None, "")})
    return reverse(name, args=arguments) + (f"?{asked}" if asked else "")
