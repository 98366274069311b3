"""How the figures of rounds are written: ``{% load rounds %}``."""

from __future__ import annotations

from django import template

register = template.Library()

MINUTE, HOUR, DAY = 60, 3600, 86400


@register.filter
def roughly(seconds: float | None) -> str:
    """An estimated time in so few words as it deserves: “1 min”, “25 min”, “3 h 20 min”, “4 days”; none: “–”."""
    if seconds is None:
        return "–"
    minutes = max(1, round(seconds / MINUTE))
    if minutes < 60:
        return f"{minutes} min"
    if seconds < 2 * DAY:
        # Above an hour the last digit of the minutes says nothing.
        hours, rest = divmod(round(minutes / 5) * 5, 60)
        return f"{hours} h {rest} min" if rest and hours < 10 else f"{round(seconds / HOUR)} h"
    return f"{round(seconds / DAY)} days"
