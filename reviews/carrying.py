"""How much of what people said carries certain error types. Asked by name (``settings.SAID_WITH_TYPES``)."""

from __future__ import annotations

from collections.abc import Collection

from evalhub.projects.models import User
from reviews.models import Decision, KnownAnswer, Label, ReviewItem


def said_with_types(error_types: Collection[int]) -> list[tuple[str, int]]:
    """(what, how many) for labels, decisions over labels, and known answers that carry one of these types (keys)."""
    return [
        (name, kind.objects.filter(error_types__in=error_types).distinct().count())
        for name, kind in (("labels", Label), ("decisions", Decision), ("known answers", KnownAnswer))
    ]


def outputs_unsaid_by(person: User, outputs: Collection[int]) -> set[int]:
    """Which of these outputs (keys) are items of open rounds that this person has not labelled."""
    items = ReviewItem.objects.filter(output__in=outputs, round__closed_at=None).without_label_of(person)
    return set(items.values_list("output", flat=True))
