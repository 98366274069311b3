"""How many outputs came out in which way: all that figures of failure modes are made of, in one statement.

Verdicts are narrow and hold their findings as one number, so the database counts numbers in the order of an index, and
hands over a few hundred or thousand rows, however many outputs there are. What counts where is decided in Python, by
the tree of a version of the taxonomy: see ``taxonomy.tree.Tree``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connection

from taxonomy.models import Source

TALLIES = """
SELECT tally.run_id, tally.source, tally.outcome, found.people, found.checks, tally.inclusion_probability, tally.count
FROM (
    SELECT run_id, source, outcome, found_id, inclusion_probability, count(*) AS count FROM taxonomy_verdict
    WHERE run_id = ANY(%s::bigint[]) GROUP BY run_id, source, outcome, found_id, inclusion_probability
) AS tally JOIN taxonomy_findingset AS found ON found.id = tally.found_id
ORDER BY 1, 2, 3, tally.found_id, 6
"""
PAIR_TALLIES = """
SELECT one_source, one_outcome, one.people, one.checks, two_source, two_outcome, two.people, two.checks, tally.count
FROM (
    SELECT one.source AS one_source, one.outcome AS one_outcome, one.found_id AS one_found,
        two.source AS two_source, two.outcome AS two_outcome, two.found_id AS two_found, count(*) AS count
    FROM (SELECT * FROM taxonomy_verdict WHERE run_id = %(first)s) AS one
    FULL JOIN (SELECT * FROM taxonomy_verdict WHERE run_id = %(second)s) AS two USING (example_id, repeat)
    GROUP BY 1, 2, 3, 4, 5, 6
) AS tally
LEFT JOIN taxonomy_findingset AS one ON one.id = tally.one_found
LEFT JOIN taxonomy_findingset AS two ON two.id = tally.two_found
ORDER BY one_source, one_outcome, one_found, two_source, two_outcome, two_found
"""


class Side(NamedTuple):
    """What the verdict of an output says: by whom, the outcome, and keys of error types, sorted."""

    source: str
    outcome: str
    people: tuple[int, ...]
    checks: tuple[int, ...]

    def types(self, source: str) -> tuple[int, ...]:
        """The error types that the output has by this source."""
        return self.people if source == Source.PEOPLE else self.checks


@dataclass(frozen=True, slots=True)
class Tally:
    """``count`` outputs of a run with the same verdict and the same chance of being chosen for review."""

    run: int
    side: Side
    probability: float | None
    count: int


@dataclass(frozen=True, slots=True)
class PairTally:
    """``count`` examples (and repeats) for which two runs have these verdicts; None: that output has none."""

    first: Side | None
    second: Side | None
    count: int


def tallies_of(runs: Collection[int]) -> list[Tally]:
    """The verdicts of runs (keys), counted."""
    with connection.cursor() as cursor:
        cursor.execute(TALLIES, [list(runs)])
        return [
            Tally(run, Side(source, outcome, tuple(people), tuple(checks)), probability, count)
            for run, source, outcome, people, checks, probability, count in cursor.fetchall()
        ]


def pair_tallies_of(first: int, second: int) -> list[PairTally]:
    """The verdicts of two runs (keys) on the same examples and repeats, counted."""
    with connection.cursor() as cursor:
        cursor.execute(PAIR_TALLIES, {"first": first, "second": second})
        return [PairTally(side_of(row[:4]), side_of(row[4:8]), row[8]) for row in cursor.fetchall()]


def side_of(row: tuple[Any, ...]) -> Side | None:
    source, outcome, people, checks = row
    return Side(source, outcome, tuple(people), tuple(checks)) if source else None
