"""Many items at once brought in line with what people said: as ``labelling.settle_item``, by the same rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import connection, transaction
from django.db.models import Q, QuerySet, Value

from evalhub.runs.models import Output
from reviews.models import Decision, Label, ReviewItem, Round
from reviews.status import Said, Status, agreed_types, counted_in, item_status, said_as_of
from reviews.verdicts import UNKNOWN, differ, first_failing_steps, trees_behind
from taxonomy.settling import Settled, record_verdicts, withdraw_verdicts
from taxonomy.tree import Tree

ITEMS_AT_ONCE = 5_000

KEEP_STATUS = """
UPDATE reviews_reviewitem AS item SET status = now.status, label_count = now.count
FROM unnest(%s::bigint[], %s::text[], %s::int[]) AS now (id, status, count) WHERE item.id = now.id
"""


@transaction.atomic
def settle_items(keys: Collection[int]) -> None:
    """Bring the statuses of items, and the verdicts of their outputs, in line with what people said.

    Locks the items in the order of their keys, a few thousand at a time.
    """
    ordered = sorted(keys)
    for begin in range(0, len(ordered), ITEMS_AT_ONCE):
        settle_some(ordered[begin : begin + ITEMS_AT_ONCE])


class ItemRow(NamedTuple):
    """What the status of an item follows from, besides its labels."""

    key: int
    output: int
    round: int
    status: str
    label_count: int
    labels_wanted: int
    is_known: bool
    closed_at: datetime | None


def settle_some(keys: Sequence[int]) -> None:
    locked = ReviewItem.objects.select_for_update().filter(pk__in=keys).order_by("pk")
    items = [
        ItemRow(*row)
        for row in locked.values_list(
            "pk", "output_id", "round_id", "status", "label_count", "labels_wanted", "is_known", "closed_at"
        )
    ]
    rounds = Round.objects.filter(pk__in={item.round for item in items})
    contests_types = {found.pk: found.types_contest for found in rounds.only("contests_types", "hides_types")}
    said = said_of_items(Label.objects.filter(item__in=keys))
    trees = trees_behind_differing(said)
    decided = set(Decision.objects.filter(item__in=keys).values_list("item", flat=True))
    changed, touched = [], set()
    for item in items:
        labels = said.get(item.key, [])
        status = item_status(
            said_as_of(trees.get(item.key, UNKNOWN), labels),
            item.labels_wanted,
            is_decided=item.key in decided,
            is_known=item.is_known,
            is_closed=item.closed_at is not None,
            contests_types=contests_types[item.round],
        )
        if Status.SETTLED in {item.status, status} and not item.is_known:
            touched.add(item.output)
        if (item.status, item.label_count) != (status, len(labels)):
            changed.append((item.key, str(status), len(labels)))
    if changed:
        with connection.cursor() as cursor:
            cursor.execute(KEEP_STATUS, [list(column) for column in zip(*changed, strict=True)])
    derive_verdicts(touched)


def derive_verdicts(outputs: Collection[int]) -> None:
    """Write the verdicts that follow from the labels of the newest round in which each output is settled, or withdraw
    them: as ``verdicts.derive_verdict``."""
    # In one order, so that two who settle the same outputs wait for each other and never both.
    locked = Output.objects.select_for_update(no_key=True).filter(pk__in=outputs).order_by("pk")
    outputs = list(locked.values_list("pk", flat=True))
    settled = settled_by_people(outputs)
    record_verdicts(settled)
    withdraw_verdicts(set(outputs) - {each.output for each in settled})


def settled_by_people(outputs: Collection[int]) -> list[Settled]:
    """What the labels say of those of the outputs that they settle, in the newest round in which each is settled."""
    settled = ReviewItem.objects.filter(
        output__in=outputs, status=Status.SETTLED, is_known=False, round__is_practice=False
    )
    items = list(
        settled.order_by("output_id", "-round_id").distinct("output_id").only("output_id", "inclusion_probability")
    )
    decisions = {
        decision.item_id: decision
        for decision in Decision.objects.filter(item__in=items).prefetch_related("error_types")
    }
    said = said_of_items(Label.objects.filter(item__in=items))
    steps = first_failing_steps([item.pk for item in items])
    trees = trees_behind_differing(said)
    return [
        verdict_of(item, decisions.get(item.pk), said.get(item.pk, []), steps.get(item.pk), trees.get(item.pk, UNKNOWN))
        for item in items
    ]


def trees_behind_differing(said: Mapping[int, Sequence[Said]]) -> dict[int, Tree]:
    """As ``trees_behind``, of those items whose labels carry other error types."""
    items = [item for item, labels in said.items() if differ(types for _, types in labels)]
    return trees_behind(items) if items else {}


def verdict_of(
    item: ReviewItem, decision: Decision | None, said: Sequence[Said], step: int | None, tree: Tree
) -> Settled:
    """``step``: where the labels say that it went wrong first; ``tree``: in whose terms they are compared."""
    if decision:
        types = {error_type.pk for error_type in decision.error_types.all()}
        by, why, step = decision.decided_by_id, decision.note, decision.failing_step
        return Settled(item.output_id, decision.outcome, types, item.inclusion_probability, by, why, step)
    outcomes = {outcome for outcome, _ in said}
    if len(outcomes) != 1:
        raise ValueError(f"Item {item.pk} is not settled: its labels differ.")
    types = agreed_types([types for _, types in said], partial(counted_in, tree))
    return Settled(item.output_id, outcomes.pop(), types, item.inclusion_probability, failing_step=step)


def said_of_items(labels: QuerySet[Label]) -> dict[int, list[Said]]:
    """What the labels of each item say, oldest first, in one query."""
    types = ArrayAgg("error_types", filter=Q(error_types__isnull=False), default=Value([]))
    found: dict[int, list[Said]] = {}
    rows = labels.order_by("item_id", "pk").values_list("item_id", "pk", "outcome").annotate(types=types)
    for item, _, outcome, keys in rows:
        found.setdefault(item, []).append((outcome, frozenset(keys)))
    return found
