"""Drafts: what somebody has begun to say of an item, kept while they type and gone with their label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from evalhub.projects.models import User
from reviews.labelling import version_of
from reviews.models import Draft, Label, ReviewItem, Round
from reviews.queue import HOLD_SECONDS

# Whoever types reads: their 15 minutes begin again. With a minute left nobody else can have taken the place meanwhile.
HOLD_ON = """
UPDATE reviews_claim SET until = now() + make_interval(secs => %(seconds)s),
    began_at = CASE WHEN %(begins)s THEN now() ELSE began_at END
WHERE item_id = %(item)s AND reviewer_id = %(me)s AND until > now() + interval '1 minute'
"""


@transaction.atomic
def keep_draft(item: ReviewItem, reviewer: User, said: Mapping[str, Any], saw: str = "") -> bool:
    """Keep what was said so far; nothing said: the draft is gone. False, and nothing kept, when it comes too late.

    ``said``: as ``Saying.as_said``, without what is not said. ``saw``: the ``version_of`` the label on the page where
    it was typed; when the label is another one by now, what was typed was sent already, or is about an older state.
    """
    # A label in the other hand at this moment: one of the two is first, and the label takes the draft with it.
    ReviewItem.objects.select_for_update(of=("self",)).only("pk").get(pk=item.pk)
    if version_of(Label.objects.filter(item=item, reviewer=reviewer).first()) != saw:
        return False
    if said:
        Draft.objects.update_or_create(
            item=item, reviewer=reviewer, defaults={"said": dict(said), "saved_at": timezone.now()}
        )
    else:
        Draft.objects.filter(item=item, reviewer=reviewer).delete()
    hold_on(item.pk, reviewer)
    return True


def hold_on(item_id: int, reviewer: User, begins: bool = False) -> None:
    """Let a claim that has not run out last another 15 minutes. ``begins``: the person sees the item only now."""
    with connection.cursor() as cursor:
        cursor.execute(HOLD_ON, {"item": item_id, "me": reviewer.pk, "begins": begins, "seconds": HOLD_SECONDS})


def drafts_in(shown: Round, reviewer: User) -> QuerySet[Draft]:
    """The person's drafts of items that they have not labelled, newest first."""
    mine = Draft.objects.filter(item__round=shown, reviewer=reviewer)
    labelled = Label.objects.filter(item__round=shown, reviewer=reviewer).values("item")
    return mine.exclude(item__in=labelled).select_related("item__output__example").order_by("-saved_at", "-pk")
