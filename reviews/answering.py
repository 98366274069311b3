"""One answer at the desk: a label with what belongs to it, given by somebody who may, over what they saw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from evalhub.evalsets.corrections import propose_correction
from evalhub.projects.models import User
from reviews.drafts import version_of
from reviews.labelling import NotYours, locked, record_label
from reviews.models import Fault, Label, ReviewItem
from reviews.progress import may_label

NOT_NAMED = "You are not among the people of this round, so its items do not wait for you. A lead can name you."


class LabelledElsewhere(NotYours):
    """The person has a label of the item that the page did not show."""


@transaction.atomic
def answer_item(item: ReviewItem, reviewer: User, said: Mapping[str, Any], saw: str) -> None:
    """Record the label, and the proposal to correct the expected answer if that is at fault: both, or neither.

    ``said``: cleaned data of a SayingForm. ``saw``: the ``version_of`` the person's label on the page that sent it.
    The same sent twice is one label. Raises NotYours when the label cannot be theirs, LabelledElsewhere when they
    labelled the item in another tab meanwhile, CorrectionError when the correction does not fit the example.
    """
    # Two tabs at once: the second one has to see what the first one wrote.
    ReviewItem.objects.select_for_update(of=("self",)).only("pk").get(pk=item.pk)
    own = Label.objects.filter(item=item, reviewer=reviewer).first()
    if own is None and reviewer.pk not in item.assigned_to and not may_label(item.round, reviewer):
        raise NotYours(NOT_NAMED)
    if own is not None and version_of(own) != saw:
        if is_same(own, said):
            return
        raise LabelledElsewhere(
            "You labelled this item meanwhile, in another tab. Press again to replace that label by this one."
        )
    record_label(
        item,
        reviewer,
        said["outcome"],
        said["error_types"],
        said["note"],
        severity=said["severity"],
        fault=said["fault"],
        failing_step=said["failing_step"],
    )
    if said["fault"] == Fault.EXPECTED:
        propose_correction(locked(item.pk).output.example, reviewer, said["note"], said["correction"])


def is_same(label: Label, said: Mapping[str, Any]) -> bool:
    """Whether this is what the label says already."""
    names = ("outcome", "severity", "fault", "failing_step", "note")
    if any(getattr(label, name) != said[name] for name in names):
        return False
    return {each.pk for each in label.error_types.all()} == {each.pk for each in said["error_types"]}
