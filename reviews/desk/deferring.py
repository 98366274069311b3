"""Items that somebody put off: they come back to that person after everything else, or when they open them."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from evalhub.projects.models import User
from reviews.models import Deferral, Label, ReviewItem, Round
from reviews.queue import leave_item


@transaction.atomic
def defer_item(item: ReviewItem, reviewer: User, reason: str = "") -> bool:
    """Put the item off for this person, behind what they put off before; somebody else may have the place meanwhile.

    False when they labelled it already: then there is nothing to put off. Their draft of it stays.
    """
    ReviewItem.objects.select_for_update(of=("self",)).only("pk").get(pk=item.pk)
    if Label.objects.filter(item=item, reviewer=reviewer).exists():
        return False
    Deferral.objects.update_or_create(
        item=item, reviewer=reviewer, defaults={"reason": reason.strip()[:500], "deferred_at": timezone.now()}
    )
    leave_item(item.pk, reviewer)
    return True


def deferred_in(shown: Round, reviewer: User) -> QuerySet[Deferral]:
    """What the person put off in this round and may still label, in the order in which it comes back."""
    mine = Deferral.objects.filter(item__round=shown, reviewer=reviewer, item__status__in=ReviewItem.WANTING)
    return mine.select_related("item__output__example").order_by("deferred_at", "pk")
