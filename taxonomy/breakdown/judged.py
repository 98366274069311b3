"""How many outputs of a run the checks judged that mean an error type: the n of what checks found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.db import connection

from evalhub.evalsets.models import EvalSetVersion
from taxonomy.breakdown.narrowing import Narrowing
from taxonomy.breakdown.rolling import ANY, NOT_IN_VERSION
from taxonomy.models import CheckMeaning
from taxonomy.tree import Tree

Checks = frozenset[int]

JUDGED = """
SELECT run_id, check_id, count(*) FROM checks_score
WHERE run_id = ANY(%s) AND check_id = ANY(%s) AND outcome IN ('passed', 'failed'){narrowed}
GROUP BY run_id, check_id
"""
JUDGED_BY_ANY = """
SELECT asked.place, score.run_id, count(DISTINCT score.output_id)
FROM unnest(%s::int[], %s::bigint[]) AS asked (place, check_id)
JOIN checks_score AS score ON score.check_id = asked.check_id
WHERE score.run_id = ANY(%s) AND score.outcome IN ('passed', 'failed'){narrowed}
GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Meant:
    """Which active checks of an eval set mean a row of the tree: by their own meanings, and with all below."""

    own: Mapping[int, Checks]
    rolled: Mapping[int, Checks]

    @property
    def sets(self) -> set[Checks]:
        return {*self.own.values(), *self.rolled.values()}


def meant_checks(version: EvalSetVersion, tree: Tree) -> Meant:
    """The meanings of the active checks of the version's eval set, as the tree has their error types."""
    meanings = CheckMeaning.objects.filter(by__eval_set=version.eval_set_id, by__retired_at=None)
    own: dict[int, set[int]] = {}
    rolled: dict[int, set[int]] = {}
    for check, error_type in meanings.values_list("by", "error_type"):
        way = tree.counts_in(error_type) or (NOT_IN_VERSION,)
        own.setdefault(way[0], set()).add(check)
        for row in (*way, ANY):
            rolled.setdefault(row, set()).add(check)
    return Meant(frozen(own), frozen(rolled))


def frozen(found: Mapping[int, Iterable[int]]) -> dict[int, Checks]:
    return {row: frozenset(checks) for row, checks in found.items()}


def judged_by(
    runs: Collection[int], wanted: Collection[Checks], stored: Mapping[int, int], narrowing: Narrowing
) -> dict[tuple[int, Checks], int]:
    """(run, checks) -> outputs of the run that at least one of these checks judged, passed or failed.

    ``stored``: run -> all its outputs, of which none is judged twice by a check.
    """
    if not wanted:
        return {}
    single = judged_by_each(runs, frozenset().union(*wanted), narrowing)
    found: dict[tuple[int, Checks], int] = {}
    apart: set[Checks] = set()
    for checks in wanted:
        for run in runs:
            most = max(single.get((run, check), 0) for check in checks)
            found[run, checks] = most
            # Several checks of which none judged everything may have judged different outputs.
            if len(checks) > 1 and (narrowing.is_any or most < stored.get(run, 0)):
                apart.add(checks)
    return found | judged_by_any(runs, apart, narrowing)


def judged_by_each(runs: Collection[int], checks: Checks, narrowing: Narrowing) -> dict[tuple[int, int], int]:
    condition, parameters = narrowing.sql_of_output("output_id", runs)
    with connection.cursor() as cursor:
        cursor.execute(JUDGED.format(narrowed=condition), [list(runs), sorted(checks), *parameters])
        return {(run, check): count for run, check, count in cursor.fetchall()}


def judged_by_any(
    runs: Collection[int], wanted: Collection[Checks], narrowing: Narrowing
) -> dict[tuple[int, Checks], int]:
    if not wanted:
        return {}
    sets = sorted(wanted, key=sorted)
    pairs = [(place, check) for place, checks in enumerate(sets) for check in sorted(checks)]
    condition, parameters = narrowing.sql_of_output("score.output_id", runs)
    with connection.cursor() as cursor:
        cursor.execute(
            JUDGED_BY_ANY.format(narrowed=condition),
            [[place for place, _ in pairs], [check for _, check in pairs], list(runs), *parameters],
        )
        return {(run, sets[place]): count for place, run, count in cursor.fetchall()}
