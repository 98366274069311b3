"""What stands on the desk, in templates: ``{% load reading %}``."""

from __future__ import annotations

from collections.abc import Iterable

from django import template

from reviews.models import Reason

register = template.Library()

REASON_NAMES = {
    Reason.FAILED_CHECK: "failed a check",
    Reason.DIFFERS: "differs from the baseline",
    Reason.CONTRADICTS: "checks contradict each other",
    Reason.OUTLIER: "unusually long or slow",
    Reason.TAG: "carries a tag",
    Reason.AUDIT: "random audit",
    Reason.ADDED: "added by a lead",
}


@register.filter
def reason_names(reasons: Iterable[str]) -> list[str]:
    """Why an item is there, in words short enough for badges, in the order of Reason: the same each time."""
    given = set(reasons)
    return [name for reason, name in REASON_NAMES.items() if reason in given]
