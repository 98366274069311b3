"""How quick the data of a comparison are: two runs of 200,000 outputs, all with verdicts, all judged by two checks.

Filled as the world of ``bench breakdown`` is, and shown as a part of it. What is measured is all that the page asks of
the database and works out of it, but for the items side by side. The floor, in turn with it: the plain join of both
runs' verdicts on example and repeat, counted by both outcomes. Medians.

    EVALHUB_COMPARISON_EXAMPLES=20000   instead of 200,000, for a first look
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from evalhub.serving.benchmarks import Figure

EXAMPLES = 200_000
TURNS = 9

FLOOR = """
SELECT one.outcome, two.outcome, count(*)
FROM taxonomy_verdict AS one
JOIN taxonomy_verdict AS two ON two.run_id = %s AND two.example_id = one.example_id AND two.repeat = one.repeat
WHERE one.run_id = %s GROUP BY 1, 2
"""


def measure(first: Any, second: Any, turns: int = TURNS) -> list[Figure]:
    """Compare two runs, in turn with the floor."""
    from taxonomy.comparison.data import comparison_of
    from taxonomy.versions import tree_of

    tree = tree_of(first.project)
    began = milliseconds(lambda: comparison_of(first, second, tree))
    floor, times = [], []
    for _ in range(turns):
        floor.append(milliseconds(lambda: plain_join(first, second)))
        times.append(milliseconds(lambda: comparison_of(first, second, tree)))
    return [
        Figure.over("comparison_ms", median(times), "ms", median(floor)),
        Figure("comparison_over_sql", median(times) / median(floor), "x"),
        Figure("comparison_first_ms", began, "ms"),
    ]


def plain_join(first: Any, second: Any) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(FLOOR, [second.pk, first.pk])
        cursor.fetchall()


def milliseconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1000


def run() -> list[Figure]:
    from evalhub.evalsets.contents import facts_of
    from evalhub.runs.models import Run
    from tests.benchmarks.breakdown import World  # here, for it imports this module

    class Pair(World):
        candidates = 2

    world = Pair(int(os.environ.get("EVALHUB_COMPARISON_EXAMPLES", EXAMPLES)))
    world.version.facts = facts_of(world.version)  # as they are taken when a version is stored
    world.version.save(update_fields=["facts"])
    runs = Run.objects.select_related("candidate", "version__eval_set", "project").in_bulk([r.pk for r in world.runs])
    return measure(*(runs[key] for key in sorted(runs)))
