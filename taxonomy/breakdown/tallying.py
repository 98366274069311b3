"""The verdicts of runs as counts of numbers: one statement in the order of an index, however many outputs there are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from django.db import connection

from taxonomy.breakdown.narrowing import Narrowing


class Count(NamedTuple):
    """``outputs`` of a run with one verdict: by whom, the outcome, and the key of its FindingSet.

    ``probability``: their chance of being chosen for review; None where it is not known, or was not asked for.
    """

    run: int
    source: str
    outcome: str
    found: int
    probability: float | None
    outputs: int


class Found(NamedTuple):
    """The error types of a FindingSet, by key."""

    people: tuple[int, ...]
    checks: tuple[int, ...]


def counts_of(
    runs: Collection[int], narrowing: Narrowing, with_probability: bool
) -> tuple[list[Count], Mapping[int, Found]]:
    """The verdicts of runs (keys), counted, and the FindingSets that they name."""
    probability = ", inclusion_probability" if with_probability else ""
    condition, parameters = narrowing.sql("output_id", "example_id")
    # Nothing is put in but constants of this module and the conditions of querysets, whose values are parameters.
    statement = (
        f"SELECT run_id, source, outcome, found_id{probability or ', NULL'}, count(*) FROM taxonomy_verdict"  # noqa: S608 -- see above
        f" WHERE run_id = ANY(%s){condition} GROUP BY run_id, source, outcome, found_id{probability}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(runs), *parameters])
        counts = sorted(map(Count._make, cursor.fetchall()), key=in_one_order)
    return counts, found_in(count.found for count in counts)


def in_one_order(count: Count) -> tuple[int, str, str, int, float]:
    return *count[:4], -1.0 if count.probability is None else count.probability


def found_in(keys: Iterable[int]) -> Mapping[int, Found]:
    """FindingSets by key."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, people, checks FROM taxonomy_findingset WHERE id = ANY(%s)", [sorted(set(keys))])
        return {key: Found(tuple(people), tuple(checks)) for key, people, checks in cursor.fetchall()}
