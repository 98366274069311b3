"""Practice: rounds of known answers with feedback after each label, with which new reviewers begin."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from evalhub.projects.models import Member, Project, Role, User
from evalhub.projects.trail import record_event
from reviews.counting import count_items
from reviews.models import KnownAnswer, Label, Reason, ReviewItem, Round, Seat

# More than any project has people: the label of one never completes an item for another.
EVERYBODY = 1_000


@transaction.atomic
def make_practice_round(
    project: Project, name: str, known: Sequence[KnownAnswer], creator: User, guidelines: str = ""
) -> Round:
    """A round of these known answers, open at once. Everybody of the project may do all of them."""
    made = Round.objects.create(
        project=project,
        name=name,
        guidelines=guidelines,
        is_practice=True,
        labels_wanted=EVERYBODY,
        selection={"wanted": {}, "seed": name, "known": len(known)},
        created_by=creator,
        filled_at=timezone.now(),
    )
    made.runs.set({answer.output.run_id for answer in known})
    shuffled = random.Random(name)  # noqa: S311 -- an order, not a secret
    ReviewItem.objects.bulk_create(
        ReviewItem(
            round=made,
            output_id=answer.output_id,
            reasons=[Reason.ADDED],
            order=shuffled.random(),
            labels_wanted=EVERYBODY,
            is_known=True,
        )
        for answer in sorted(known, key=lambda answer: answer.pk)
    )
    count_items(made.pk)
    record_event(project, creator, "made the practice round", name)
    made.refresh_from_db()
    return made


def open_practice(project: Project, person: int) -> QuerySet[Round]:
    """The open practice rounds, newest first, with ``is_begun`` and ``has_more`` for the person with this key."""
    items = ReviewItem.objects.filter(round=OuterRef("pk"))
    seats = Seat.objects.filter(round=OuterRef("pk"), reviewer=person, labels__gt=0)
    practice = Round.objects.in_project(project).open().filter(is_practice=True)
    labelled = Label.objects.filter(item=OuterRef("pk"), reviewer=person)
    more = items.wanting_labels().exclude(Exists(labelled))
    return practice.annotate(is_begun=Exists(seats), has_more=Exists(more)).order_by("-pk")


def practice_before(shown: Round, member: Member) -> Round | None:
    """The practice round that this person has to do before they label in this one, if any."""
    return None if shown.is_practice else practice_first(member)


def practice_first(member: Member) -> Round | None:
    """The practice round that this person has to do before other rounds; None when they may go on.

    Only reviewers who have not labelled anything but practice are held up, and only until they finished one round.
    """
    if member.role != Role.REVIEWER:
        return None
    labelled = Seat.objects.filter(reviewer=member.user_id, round__project=member.project_id, labels__gt=0)
    # One question, for the desk asks it each time.
    new_here = ~Exists(labelled.filter(round__is_practice=False))
    rounds: list[Any] = list(open_practice(member.project, member.user_id).filter(new_here))
    if any(each.is_begun and not each.has_more for each in rounds):
        return None
    return next((each for each in rounds if each.has_more), None)
