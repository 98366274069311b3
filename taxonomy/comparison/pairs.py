"""The pairs of outputs behind a figure, side by side, paged by key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from evalhub.runs.models import Output, Run
from taxonomy.comparison.changes import Change
from taxonomy.comparison.selecting import Selection

PAGE_SIZE = 10
REPEATS = 100_000
"""More than a run has: a pair's key is its example's position times this, and its repeat."""

PAIRS = """
SELECT example.position * {repeats}::bigint + one.repeat AS key, one.id, two.id
FROM runs_output AS one
JOIN runs_output AS two ON two.run_id = %(second)s AND two.example_id = one.example_id AND two.repeat = one.repeat
JOIN evalsets_example AS example ON example.id = one.example_id
CROSS JOIN LATERAL ({first}) AS said_one
CROSS JOIN LATERAL ({second}) AS said_two
WHERE one.run_id = %(first)s AND said_one.has = %(was)s AND said_two.has = %(now)s
    AND example.position * {repeats}::bigint + one.repeat {beyond} %(bound)s
ORDER BY 1 {order} LIMIT %(size)s
"""


@dataclass(frozen=True)
class Pair:
    """The outputs of both runs for one example, at the same repeat."""

    key: int
    first: Output
    second: Output


@dataclass(frozen=True)
class PairPage:
    """Some pairs in the examples' order; ``after`` and ``before``: keys of the neighbours, None where there is none."""

    pairs: Sequence[Pair]
    after: int | None
    before: int | None


def pairs_of(
    first: Run,
    second: Run,
    selection: Selection,
    change: Change,
    after: int | None = None,
    before: int | None = None,
    size: int = PAGE_SIZE,
) -> PairPage:
    """The pairs with this change that lie beyond the key ``after``, or the last ones before the key ``before``."""
    backwards = after is None and before is not None
    bound = before if backwards else after
    was, now = change.has_it
    sql = PAIRS.format(
        first=selection.of("one"),
        second=selection.of("two"),
        repeats=REPEATS,
        beyond="<" if backwards else ">",
        order="DESC" if backwards else "ASC",
    )
    asked = {"first": first.pk, "second": second.pk, "was": was, "now": now, "size": size + 1, "bound": bound or 0}
    with connection.cursor() as cursor:
        cursor.execute(sql, selection.parameters | asked)
        rows = cursor.fetchall()
    more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    keys = [key for _, one, two in rows for key in (one, two)]
    outputs = (
        Output.objects.select_related("example", "verdict")
        .prefetch_related("scores__by", "verdict__findings__error_type")
        .in_bulk(keys)
    )
    pairs = [Pair(key, outputs[one], outputs[two]) for key, one, two in rows]
    has_next, has_previous = (bool(pairs), more) if backwards else (more, after is not None and bool(pairs))
    return PairPage(pairs, pairs[-1].key if has_next else None, pairs[0].key if has_previous else None)
