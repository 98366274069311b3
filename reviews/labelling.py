"""What happens when a reviewer says what they think."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from evalhub.errors import EvalHubError
from evalhub.projects.models import User
from evalhub.runs.models import Output
from reviews.models import Label, ReviewItem
from reviews.status import Status, agreed_types, item_status
from taxonomy.models import ErrorType
from taxonomy.settling import record_verdict, withdraw_verdict


class NotYours(EvalHubError):
    """The item went to somebody else meanwhile."""


@transaction.atomic
def record_label(
    item: ReviewItem, reviewer: User, outcome: str, error_types: Collection[ErrorType] = (), note: str = ""
) -> Label:
    """Save the reviewer's label, replacing an earlier one of theirs, and settle the item if that was the last wanted.

    Raises NotYours when the item has its labels from others, or another person holds it now.
    """
    item = ReviewItem.objects.select_for_update(of=("self",)).select_related("round", "output").get(pk=item.pk)
    refuse_when_closed(item)
    if not item.labels.filter(reviewer=reviewer).exists():
        refuse_when_taken(item, reviewer)
    label, _ = Label.objects.update_or_create(
        item=item,
        reviewer=reviewer,
        defaults={"outcome": outcome, "note": note, "changed_at": timezone.now()},
    )
    label.error_types.set(error_types)
    settle_item(item)
    return label


def refuse_when_closed(item: ReviewItem) -> None:
    if item.round.closed_at:
        raise NotYours("The round is closed, so its labels stay as they are. A lead can open it again.")


def refuse_when_taken(item: ReviewItem, reviewer: User) -> None:
    places = ReviewItem.objects.filter(pk=item.pk).wanting_labels()
    if not places.exists():
        raise NotYours("Somebody else labelled this item meanwhile. Your note is still below; go on to the next item.")
    if places.filter(claimed_until__gt=Now()).exclude(claimed_by=reviewer).exists():
        raise NotYours(
            "Your 15 minutes with this item were over, and somebody else reads it now. Go on to the next item."
        )


def settle_item(item: ReviewItem) -> None:
    """Bring the item's status and the output's verdict in line with the labels; the item is free again."""
    outcomes = list(item.labels.values_list("outcome", flat=True))
    item.status = item_status(len(outcomes), item.round.labels_wanted, outcomes)
    item.claimed_by, item.claimed_until = None, None
    item.save(update_fields=["status", "claimed_by", "claimed_until"])
    derive_verdict(item.output)


def settled_item_of(output: Output) -> ReviewItem | None:
    """The item whose labels count for the output: that of the newest round in which it is settled."""
    items = ReviewItem.objects.filter(output=output, status=Status.SETTLED).order_by("-round_id")
    return items.prefetch_related("labels__error_types").first()


def derive_verdict(output: Output) -> None:
    """Write the verdict that follows from the labels, or withdraw it when none does."""
    item = settled_item_of(output)
    if item is None:
        withdraw_verdict(output)
        return
    outcome, types = said_by(item)
    record_verdict(output, outcome, types, item.inclusion_probability)


def said_by(item: ReviewItem) -> tuple[str, set[ErrorType]]:
    """What the labels of a settled item say together: the outcome, and the error types that hold."""
    labels = list(item.labels.all())
    return labels[0].outcome, agreed_types([label.error_types.all() for label in labels])


def verdict_by_labels(output: Output) -> tuple[str, frozenset[int]] | None:
    """(outcome, keys of error types) as the labels have it; None when they settle nothing."""
    item = settled_item_of(output)
    if item is None:
        return None
    outcome, types = said_by(item)
    return outcome, frozenset(error_type.pk for error_type in types)


@transaction.atomic
def undo_label(item: ReviewItem, reviewer: User) -> bool:
    """Take the reviewer's own label back; False when there is none. Raises NotYours when the round is closed."""
    item = ReviewItem.objects.select_for_update(of=("self",)).select_related("round", "output").get(pk=item.pk)
    refuse_when_closed(item)
    deleted, _ = item.labels.filter(reviewer=reviewer).delete()
    if deleted:
        settle_item(item)
    return bool(deleted)
