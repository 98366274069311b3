"""What two runs answered to the same examples, counted: all that the figures of a comparison are made of.

Where each example was asked once, every check judged every output and no examples share a cluster, two statements over
indexes tell it all, however many outputs there are. Everything else takes one statement that reads more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from django.db import connection

from evalhub.checks.models import Check
from evalhub.evalsets.models import EvalSetVersion
from evalhub.runs.figures import figures_of
from evalhub.runs.models import Run
from taxonomy.breakdown.judged import wholly_scored
from taxonomy.tallies import Side, pair_tallies_of

# One row for each way in which examples came out. “is_right” is as in evalhub.checks.shares: a missing answer is wrong,
# and an output that not all checks scored yet, or none could judge, is not counted.
EXAMPLES = """
WITH scored AS (
    SELECT output_id, count(*) AS scores,
        array_agg(check_id ORDER BY check_id) FILTER (WHERE outcome <> 'skipped') AS judged,
        array_agg(check_id ORDER BY check_id) FILTER (WHERE outcome = 'failed') AS failed
    FROM checks_score WHERE run_id IN (%(first)s, %(second)s) AND check_id = ANY(%(checks)s::bigint[])
    GROUP BY output_id
), said AS (
    SELECT output.run_id, output.example_id, output.repeat, jsonb_build_array(
        output.repeat, verdict.source, verdict.outcome, found.people, found.checks,
        coalesce(scored.judged, '{}'), coalesce(scored.failed, '{}'),
        CASE WHEN output.error_cause <> '' AND cardinality(%(checks)s::bigint[]) > 0 THEN false
            WHEN scored.scores = cardinality(%(checks)s::bigint[]) AND scored.judged IS NOT NULL
            THEN scored.failed IS NULL END
    ) AS answer
    FROM runs_output AS output
    LEFT JOIN taxonomy_verdict AS verdict ON verdict.output_id = output.id
    LEFT JOIN taxonomy_findingset AS found ON found.id = verdict.found_id
    LEFT JOIN scored ON scored.output_id = output.id
    WHERE output.run_id IN (%(first)s, %(second)s)
), example AS (
    SELECT example_id, jsonb_agg(answer ORDER BY repeat) FILTER (WHERE run_id = %(first)s) AS first,
        jsonb_agg(answer ORDER BY repeat) FILTER (WHERE run_id = %(second)s) AS second
    FROM said GROUP BY example_id
)
SELECT CASE WHEN %(clusters)s THEN example.cluster ELSE '' END AS cluster, pair.first, pair.second, count(*)
FROM example AS pair JOIN evalsets_example AS example ON example.id = pair.example_id
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
SCORED = """
SELECT run_id, check_id, count(*) FILTER (WHERE outcome <> 'skipped') FROM checks_score
WHERE run_id IN (%(first)s, %(second)s) AND check_id = ANY(%(checks)s::bigint[]) GROUP BY 1, 2
"""
SKIPPED = """
SELECT EXISTS (
    SELECT FROM checks_score
    WHERE run_id IN (%(first)s, %(second)s) AND check_id = ANY(%(checks)s::bigint[]) AND outcome = 'skipped'
)
"""
FAILED = """
WITH score AS MATERIALIZED (
    SELECT output_id, bit_or(1::bigint << array_position(%(checks)s::bigint[], check_id)) AS failed FROM checks_score
    WHERE run_id IN (%(first)s, %(second)s) AND check_id = ANY(%(checks)s::bigint[]) AND outcome = 'failed' GROUP BY 1
)
SELECT first, second, count(*)
FROM (
    SELECT output.example_id, bit_or(score.failed) FILTER (WHERE output.run_id = %(first)s) AS first,
        bit_or(score.failed) FILTER (WHERE output.run_id = %(second)s) AS second
    FROM score JOIN runs_output AS output ON output.id = score.output_id
    WHERE output.id = ANY(ARRAY(SELECT output_id FROM score))
    GROUP BY 1
) AS example
GROUP BY 1, 2 ORDER BY 1, 2
"""
MOST_CHECKS = 62
"""So many have a bit each in a number of the database."""
SHARED = "SELECT count(*) > count(DISTINCT cluster) FROM evalsets_example WHERE version_id = %s AND cluster <> ''"


class Facts(NamedTuple):
    """One output: its verdict, the checks that judged it, those that it failed, and whether it is right by them all.

    ``is_right`` is None where the checks do not say.
    """

    side: Side | None
    judged: tuple[int, ...]
    failed: tuple[int, ...]
    is_right: bool | None


class Group(NamedTuple):
    """``examples`` to which both runs answered like this: {repeat: Facts} of each.

    Examples of one ``cluster`` are no independent observations; those of none ("") are.
    """

    first: dict[int, Facts]
    second: dict[int, Facts]
    examples: int
    cluster: str = ""


@dataclass(frozen=True)
class Answers:
    """``by_verdict`` tells verdicts and what checks judged; ``by_check`` which checks failed. They may be the same."""

    by_verdict: Iterable[Group]
    by_check: Iterable[Group]
    shares_clusters: bool


