"""From what people said to the verdict: which item counts for an output, and what settles it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import orjson
from django.db import connection
from django.db.models import Min

from reviews.models import Decision, Label
from reviews.rows import all_rows
from reviews.status import agreed_types, counted_in
from taxonomy.models import Verdict
from taxonomy.settling import Settled, record_verdicts, withdraw_verdicts
from taxonomy.tree import Tree

# Of the newest round in which the output is settled; one row for each label, one without a label where there is none.
SETTLED_ITEM = """
SELECT item.id, item.inclusion_probability, EXISTS (SELECT FROM reviews_decision WHERE item_id = item.id),
    label.outcome, ARRAY(SELECT errortype_id FROM reviews_label_error_types WHERE label_id = label.id),
    label.failing_step
FROM (
    SELECT item.id, item.inclusion_probability
    FROM reviews_reviewitem AS item JOIN reviews_round AS round ON round.id = item.round_id
    WHERE item.output_id = %(output)s AND item.status = 'settled' AND NOT item.is_known AND NOT round.is_practice
    ORDER BY item.round_id DESC LIMIT 1
) AS item LEFT JOIN reviews_label AS label ON label.item_id = item.id ORDER BY label.id
"""
UNKNOWN = Tree(0, [])
# Two rounds may settle the same output at once: the second one has to see what the first wrote.
LOCK_OUTPUT = "SELECT FROM runs_output WHERE id = %s FOR NO KEY UPDATE"


# The newest version of the taxonomy under which one of an item's labels was given.
TREES = """
SELECT version.number, version.tree, array_agg(said.item_id)
FROM (
    SELECT label.item_id, round.project_id, max(label.taxonomy_version) AS number
    FROM reviews_label AS label JOIN reviews_reviewitem AS item ON item.id = label.item_id
    JOIN reviews_round AS round ON round.id = item.round_id
    WHERE label.item_id = ANY(%(items)s) GROUP BY label.item_id, round.project_id
) AS said
JOIN taxonomy_taxonomyversion AS version ON version.project_id = said.project_id AND version.number = said.number
GROUP BY version.id
"""


@dataclass(frozen=True)
class Settlement:
    """What counts for an output: the item, and what its labels agree on, or its ``decision`` where there is one.

    ``types``: keys of error types. ``failing_step``: the first of the steps that they name.
    """

    item: int
    inclusion_probability: float
    outcome: str
    types: frozenset[int]
    failing_step: int | None
    decision: Decision | None


def settlement_of(output_id: int) -> Settlement | None:
    """What people settled of the output; None when nothing is settled."""
    rows = all_rows(SETTLED_ITEM, {"output": output_id})
    if not rows:
        return None
    item, probability, is_decided, *_ = rows[0]
    if is_decided:
        decision = Decision.objects.select_related("decided_by").prefetch_related("error_types").get(item=item)
        types = frozenset(error_type.pk for error_type in decision.error_types.all())
        return Settlement(item, probability, decision.outcome, types, decision.failing_step, decision)
    labels = [(outcome, types, step) for *_, outcome, types, step in rows]
    outcomes = {outcome for outcome, *_ in labels}
    if len(outcomes) > 1 or None in outcomes:
        raise ValueError(f"Item {item} is not settled: its labels differ, or it has none.")
    steps = [step for outcome, _, step in labels if step is not None and outcome == Verdict.Outcome.FAIL]
    types = frozenset(types_agreed_in(item, [types for _, types, _ in labels]))
    return Settlement(item, probability, outcomes.pop(), types, min(steps, default=None), None)


def types_agreed_in(item: int, types: Sequence[Collection[int]]) -> set[int]:
    """What the labels of the item agree on, of which each carries these ``types``."""
    if not differ(types):
        return agreed_types(types)
    return agreed_types(types, partial(counted_in, trees_behind([item]).get(item, UNKNOWN)))


def differ(types: Iterable[Collection[int]]) -> bool:
    """Whether labels carry other error types: then the taxonomy has to be asked whether they count as the same."""
    return len({frozenset(each) for each in types}) > 1


def trees_behind(items: Collection[int]) -> dict[int, Tree]:
    """item -> the taxonomy in whose terms its labels are compared; none where no version is known of any of them.

    It is that of the label given under the newest version: who said a type before it was merged agrees with who said
    what it was merged into. It is never the present one. A verdict is stored, and proved by being derived again: it
    changes when somebody labels, not when somebody changes the taxonomy.
    """
    with connection.cursor() as cursor:
        cursor.execute(TREES, {"items": list(items)})
        rows = cursor.fetchall()
    trees = [(Tree(number, orjson.loads(tree)), its) for number, tree, its in rows]
    return {item: tree for tree, its in trees for item in its}


def derive_verdict(output_id: int) -> None:
    """Write the verdict that follows from the labels, or withdraw it when none does."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_OUTPUT, [output_id])
    found = settlement_of(output_id)
    if found is None:
        withdraw_verdicts([output_id])
        return
    by, why = (found.decision.decided_by_id, found.decision.note) if found.decision else (None, "")
    record_verdicts(
        [Settled(output_id, found.outcome, found.types, found.inclusion_probability, by, why, found.failing_step)]
    )


def verdict_by_labels(output_id: int) -> tuple[str, frozenset[int]] | None:
    """(outcome, keys of error types) as the labels have it; None when they settle nothing."""
    found = settlement_of(output_id)
    return (found.outcome, found.types) if found else None


def people_behind(output_id: int) -> list[str]:
    """The names of those whose labels settle an output, or were decided over, the first to label it first."""
    found = settlement_of(output_id)
    labels = Label.objects.filter(item=found.item).select_related("reviewer").order_by("pk") if found else []
    return [str(label.reviewer) for label in labels]


def first_failing_steps(items: Collection[int]) -> dict[int, int]:
    """item -> the first of the steps at which its labels say that it went wrong; those without one are left out."""
    steps = Label.objects.filter(item__in=items, outcome=Verdict.Outcome.FAIL, failing_step__isnull=False)
    return dict(steps.values_list("item").annotate(first=Min("failing_step")).order_by())
