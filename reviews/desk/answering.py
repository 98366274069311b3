"""One answer at the desk: a label with what belongs to it, over what the person saw."""

from __future__ import annotations

from dataclasses import replace

from django.db import transaction

from evalhub.evalsets.corrections import propose_correction
from evalhub.projects.models import User
from reviews.assessment import Assessment
from reviews.labelling import keep_label, locked
from reviews.models import Fault, Label, ReviewItem
from taxonomy.models import Verdict


@transaction.atomic
def answer_item(item: ReviewItem, reviewer: User, said: Assessment, correction: str, saw: str) -> Label:
    """Record the label, and the proposal to correct the expected answer if that is at fault: both, or neither.

    ``saw``: the ``version_of`` the person's label on the page that sent it. Raises NotYours when the label cannot be
    theirs, LabelledElsewhere when they labelled the item in another tab meanwhile, CorrectionError when the
    ``correction`` does not fit the example.
    """
    if item.round.hides_types and said.outcome == Verdict.Outcome.FAIL:
        said = replace(said, error_types=types_added(item, reviewer))
    label = keep_label(item, reviewer, said, saw=saw)
    if said.fault == Fault.EXPECTED:
        propose_correction(locked(item.pk).output.example, reviewer, said.note, correction)
    return label


def types_added(item: ReviewItem, reviewer: User) -> frozenset[int]:
    """The error types that a lead made of the note: who words it anew, in a round that hides them, drops none.

    Should they be added at this moment, what the person saw of the label is out of date, and nothing is recorded.
    """
    ties = Label.error_types.through.objects.filter(label__item=item, label__reviewer=reviewer)
    return frozenset(ties.values_list("errortype", flat=True))
