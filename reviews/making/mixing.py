"""Known answers mixed blind into rounds."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

from django.db.models import Count, Q

from evalhub.projects.models import Member
from reviews.models import KnownAnswer, ReviewItem, Round
from reviews.status import Status

# From where the reasons of a known item are copied: reasons and inclusion probability.
Origin = tuple[list[str], float]


def people_of(planned: Round) -> list[int]:
    """Keys of those who may label in the round: the people named for it, else every member with a working account."""
    named = list(planned.reviewers.order_by("pk").values_list("pk", flat=True))
    members = Member.objects.filter(project=planned.project_id, user__is_active=True).order_by("user")
    return named or list(members.values_list("user", flat=True))


def add_known_items(planned: Round, count: int, seed: str) -> int:
    """Mix up to so many of the project's known answers into the round; returns how many there were to mix in.

    They look like any other item: reasons and inclusion probability are those of the item they come from, the order is
    random. Everybody of the round gets each of them. The same seed takes the same ones of the same known answers:
    first of the round's runs, then of its versions, then the others; of those, first what the round's people have not
    labelled elsewhere. An output that is in the round already stays what it is.
    """
    shuffled = random.Random(f"{seed}:known")  # noqa: S311 -- a draw, not a secret
    people = people_of(planned)
    outputs = chosen_known(planned, people, shuffled)[: max(0, count)]
    origins = origins_of(outputs)
    of_round = list(planned.items.order_by("pk").values_list("reasons", "inclusion_probability")) or [(["audit"], 1.0)]
    items = [
        ReviewItem(
            round=planned,
            output_id=output,
            reasons=(origin := origins.get(output) or shuffled.choice(of_round))[0],
            inclusion_probability=origin[1],
            order=shuffled.random(),
            labels_wanted=max(1, len(people)),
            is_known=True,
        )
        for output in outputs
    ]
    ReviewItem.objects.bulk_create(items, batch_size=2000)
    return len(items)


def chosen_known(planned: Round, people: Collection[int], shuffled: random.Random) -> list[int]:
    """Keys of all known outputs that could be mixed in, the best ones first."""
    known = KnownAnswer.objects.filter(project=planned.project_id)
    known = known.exclude(output__in=ReviewItem.objects.filter(round=planned).values("output"))
    labelled = Count("output__review_items__labels", filter=Q(output__review_items__labels__reviewer__in=people))
    rows = known.annotate(met=labelled).order_by("output").values_list("output", "output__run", "met")
    runs = dict(planned.runs.values_list("pk", "version"))
    versions = set(runs.values())
    of_version = set(known.filter(output__run__version__in=versions).values_list("output", flat=True))
    ranked = [
        (0 if run in runs else 1 if output in of_version else 2, met, shuffled.random(), output)
        for output, run, met in rows
    ]
    return [output for *_, output in sorted(ranked)]


def origins_of(outputs: Sequence[int]) -> dict[int, Origin]:
    """For each output the newest ordinary item of it, a settled one if there is one; outputs without are left out."""
    items = ReviewItem.objects.filter(output__in=outputs, is_known=False, round__is_practice=False)
    rows = items.values_list("output", "reasons", "inclusion_probability", "status", "pk")
    ranked = sorted(rows, key=lambda row: (row[3] == Status.SETTLED, row[4]))
    return {output: (reasons, probability) for output, reasons, probability, *_ in ranked}
