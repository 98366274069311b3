"""How many outputs came out in which way: all that figures of failure modes are made of, in one statement.

Verdicts are narrow and hold their findings as one number, so the database counts numbers in the order of an index, and
hands over a few hundred or thousand rows, however many outputs there are. What counts where is decided in Python, by
the tree of a version of the taxonomy: see ``taxonomy.tree.Tree``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection

from taxonomy.models import Source, Verdict

TALLIES = """
SELECT tally.run_id, tally.source, tally.outcome, found.people, found.checks, tally.inclusion_probability, tally.count
FROM (
    SELECT run_id, source, outcome, found_id, inclusion_probability, count(*) AS count FROM taxonomy_verdict
    WHERE run_id = ANY(%s::bigint[]) GROUP BY run_id, source, outcome, found_id, inclusion_probability
) AS tally JOIN taxonomy_findingset AS found ON found.id = tally.found_id
ORDER BY 1, 2, 3, tally.found_id, 6
"""
# Of each verdict one number, since those are grouped quickest: found_id * 4 + (by people: 2) + (failed: 1); 0 without
# one. And in no order, for which the database would sort all pairs.
PAIR_TALLIES = """
SELECT coalesce(one.found_id * 4 + (one.source = 'people')::int * 2 + (one.outcome = 'fail')::int, 0),
    coalesce(two.found_id * 4 + (two.source = 'people')::int * 2 + (two.outcome = 'fail')::int, 0), count(*)
FROM (
    SELECT example_id, repeat, found_id, source, outcome FROM taxonomy_verdict WHERE run_id = %(first)s
) AS one
FULL JOIN (
    SELECT example_id, repeat, found_id, source, outcome FROM taxonomy_verdict WHERE run_id = %(second)s
) AS two USING (example_id, repeat)
GROUP BY 1, 2
"""
FOUND = "SELECT id, people, checks FROM taxonomy_findingset WHERE id = ANY(%s::bigint[])"


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


class PairTallies(NamedTuple):
    """What two runs have on the same examples (and repeats), counted.

    ``pairs``: (the first run's side, the second's, how many), each side by its number in ``sides``; 0: no verdict.
    """

    sides: dict[int, Side | None]
    pairs: list[tuple[int, int, int]]


def tallies_of(runs: Collection[int]) -> list[Tally]:
    """The verdicts of runs (keys), counted."""
    with connection.cursor() as cursor:
        cursor.execute(TALLIES, [list(runs)])
        return [
            Tally(run, Side(source, outcome, tuple(people), tuple(checks)), probability, count)
            for run, source, outcome, people, checks, probability, count in cursor.fetchall()
        ]


def pair_tallies_of(first: int, second: int) -> PairTallies:
    """The verdicts of two runs (keys) on the same examples and repeats, counted, in the order of their numbers."""
    with connection.cursor() as cursor:
        cursor.execute(PAIR_TALLIES, {"first": first, "second": second})
        pairs = sorted(cursor.fetchall())
        codes = sorted({code for pair in pairs for code in pair[:2]})
        cursor.execute(FOUND, [sorted({code // 4 for code in codes})])
        found = {key: (tuple(people), tuple(checks)) for key, people, checks in cursor.fetchall()}
    return PairTallies({code: side_of(code, found[code // 4]) if code else None for code in codes}, pairs)


def side_of(code: int, found: tuple[tuple[int, ...], tuple[int, ...]]) -> Side:
    source = Source.PEOPLE if code & 2 else Source.CHECK
    outcome = Verdict.Outcome.FAIL if code & 1 else Verdict.Outcome.PASS
    return Side(str(source), str(outcome), *found)
