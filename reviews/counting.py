"""The numbers that a round keeps of its items."""

from __future__ import annotations

from django.db.models import Case, Count, Q, Sum, When
from django.db.models.functions import Coalesce

from reviews.models import ReviewItem, Round
from reviews.queue import look_again


def count_items(round_id: int) -> None:
    """Keep the round's numbers of items and of labels that they want together. After every change of its items.

    A closed item wants no more than the labels that it has; without any it is not counted.

    Everybody looks for their next item from the beginning then.
    """
    items = ReviewItem.objects.filter(Q(closed_at=None) | Q(label_count__gt=0), round=round_id)
    wanted = Case(When(closed_at=None, then="labels_wanted"), default="label_count")
    sums = items.aggregate(count=Count("pk"), planned=Coalesce(Sum(wanted), 0))
    Round.objects.filter(pk=round_id).update(item_count=sums["count"], labels_planned=sums["planned"])
    look_again(round_id)
