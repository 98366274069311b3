"""The next item: claimed for one person for a limited time, so that no two read the same one by accident."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, Value
from django.db.models.functions import Now

from evalhub.projects.models import User
from reviews.models import ReviewItem, Round

HOLD = timedelta(minutes=15)


def claim_next_item(open_round: Round, reviewer: User) -> ReviewItem | None:
    """The item this person holds already, or the next free one; None when nothing of the round waits for them."""
    items = ReviewItem.objects.filter(round=open_round).wanting_labels().without_label_of(reviewer)
    with transaction.atomic():
        free = items.not_held_by_others(reviewer).select_for_update(skip_locked=True, of=("self",))
        held = free.filter(claimed_by=reviewer, claimed_until__gt=Now()).order_by("order", "pk").first()
        item = held or free.order_by("order", "pk").first()
        return hold(item, reviewer) if item else None


def claim_item(item_id: int, reviewer: User) -> ReviewItem | None:
    """Claim this very item; None when it wants no label of this person now, or another holds it."""
    with transaction.atomic():
        free = ReviewItem.objects.wanting_labels().without_label_of(reviewer).not_held_by_others(reviewer)
        item = free.select_for_update(of=("self",)).filter(pk=item_id).first()
        return hold(item, reviewer) if item else None


def hold(item: ReviewItem, reviewer: User) -> ReviewItem:
    until = ExpressionWrapper(Now() + Value(HOLD), output_field=DateTimeField())
    ReviewItem.objects.filter(pk=item.pk).update(claimed_by=reviewer, claimed_until=until)
    item.claimed_by = reviewer
    return item


def waiting_for(open_round: Round, reviewer: User) -> int:
    """How many items of the round this person could still label."""
    return ReviewItem.objects.filter(round=open_round).wanting_labels().without_label_of(reviewer).count()