def answers_of(first: Run, second: Run) -> Answers:
    """What two runs over the same version answered, counted."""
    checks = sorted(Check.objects.active().filter(eval_set__versions=first.version_id).values_list("pk", flat=True))
    clusters = shares_clusters(first.version)
    asked = {"first": first.pk, "second": second.pk, "checks": checks, "clusters": clusters}
    if first.repeats == second.repeats == 1 and not clusters and is_all_judged([first, second], asked):
        return quick_answers(first, asked)
    groups = read_examples(asked)
    return Answers(groups, groups, clusters)


def shares_clusters(version: EvalSetVersion) -> bool:
    """Whether any two examples are of one conversation, customer or document."""
    if version.facts.get("clusters") == 0:
        return False
    with connection.cursor() as cursor:
        cursor.execute(SHARED, [version.pk])
        return bool(cursor.fetchone()[0])


def is_all_judged(runs: Sequence[Run], asked: dict[str, Any]) -> bool:
    """Whether every active check judged an output of every example in both runs, which have one repeat.

    The scoring notes when nothing is left of a run that is over: then only what checks skipped is to be looked for.
    """
    checks, examples = frozenset(asked["checks"]), runs[0].version.example_count
    if len(checks) > MOST_CHECKS:
        return False
    is_noted = len(wholly_scored(runs, checks)) == len(runs) * len(checks)
    with connection.cursor() as cursor:
        if is_noted:
            cursor.execute(SKIPPED, asked)
            is_skipped = cursor.fetchone()[0]
            return not is_skipped and all(each.stored == examples for each in figures_of(runs).values())
        cursor.execute(SCORED, asked)
        judged = [count for _, _, count in cursor.fetchall()]
    return len(judged) == len(runs) * len(checks) and set(judged) <= {examples}


def quick_answers(first: Run, asked: dict[str, Any]) -> Answers:
    """The same as ``read_examples`` where ``is_all_judged``, from the indexes of verdicts and scores."""
    checks = tuple(asked["checks"])
    whole = first.version.example_count if checks else 0
    tallies = pair_tallies_of(asked["first"], asked["second"])
    sides = {id(side): {1: Facts(side, checks, (), None)} for tally in tallies for side in (tally.first, tally.second)}
    nothing = sides.setdefault(id(None), {1: Facts(None, checks, (), None)})
    rest = Group(nothing, nothing, max(whole - sum(tally.count for tally in tallies), 0))
    by_verdict = QuickGroups([(sides[id(t.first)], sides[id(t.second)], t.count) for t in tallies], rest)
    scores = failed_pairs(asked) if checks else []
    passed = of_scores(0, checks)
    passes = Group(passed, passed, whole - sum(count for *_, count in scores))
    by_check = [Group(of_scores(one, checks), of_scores(two, checks), count) for one, two, count in scores]
    return Answers(by_verdict, [*by_check, passes] if passes.examples else by_check, shares_clusters=False)


class QuickGroups:
    """Groups that are made anew whenever they are read.

    There are thousands. Kept, they would all be looked through by the garbage collector, and everything else with them.
    """

    def __init__(self, pairs: Sequence[tuple[dict[int, Facts], dict[int, Facts], int]], rest: Group) -> None:
        self.pairs = pairs
        self.rest = rest

    def __iter__(self) -> Iterator[Group]:
        for pair in self.pairs:
            yield Group(*pair)
        if self.rest.examples:
            yield self.rest


def failed_pairs(asked: dict[str, Any]) -> list[tuple[int, int, int]]:
    """(checks that failed the first output, the second one, how many such pairs); the checks as bits."""
    with connection.cursor() as cursor:
        cursor.execute(FAILED, asked)
        return [(one or 0, two or 0, count) for one, two, count in cursor.fetchall()]


def of_scores(failed: int, checks: tuple[int, ...]) -> dict[int, Facts]:
    """``failed`` has a bit for each check, from 1 on, in their order."""
    names = tuple(check for place, check in enumerate(checks, start=1) if failed >> place & 1)
    return {1: Facts(None, checks, names, not names)}


def read_examples(asked: dict[str, Any]) -> list[Group]:
    """Whatever was judged, and however often each example was asked."""
    with connection.cursor() as cursor:
        cursor.execute(EXAMPLES, asked)
        rows = cursor.fetchall()
    known = {said: repeats_of(said) for _, *pair, _ in rows for said in pair}
    return [Group(known[first], known[second], count, cluster) for cluster, first, second, count in rows]


def repeats_of(said: str | None) -> dict[int, Facts]:
    # Django has psycopg hand JSON over as text.
    return {
        repeat: Facts(
            Side(source, outcome, tuple(people), tuple(checks)) if source else None,
            tuple(judged),
            tuple(failed),
            is_right,
        )
        for repeat, source, outcome, people, checks, judged, failed, is_right in orjson.loads(said or "[]")
    }
