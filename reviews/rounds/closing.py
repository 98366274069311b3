"""A round that is over, and one that was not over after all."""

from __future__ import annotations

from django.utils import timezone

from evalhub.projects.models import User
from evalhub.projects.trail import record_event
from reviews.models import Round


def close_round(closing: Round, actor: User) -> None:
    """Nobody gets an item of it any more. Labels and verdicts stay."""
    Round.objects.filter(pk=closing.pk, closed_at=None).update(closed_at=timezone.now())
    record_event(closing.project, actor, "closed the review round", closing.name)


def reopen_round(opening: Round, actor: User) -> None:
    Round.objects.filter(pk=opening.pk).update(closed_at=None)
    record_event(opening.project, actor, "opened the review round again", opening.name)
