"""The rounds behind the figures of runs: how their outputs were chosen, and how much of them was read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

from evalhub.runs.models import Run
from reviews.models import Reason, Round

ITEMS = """
SELECT item.round_id, output.run_id, item.reasons, count(*), count(*) FILTER (WHERE item.status = 'settled'),
    sum(item.label_count), min(item.inclusion_probability), max(item.inclusion_probability)
FROM runs_output AS output JOIN reviews_reviewitem AS item ON item.output_id = output.id
WHERE output.run_id = ANY(%s) AND NOT item.is_known
GROUP BY item.round_id, output.run_id, item.reasons
ORDER BY item.round_id, output.run_id, item.reasons
"""


def rounds_behind(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Rounds that hold outputs of these runs, oldest first, practice left out; all JSON-able, and without times.

    ``strata``: for each run and set of reasons, how many outputs were chosen, settled and labelled, and between which
    chances (0 to 1) each was chosen. An output with two reasons stands in one stratum, that of both.
    """
    with connection.cursor() as cursor:
        cursor.execute(ITEMS, [[run.pk for run in runs]])
        rows = cursor.fetchall()
    rounds = Round.objects.filter(pk__in={row[0] for row in rows}, is_practice=False).order_by("pk")
    return [told(each, [row[1:] for row in rows if row[0] == each.pk]) for each in rounds]


def told(made: Round, rows: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    return {
        "round": made.pk,
        "name": made.name,
        "is_closed": made.closed_at is not None,
        "is_blind": made.is_blind,
        "hides_types": made.hides_types,
        "labels_wanted": made.labels_wanted,
        "shared_percent": made.shared_percent,
        "seed": str(made.selection.get("seed", "")),
        "items": sum(row[2] for row in rows),
        "settled": sum(row[3] for row in rows),
        "labels": int(sum(row[4] for row in rows)),
        "strata": [
            {
                "run": run,
                "reasons": reasons,
                "titles": [str(Reason(reason).label) if reason in Reason else reason for reason in reasons],
                "items": items,
                "settled": settled,
                "least_probability": least,
                "most_probability": most,
            }
            for run, reasons, items, settled, _, least, most in rows
        ],
    }
