"""How a verdict comes to be, and how it is taken back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from django.db import connection, transaction

from evalhub.projects.models import User
from evalhub.runs.models import Output
from taxonomy.models import Source, Verdict

Types = tuple[int, ...]
"""Sorted keys of error types."""

# What a failure means; see CheckMeaning. To be joined to rows named “said” that have a check_id and a cause.
MEANING = """(
    SELECT its.error_type_id FROM taxonomy_checkmeaning AS its
    WHERE its.check_id = said.check_id AND its.cause IN (said.cause, split_part(said.cause, ':', 1), '')
    ORDER BY length(its.cause) DESC LIMIT 1
) AS meaning"""
# Scores are of checks that may have been retired since: those say nothing any more.
BY_CHECKS = f"""
SELECT said.output_id, array_agg(DISTINCT meaning.error_type_id ORDER BY meaning.error_type_id)
FROM checks_score AS said
JOIN checks_check AS judge ON judge.id = said.check_id AND judge.retired_at IS NULL
CROSS JOIN LATERAL {MEANING}
WHERE said.output_id = ANY(%s) AND said.outcome = 'failed'
GROUP BY said.output_id
"""  # noqa: S608 -- constants
SETS = """
SELECT found.people, found.checks, found.id FROM taxonomy_findingset AS found
JOIN unnest(%(people)s::text[], %(checks)s::text[]) AS wanted (people, checks)
    ON found.people = wanted.people::bigint[] AND found.checks = wanted.checks::bigint[]
