"""One answer at the desk: a label with what belongs to it, over what the person saw."""

from __future__ import annotations

from django.db import transaction

from evalhub.evalsets.corrections import propose_correction
from evalhub.projects.models import User
from reviews.assessment import Assessment
from reviews.labelling import keep_label, locked
from reviews.models import Fault, Label, ReviewItem


@transaction.atomic
def answer_item(item: ReviewItem, reviewer: User, said: Assessment, correction: str, saw: str) -> Label:
    """Record the label, and the proposal to correct the expected answer if that is at fault: both, or neither.

    ``saw``: the ``version_of`` the person's label on the page that sent it. Raises NotYours when the label cannot be
    theirs, LabelledElsewhere when they labelled the item in another tab meanwhile, CorrectionError when the
    ``correction`` does not fit the example.
    """
    label = keep_label(item, reviewer, said, saw=saw)
    if said.fault == Fault.EXPECTED:
        propose_correction(locked(item.pk).output.example, reviewer, said.note, correction)
    return label
