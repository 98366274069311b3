"""Verdicts of checks that are certain: what a run's scores and the meanings of its checks say, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from django.db import connection, transaction

from evalhub.checks.alone import alone_at
from evalhub.runs.models import Run
from taxonomy.meanings.notes import keep_note, standing_of
from taxonomy.settling import MEANING, Types, keys_of_sets

BATCH = 5_000  # outputs that are locked together

# Which failures that occur in a run mean something: a few rows, read from an index.
MEANT = f"""
SELECT said.check_id, said.cause, meaning.error_type_id FROM (
    SELECT DISTINCT score.check_id, score.cause FROM checks_score AS score
    JOIN checks_check AS judge ON judge.id = score.check_id AND judge.retired_at IS NULL
    WHERE score.run_id = %s AND score.outcome = 'failed'
) AS said CROSS JOIN LATERAL {MEANING}
"""  # noqa: S608 -- constants
# What checks should have found in an output; nothing counts where people said that it passes.
TARGET = """CASE WHEN verdict.source = 'people' AND verdict.outcome = 'pass' THEN '{}'::bigint[]
    ELSE coalesce(wanted.types, '{}') END"""
WANTED = """
meant AS MATERIALIZED (
    SELECT * FROM unnest(%(checks)s::bigint[], %(causes)s::text[], %(types)s::bigint[]) AS meant (check_id, cause, type)
), wanted AS MATERIALIZED (
    SELECT score.output_id, array_agg(DISTINCT meant.type ORDER BY meant.type) AS types
    FROM checks_score AS score JOIN meant ON meant.check_id = score.check_id AND meant.cause = score.cause
    WHERE score.run_id = %(run)s AND score.outcome = 'failed'"""
DUE = f"""
WITH {WANTED} GROUP BY score.output_id
), verdict AS (
    SELECT verdict.output_id, verdict.source, verdict.outcome, found.people, found.checks
    FROM taxonomy_verdict AS verdict JOIN taxonomy_findingset AS found ON found.id = verdict.found_id
    WHERE verdict.run_id = %(run)s
)
SELECT output_id, coalesce(verdict.people, '{{}}'), {TARGET}
FROM wanted FULL JOIN verdict USING (output_id)
WHERE coalesce(verdict.checks, '{{}}') <> {TARGET}
ORDER BY output_id
"""  # noqa: S608 -- constants
# In one order, as whoever settles outputs does: see reviews.settling.
LOCK = "SELECT id FROM runs_output WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
# One whose set of findings is not there, because somebody settled it meanwhile, is left for the next look.
BRING = f"""
WITH {WANTED} AND score.output_id = ANY(%(outputs)s) GROUP BY score.output_id
), due AS MATERIALIZED (
    SELECT output.id AS output, output.run_id, output.example_id, output.repeat, verdict.id AS verdict, verdict.source,
        coalesce(found.people, '{{}}') AS people, {TARGET} AS types
    FROM runs_output AS output
    LEFT JOIN taxonomy_verdict AS verdict ON verdict.output_id = output.id
    LEFT JOIN taxonomy_findingset AS found ON found.id = verdict.found_id
    LEFT JOIN wanted ON wanted.output_id = output.id
    WHERE output.id = ANY(%(outputs)s) AND coalesce(found.checks, '{{}}') <> {TARGET}
), ready AS MATERIALIZED (
    SELECT due.*, kept.id AS found FROM due
    JOIN taxonomy_findingset AS kept ON kept.people = due.people AND kept.checks = due.types
    WHERE due.source IS DISTINCT FROM 'check' OR due.types <> '{{}}'
), bare AS MATERIALIZED (
    SELECT verdict FROM due WHERE source = 'check' AND types = '{{}}'
), gone AS (
    DELETE FROM taxonomy_finding AS finding USING (
        SELECT verdict, '{{}}'::bigint[] AS types FROM bare UNION ALL SELECT verdict, types FROM ready
    ) AS now
    WHERE finding.verdict_id = now.verdict AND finding.source = 'check' AND finding.error_type_id <> ALL (now.types)
), withdrawn AS (
    DELETE FROM taxonomy_verdict AS verdict USING bare WHERE verdict.id = bare.verdict RETURNING verdict.id
), changed AS (
    UPDATE taxonomy_verdict AS verdict SET found_id = ready.found FROM ready WHERE verdict.id = ready.verdict
    RETURNING verdict.id, verdict.run_id, ready.types
), added AS (
    INSERT INTO taxonomy_verdict (output_id, run_id, example_id, repeat, source, outcome, found_id, why, settled_at)
    SELECT output, run_id, example_id, repeat, 'check', 'fail', found, '', now() FROM ready WHERE verdict IS NULL
    ORDER BY output
    RETURNING id, run_id, found_id
), found AS (
    INSERT INTO taxonomy_finding (verdict_id, run_id, error_type_id, source)
    SELECT now.id, now.run_id, unnest(now.types), 'check' FROM (
        SELECT id, run_id, types FROM changed UNION ALL
        SELECT added.id, added.run_id, kept.checks FROM added JOIN taxonomy_findingset AS kept ON kept.id = found_id
    ) AS now
    ON CONFLICT DO NOTHING
)
SELECT (SELECT count(*) FROM withdrawn) + (SELECT count(*) FROM changed) + (SELECT count(*) FROM added)
"""  # noqa: S608 -- constants


class Meant(NamedTuple):
    """Failures that mean something, as columns: the check, the cause as scored, the error type."""

    checks: Sequence[int] = ()
    causes: Sequence[str] = ()
    types: Sequence[int] = ()


class Due(NamedTuple):
    """An output whose verdict does not say what its checks found: what people said of it, what checks did find."""

    output: int
    people: Types
    checks: Types


def find_by_checks(run: Run) -> int:
    """Bring the verdicts of a run in line with what its certain checks found; return how many were not.

    An output that fails one and that nobody settled gets a verdict of source check; one that people failed keeps what
    checks found beside; one that people passed has nothing of checks; and a verdict that has no reason any more goes.

    One process at a time does so for a run. Another one leaves at once, and loses nothing by it: the first looks again
    after it has let go.
    """
    standing, changed = standing_of(run), 0
    while due := due_outputs(run):
        with alone_at(f"find by checks in run {run.pk}") as is_ours:
            if not is_ours:
                return changed
            # Before the outputs are locked: whoever holds those never waits for somebody who adds the same set.
            keys_of_sets({(each.people, each.checks) for each in due})
            new = sum(bring_in_line(run, batch) for batch in slices([each.output for each in due]))
        if not new:  # the outputs are gone meanwhile
            break
        changed += new
    else:
        keep_note(run, standing)
    return changed


def meant_in(run: Run) -> Meant:
    with connection.cursor() as cursor:
        cursor.execute(MEANT, [run.pk])
        rows = cursor.fetchall()
    return Meant(*map(list, zip(*rows, strict=True))) if rows else Meant([], [], [])


def due_outputs(run: Run) -> list[Due]:
    """The run's outputs whose verdicts are not what the checks say now, rising."""
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"run": run.pk, **meant_in(run)._asdict()})
        return [Due(output, tuple(people), tuple(checks)) for output, people, checks in cursor.fetchall()]


def bring_in_line(run: Run, outputs: Sequence[int]) -> int:
    """Write what the checks say now of these outputs, given rising; return how many verdicts were changed."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK, [list(outputs)])
        # Read again, by a statement that sees what whoever held the locks before has written.
        cursor.execute(BRING, {"run": run.pk, "outputs": list(outputs), **meant_in(run)._asdict()})
        return int(cursor.fetchone()[0])


def slices(outputs: Sequence[int]) -> Iterator[Sequence[int]]:
    return (outputs[start : start + BATCH] for start in range(0, len(outputs), BATCH))
