"""How a review round is made: its runs, the reasons asked for, and the items that follow from them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from django.db import transaction
from django.db.models import Count, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from evalhub.checks.disagreements import differing_outputs, failed_outputs, passed_outputs
from evalhub.projects.models import Project, User
from evalhub.projects.trail import record_event
from evalhub.runs.models import Run
from reviews.choosing import choose
from reviews.models import Reason, ReviewItem, Round


@transaction.atomic
def plan_round(
    project: Project,
    name: str,
    runs: Sequence[Run],
    wanted: Mapping[Reason, int | None],
    creator: User,
    *,
    guidelines: str = "",
    is_blind: bool = True,
    labels_wanted: int = 1,
    seed: str = "",
) -> Round:
    """Store what the round shall hold; ``fill_round`` chooses the outputs.

    ``wanted`` names the reasons and how many outputs of each run to draw for each, None for all.
    """
    planned = Round.objects.create(
        project=project,
        name=name,
        guidelines=guidelines,
        is_blind=is_blind,
        labels_wanted=labels_wanted,
        selection={"wanted": {str(reason): count for reason, count in wanted.items()}, "seed": seed},
        created_by=creator,
    )
    planned.runs.set(runs)
    record_event(project, creator, "made the review round", name)
    return planned


def baseline_run_of(run: Run) -> Run | None:
    """The newest finished run of the project's baseline over the same version; None for the baseline itself."""
    if run.candidate.is_baseline:
        return None
    return (
        Run.objects.finished()
        .filter(version_id=run.version_id, project_id=run.project_id, candidate__is_baseline=True)
        .order_by("-pk")
        .first()
    )


def pool_of(run: Run, reason: str) -> Sequence[int]:
    """The outputs of the run for which the reason holds."""
    if reason == Reason.FAILED_CHECK:
        return list(failed_outputs([run]).values_list("pk", flat=True))
    if reason == Reason.AUDIT:
        return list(passed_outputs([run]).values_list("pk", flat=True))
    baseline = baseline_run_of(run)
    return differing_outputs(run, baseline) if baseline else []


@transaction.atomic
def fill_round(round_id: int) -> None:
    """Choose the round's items. A round that is filled already stays as it is."""
    planned = Round.objects.select_for_update().get(pk=round_id)
    if planned.filled_at:
        return
    wanted, seed = planned.selection["wanted"], planned.selection["seed"]
    chosen = [
        found
        for run in planned.runs.select_related("candidate").order_by("pk")
        for found in choose({reason: pool_of(run, reason) for reason in wanted}, wanted, f"{seed}:{run.pk}")
    ]
    shuffled = random.Random(seed)  # noqa: S311 -- an order, not a secret
    shared = round(len(chosen) * planned.shared_percent / 100)
    items = [
        ReviewItem(
            round=planned,
            output_id=found.output,
            reasons=list(found.reasons),
            inclusion_probability=found.probability,
            order=shuffled.random(),
        )
        for found in chosen
    ]
    for place, item in enumerate(shuffled.sample(items, len(items))):
        item.labels_wanted = planned.labels_wanted if place < shared else 1
    ReviewItem.objects.bulk_create(items, batch_size=2000, ignore_conflicts=True)
    planned.filled_at = timezone.now()
    planned.save(update_fields=["filled_at"])
    count_items(planned.pk)


def count_items(round_id: int) -> None:
    """Keep the round's numbers of items and of labels that they want together. After every change of its items."""
    items = ReviewItem.objects.filter(round=round_id, closed_at=None)
    sums = items.aggregate(count=Count("pk"), planned=Coalesce(Sum("labels_wanted"), 0))
    Round.objects.filter(pk=round_id).update(item_count=sums["count"], labels_planned=sums["planned"])


def close_round(closing: Round, actor: User) -> None:
    """Nobody gets an item of it any more. Labels and verdicts stay."""
    Round.objects.filter(pk=closing.pk, closed_at=None).update(closed_at=timezone.now())
    record_event(closing.project, actor, "closed the review round", closing.name)


def reopen_round(opening: Round, actor: User) -> None:
    Round.objects.filter(pk=opening.pk).update(closed_at=None)
    record_event(opening.project, actor, "opened the review round again", opening.name)