"""
ADD_SETS = """
INSERT INTO taxonomy_findingset (people, checks)
SELECT people::bigint[], checks::bigint[] FROM unnest(%(people)s::text[], %(checks)s::text[]) AS wanted (people, checks)
ON CONFLICT DO NOTHING
"""
WRITE = """
WITH written AS (
    INSERT INTO taxonomy_verdict (output_id, run_id, example_id, repeat, source, outcome, found_id,
        inclusion_probability, failing_step, decided_by_id, why, settled_at)
    SELECT output.id, output.run_id, output.example_id, output.repeat, settled.source, settled.outcome, settled.found,
        settled.probability, settled.step, settled.decided_by, settled.why, now()
    FROM unnest(%(outputs)s::bigint[], %(sources)s::text[], %(outcomes)s::text[], %(found)s::bigint[],
        %(probabilities)s::float8[], %(steps)s::int[], %(decided_by)s::bigint[], %(why)s::text[])
        AS settled (output, source, outcome, found, probability, step, decided_by, why)
    JOIN runs_output AS output ON output.id = settled.output
    ON CONFLICT (output_id) DO UPDATE SET source = excluded.source, outcome = excluded.outcome,
        found_id = excluded.found_id, inclusion_probability = excluded.inclusion_probability,
        failing_step = excluded.failing_step, decided_by_id = excluded.decided_by_id, why = excluded.why,
        settled_at = excluded.settled_at
    RETURNING id, run_id, found_id
), wanted AS (
    SELECT written.id, written.run_id, said.error_type, said.source
    FROM written JOIN taxonomy_findingset AS found ON found.id = written.found_id
    CROSS JOIN LATERAL (
        SELECT unnest(found.people) AS error_type, 'people' AS source UNION ALL SELECT unnest(found.checks), 'check'
    ) AS said
), gone AS (
    DELETE FROM taxonomy_finding AS finding USING written WHERE finding.verdict_id = written.id AND NOT EXISTS (
        SELECT FROM wanted WHERE wanted.id = finding.verdict_id AND wanted.error_type = finding.error_type_id
            AND wanted.source = finding.source)
)
INSERT INTO taxonomy_finding (verdict_id, run_id, error_type_id, source)
SELECT id, run_id, error_type, source FROM wanted
ON CONFLICT DO NOTHING
"""


class Settled(NamedTuple):
    """What people say of an output in the end: all by key.

    ``inclusion_probability`` (0 to 1) is the chance that the output had of being chosen for review; None: not known.
    ``decided_by`` and ``why``: who settled it over the labels, and what they said; nobody where labels agreed.
    ``failing_step``: the first step that went wrong, from 1.
    """

    output: int
    outcome: str
    error_types: Collection[int]
    inclusion_probability: float | None
    decided_by: int | None = None
    why: str = ""
    failing_step: int | None = None


class Row(NamedTuple):
    """A verdict to be, with what people said and what checks found."""

    settled: Settled
    source: Source
    people: Types
    checks: Types


def record_verdict(
    output: Output,
    outcome: str,
    error_types: Collection[int] = (),
    inclusion_probability: float | None = None,
    decided_by: User | None = None,
    why: str = "",
    failing_step: int | None = None,
) -> None:
    """Settle an output by what people said (see Settled), replacing an earlier verdict on it."""
    by = decided_by.pk if decided_by else None
    record_verdicts([Settled(output.pk, outcome, error_types, inclusion_probability, by, why, failing_step)])


def withdraw_verdict(output: Output) -> None:
    """The output is open again: its labels no longer say one thing, or there are none. What checks found stays."""
    withdraw_verdicts([output.pk])


@transaction.atomic
def record_verdicts(settled: Sequence[Settled]) -> None:
    """As ``record_verdict``, for many outputs in a few statements. Each output occurs once.

    What certain checks found stands beside what people said, unless they said that the output passes.
    """
    fails = [each.output for each in settled if each.outcome == Verdict.Outcome.FAIL]
    by_checks = types_by_checks(fails)
    write(
        [
            Row(each, Source.PEOPLE, tuple(sorted(set(each.error_types))), by_checks.get(each.output, ()))
            for each in settled
        ]
    )


@transaction.atomic
def withdraw_verdicts(outputs: Collection[int]) -> None:
    """As ``withdraw_verdict``, for many outputs by key."""
    Verdict.objects.filter(output__in=outputs).delete()
    record_check_verdicts(outputs)


def record_check_verdicts(outputs: Collection[int]) -> None:
    """Write the verdicts of outputs that nobody settled and in which a certain check found something.

    An output that people settled must not be among them.
    """
    found = types_by_checks(outputs)
    write(
        [
            Row(Settled(output, Verdict.Outcome.FAIL, (), None), Source.CHECK, (), types)
            for output, types in sorted(found.items())
        ]
    )


def types_by_checks(outputs: Collection[int]) -> dict[int, Types]:
    """output -> the error types that it has by the certain checks it fails; outputs without any are left out."""
    if not outputs:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(BY_CHECKS, [list(outputs)])
        return {output: tuple(types) for output, types in cursor.fetchall()}


def write(rows: Sequence[Row]) -> None:
    if not rows:
        return
    sets = keys_of_sets({(row.people, row.checks) for row in rows})
    settled = [row.settled for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(
            WRITE,
            {
                "outputs": [each.output for each in settled],
                "sources": [str(row.source) for row in rows],
                "outcomes": [str(each.outcome) for each in settled],
                "found": [sets[row.people, row.checks] for row in rows],
                "probabilities": [each.inclusion_probability for each in settled],
                "steps": [each.failing_step for each in settled],
                "decided_by": [each.decided_by for each in settled],
                "why": [each.why for each in settled],
            },
        )


def keys_of_sets(wanted: Collection[tuple[Types, Types]]) -> Mapping[tuple[Types, Types], int]:
    """(what people said, what checks found) -> the key of that FindingSet, made where it is missing."""
    ordered = sorted(wanted)  # in one order, so that two who add the same wait for each other and never both
    parameters = {"people": [literal(people) for people, _ in ordered], "checks": [literal(by) for _, by in ordered]}
    with connection.cursor() as cursor:
        cursor.execute(SETS, parameters)
        rows = cursor.fetchall()
        if len(rows) < len(ordered):
            cursor.execute(ADD_SETS, parameters)
            cursor.execute(SETS, parameters)
            rows = cursor.fetchall()
    return {(tuple(people), tuple(checks)): key for people, checks, key in rows}


def literal(types: Types) -> str:
    """As PostgreSQL writes an array."""
    return "{" + ",".join(map(str, types)) + "}"
