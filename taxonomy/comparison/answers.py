"""What two runs answered to the same examples, counted: all that the figures of a comparison are made of.

Where each example was asked once, every check judged every output and no examples share a cluster, two statements over
indexes tell it all, however many outputs there are. Everything else takes one statement that reads more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, TypeVar

import orjson
from django.db import connection

from evalhub.checks.models import Check
from evalhub.evalsets.models import EvalSetVersion
from evalhub.runs.figures import figures_of
from evalhub.runs.models import Run
from taxonomy.breakdown.judged import wholly_scored
from taxonomy.tallies import Side, pair_tallies_of

K = TypeVar("K")
H = TypeVar("H", bound=Hashable)

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


Answer: TypeAlias = Mapping[int, Facts]
"""{repeat: what the output of this repeat is}, for one example and run."""


@dataclass(frozen=True)
class Groups:
    """Examples to which both runs answered alike. ``answers``: all there are, each once.

    A group has the places of both runs' answers among them, how many ``examples`` it holds, and of which cluster.
    Examples of one cluster are no independent observations; those of none ("") are.
    """

    answers: Sequence[Answer]
    first: Sequence[int]
    second: Sequence[int]
    examples: Sequence[int]
    clusters: Sequence[str]

    @classmethod
    def of(cls, answers: Mapping[K, Answer], rows: Iterable[tuple[K, K, int]], clusters: Sequence[str] = ()) -> Groups:
        """``answers`` by what names them in the ``rows``: (the first's, the second's, how many examples).

        ``clusters``: of each row; without them no examples share one.
        """
        places = {name: place for place, name in enumerate(answers)}
        first, second, examples = tuple(zip(*rows, strict=True)) or ((), (), ())
        one, two = ([places[name] for name in side] for side in (first, second))
        return cls(list(answers.values()), one, two, examples, clusters or [""] * len(examples))

    def __iter__(self) -> Iterator[tuple[int, int, int, str]]:
        return zip(self.first, self.second, self.examples, self.clusters, strict=True)

    def counted(self, kinds: Sequence[H]) -> dict[tuple[str, H, H], int]:
        """How many examples each cluster has by the kinds of both answers. ``kinds``: of each of ``answers``."""
        places = {kind: place for place, kind in enumerate(dict.fromkeys(kinds))}
        of, names = [places[kind] for kind in kinds], list(places)
        found: Counter[tuple[str, int, int]] = Counter()
        for one, two, count, cluster in self:
            found[cluster, of[one], of[two]] += count
        return {(cluster, names[one], names[two]): count for (cluster, one, two), count in found.items()}


@dataclass(frozen=True)
class Answers:
    """``by_verdict`` tells verdicts and what checks judged; ``by_check`` which checks failed. They may be the same."""

    by_verdict: Groups
    by_check: Groups
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
    sides, pairs = pair_tallies_of(asked["first"], asked["second"])
    answers = {code: {1: Facts(side, checks, (), None)} for code, side in {**sides, 0: None}.items()}
    if (unread := whole - sum(count for *_, count in pairs)) > 0:
        pairs.append((0, 0, unread))
    scores = failed_pairs(asked) if checks else []
    if (passed := whole - sum(count for *_, count in scores)) > 0:
        scores.append((0, 0, passed))
    failed = {bits: of_scores(bits, checks) for pair in scores for bits in pair[:2]}
    return Answers(Groups.of(answers, pairs), Groups.of(failed, scores), shares_clusters=False)


def failed_pairs(asked: dict[str, Any]) -> list[tuple[int, int, int]]:
    """(checks that failed the first output, the second one, how many such pairs); the checks as bits."""
    with connection.cursor() as cursor:
        cursor.execute(FAILED, asked)
        return [(one or 0, two or 0, count) for one, two, count in cursor.fetchall()]


def of_scores(failed: int, checks: tuple[int, ...]) -> Answer:
    """``failed`` has a bit for each check, from 1 on, in their order."""
    names = tuple(check for place, check in enumerate(checks, start=1) if failed >> place & 1)
    return {1: Facts(None, checks, names, not names)}


def read_examples(asked: dict[str, Any]) -> Groups:
    """Whatever was judged, and however often each example was asked."""
    with connection.cursor() as cursor:
        cursor.execute(EXAMPLES, asked)
        rows = cursor.fetchall()
    known = {said: repeats_of(said) for _, *pair, _ in rows for said in pair}
    return Groups.of(known, [row[1:] for row in rows], [cluster for cluster, *_ in rows])


def repeats_of(said: str | None) -> Answer:
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
