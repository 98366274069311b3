"""How a review round is made: its runs, the reasons asked for, and the items that follow from them."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Q
from django.utils import timezone

from evalhub.projects.models import Project, User
from evalhub.projects.trail import record_event
from evalhub.runs.models import Run
from reviews.counting import count_items
from reviews.making.choosing import Chosen
from reviews.making.mixing import add_known_items
from reviews.making.pools import Selection, draw
from reviews.models import Reason, ReviewItem, Round

STORED_AT_ONCE = 10_000

# Reasons come as one text each: PostgreSQL has no lists of lists of different lengths.
STORE = """
INSERT INTO reviews_reviewitem (round_id, output_id, reasons, inclusion_probability, "order", labels_wanted,
    status, label_count, assigned_to, is_known)
SELECT %(round)s, output, string_to_array(reasons, ','), probability, place, labels, 'waiting', 0, '{}', false
FROM unnest(%(outputs)s::bigint[], %(reasons)s::text[], %(probabilities)s::float8[], %(places)s::float8[],
    %(labels)s::smallint[]) AS chosen (output, reasons, probability, place, labels)
ON CONFLICT (round_id, output_id) DO NOTHING
"""

# Known items come last, which their keys would tell. Nothing refers to the items yet.
NUMBER_AGAIN = """
UPDATE reviews_reviewitem AS item SET id = numbered.new_id FROM (
    SELECT id, nextval(pg_get_serial_sequence('reviews_reviewitem', 'id')) AS new_id
    FROM (SELECT id FROM reviews_reviewitem WHERE round_id = %(round)s ORDER BY "order", id) AS placed
) AS numbered WHERE item.id = numbered.id
"""


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
    hides_types: bool = False,
    contests_types: bool = True,
    labels_wanted: int = 1,
    shared_percent: int = 100,
    reviewers: Collection[User] = (),
    seed: str = "",
    checks: Collection[int] = (),
    tags: Collection[str] = (),
    measures: Collection[str] = (),
    known: int = 0,
) -> Round:
    """Store what the round shall hold; ``fill_round`` chooses the outputs.

    ``wanted`` names the reasons and how many outputs of each run to draw for each, None for all; ``checks``, ``tags``,
    ``measures``, ``known`` and ``seed`` as in ``Selection``. Of the items, ``shared_percent`` drawn at random want
    ``labels_wanted`` labels, the others one. ``reviewers``: who may label; nobody named: every member.
    """
    counts = {str(reason): count for reason, count in wanted.items()}
    selection = Selection(counts, seed, tuple(checks), tuple(tags), tuple(measures), known)
    planned = Round.objects.create(
        project=project,
        name=name,
        guidelines=guidelines,
        is_blind=is_blind,
        hides_types=hides_types,
        contests_types=contests_types,
        labels_wanted=labels_wanted,
        shared_percent=shared_percent,
        selection=selection.as_json(),
        created_by=creator,
    )
    planned.runs.set(runs)
    planned.reviewers.set(reviewers)
    record_event(project, creator, "made the review round", name)
    return planned


@transaction.atomic
def fill_round(round_id: int) -> None:
    """Choose the round's items. A round that is filled already stays as it is, also when two workers are told at once.

    The same seed and the same pools give the same items, in the same order.
    """
    planned = Round.objects.select_for_update(no_key=True).get(pk=round_id)
    if planned.filled_at:
        return
    selection = Selection.of(planned.selection)
    runs = planned.runs.select_related("candidate").order_by("pk")
    store_items(planned, [found for each in draw(runs, selection) for found in each.chosen], selection.seed)
    if selection.known:
        add_known_items(planned, selection.known, selection.seed)
        with connection.cursor() as cursor:
            cursor.execute(NUMBER_AGAIN, {"round": planned.pk})
    planned.filled_at = timezone.now()
    planned.save(update_fields=["filled_at"])
    count_items(planned.pk)


def store_items(planned: Round, chosen: Sequence[Chosen], seed: str) -> int:
    """Make items of these outputs, in a random order; returns how many there were to make.

    An output that is in the round already stays what it is. Of all items of the round, these among them, the round's
    share wants several labels: these are drawn at random.
    """
    shuffled = random.Random(seed)  # noqa: S311 -- an order, not a secret
    # Stored in that order: the keys stand in addresses, and those of items stored run by run would tell the run.
    placed = sorted((shuffled.random(), number) for number in range(len(chosen)))
    places, chosen = [place for place, _ in placed], [chosen[number] for _, number in placed]
    shared = set(shuffled.sample(range(len(chosen)), still_to_share(planned, len(chosen))))
    stored = 0
    for start in range(0, len(chosen), STORED_AT_ONCE):
        batch = chosen[start : start + STORED_AT_ONCE]
        labels = [planned.labels_wanted if start + place in shared else 1 for place in range(len(batch))]
        columns: dict[str, Any] = {
            "round": planned.pk,
            "outputs": [found.output for found in batch],
            "reasons": [",".join(found.reasons) for found in batch],
            "probabilities": [found.probability for found in batch],
            "places": places[start : start + STORED_AT_ONCE],
            "labels": labels,
        }
        with connection.cursor() as cursor:
            cursor.execute(STORE, columns)
            stored += cursor.rowcount
    return stored


def still_to_share(planned: Round, more: int) -> int:
    """Of so many more items, how many want several labels, so that the round as a whole has its share of them."""
    items = ReviewItem.objects.filter(round=planned, is_known=False)
    several = Count("pk", filter=Q(labels_wanted__gte=planned.labels_wanted))
    there = items.aggregate(all=Count("pk"), several=several)
    share = round((there["all"] + more) * planned.shared_percent / 100)
    return max(0, min(share - there["several"], more))
