"""How quick the figures of failure modes are: the breakdown of 8 candidates with 1,000,000 verdicts, and a comparison.

300,000 findings of 40 error types below 8 others, four chances of being chosen in each run, two checks that mean a type
and judged every output. The floor, in turn with what is measured: the two plain counts of verdicts by run and outcome,
and of findings by run and error type, in SQL. What is measured is all that the page asks of the database and works out
of it. Medians. The first time is given too: what checks judged is counted then, and remembered while it cannot change.

    EVALHUB_BREAKDOWN_EXAMPLES=10000   instead of 125,000, for a first look
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from evalhub.serving.benchmarks import Figure
from tests.benchmarks import comparison_data

EXAMPLES = 125_000
CANDIDATES, PARENTS, BELOW_EACH = 8, 8, 4
TURNS = 15

FILL_EXAMPLES = """
INSERT INTO evalsets_example (version_id, position, key, request, expected_kind, expected, tags, cluster, metadata,
    digest)
SELECT %(version)s, n, 'mail-' || n, '{"messages": []}', 'json', '{}', ARRAY['language:' || n %% 5], '', '{}', '\\x00'
FROM generate_series(1, %(examples)s) AS n
"""
FILL_OUTPUTS = """
INSERT INTO runs_output (run_id, example_id, repeat, text, tool_calls, finish_reason, total_ms, attempts, error_cause,
    error, raw, truncated, created_at)
SELECT %(run)s, id, 1, '{"category": "orders"}', '[]', 'stop', 812.5, 1, '', '', '', false, now()
FROM evalsets_example WHERE version_id = %(version)s ORDER BY position
"""
FILL_SCORES = """
INSERT INTO checks_score (output_id, check_id, run_id, outcome, cause, message)
SELECT id, %(check)s, run_id, CASE WHEN id %% 20 = 0 THEN 'failed' ELSE 'passed' END,
    CASE WHEN id %% 20 = 0 THEN 'different' ELSE '' END, ''
FROM runs_output WHERE run_id = %(run)s
"""
# A quarter fails, every sixth of these by a check alone. Types are drawn so that some are frequent and some rare; a
# quarter of what people fail has a second type, and some of it a check's finding too.
DRAW = """
CREATE TEMPORARY TABLE drawn AS
SELECT id AS output_id, example_id, run_id, fails, by_check,
    CASE WHEN fails AND NOT by_check THEN
        CASE WHEN two < 0.25 THEN ARRAY[least(type, type %% %(types)s + 1), greatest(type, type %% %(types)s + 1)]
        ELSE ARRAY[type] END ELSE '{}' END AS people,
    CASE WHEN fails AND (by_check OR beside < 0.05) THEN ARRAY[1 + (type + output_number) %% 2] ELSE '{}' END AS checks,
    CASE WHEN fails AND by_check THEN NULL ELSE round((1.0 / (1 + (run_number * 4 + chance) %% 30))::numeric, 6) END
        AS probability
FROM (
    SELECT output.*, random() < 0.25 AS fails, random() < 0.17 AS by_check, random() AS two, random() AS beside,
        1 + floor(%(types)s * random() ^ 2)::int AS type, floor(4 * random())::int AS chance
    FROM (
        SELECT id, example_id, run_id, run_id - %(run)s AS run_number, id %% 2 AS output_number
        FROM runs_output WHERE run_id = ANY(%(runs)s)
    ) AS output
) AS chosen
"""
NAME_TYPES = """
UPDATE drawn SET people = (SELECT array_agg((%(keys)s::bigint[])[place] ORDER BY (%(keys)s::bigint[])[place])
    FROM unnest(people) AS place) WHERE cardinality(people) > 0;
UPDATE drawn SET checks = (SELECT array_agg((%(keys)s::bigint[])[place] ORDER BY (%(keys)s::bigint[])[place])
    FROM unnest(checks) AS place) WHERE cardinality(checks) > 0;
"""
FILL_SETS = """
INSERT INTO taxonomy_findingset (people, checks) SELECT DISTINCT people::bigint[], checks::bigint[] FROM drawn
ON CONFLICT DO NOTHING
"""
FILL_VERDICTS = """
INSERT INTO taxonomy_verdict (output_id, run_id, example_id, repeat, source, outcome, found_id, inclusion_probability,
    settled_at, why)
SELECT output_id, run_id, example_id, 1, CASE WHEN fails AND by_check THEN 'check' ELSE 'people' END,
    CASE WHEN fails THEN 'fail' ELSE 'pass' END, found.id, probability, now(), ''
FROM drawn JOIN taxonomy_findingset AS found
    ON found.people = drawn.people::bigint[] AND found.checks = drawn.checks::bigint[]
ORDER BY output_id
"""
FILL_FINDINGS = """
INSERT INTO taxonomy_finding (verdict_id, run_id, error_type_id, source)
SELECT verdict.id, verdict.run_id, said.type, said.source FROM taxonomy_verdict AS verdict
JOIN taxonomy_findingset AS found ON found.id = verdict.found_id
CROSS JOIN LATERAL (
    SELECT unnest(found.people) AS type, 'people' AS source UNION ALL SELECT unnest(found.checks), 'check'
) AS said
WHERE verdict.run_id = ANY(%(runs)s) ORDER BY verdict.id
"""
FLOOR = (
    "SELECT run_id, outcome, count(*) FROM taxonomy_verdict WHERE run_id = ANY(%s) GROUP BY run_id, outcome",
    "SELECT run_id, error_type_id, count(*) FROM taxonomy_finding WHERE run_id = ANY(%s)"
    " GROUP BY run_id, error_type_id",
)


class World:
    """A project with runs of which every output has a verdict, put there by SQL."""

    candidates = CANDIDATES

    def __init__(self, examples: int) -> None:
        from evalhub.evalsets.models import EvalSet, EvalSetVersion
        from evalhub.projects.joining import found_project
        from evalhub.projects.models import User

        stamp = time.time_ns()
        self.examples = examples
        self.lead = User.objects.create(email=f"lead-{stamp}@example.org", name="Lead", may_create_projects=True)
        self.project = found_project(self.lead, f"Bench {stamp}")
        self.eval_set = EvalSet.objects.create(project=self.project, name="Mail")
        self.version = EvalSetVersion.objects.create(
            eval_set=self.eval_set, number=1, state="draft", example_count=examples, created_by=self.lead
        )
        self.types = self.make_types()
        self.runs = [self.make_run(number) for number in range(self.candidates)]
        self.checks = [self.make_check(number) for number in range(2)]
        self.fill()

    def make_types(self) -> list[int]:
        from django.db import transaction

        from taxonomy.models import ErrorType, Severity
        from taxonomy.versions import record_change

        ErrorType.objects.filter(project=self.project).delete()
        keys = []
        severities = Severity.values
        for number in range(PARENTS):
            parent = ErrorType.objects.create(
                project=self.project, code=f"group-{number}", name=f"Group {number}", position=10 * number
            )
            keys += [
                ErrorType.objects.create(
                    project=self.project, code=f"type-{number}-{below}", name=f"Type {number}.{below}", parent=parent,
                    position=10 * number + below, severity=severities[below % 3],
                ).pk
                for below in range(1, BELOW_EACH + 1)
            ]  # fmt: skip
            keys.append(parent.pk)
        with transaction.atomic():
            record_change(self.project, "Types of the benchmark", None)
        return sorted(keys)

    def make_run(self, number: int) -> Any:
        from django.utils import timezone

        from evalhub.candidates.models import Candidate
        from evalhub.runs.models import Run

        candidate = Candidate.objects.create(project=self.project, name=f"Candidate {number}", is_baseline=number == 0)
        return Run.objects.create(
            project=self.project, version=self.version, candidate=candidate, source=Run.Source.UPLOADED,
            state=Run.State.FINISHED, planned_outputs=self.examples, started_by=self.lead, finished_at=timezone.now(),
        )  # fmt: skip

    def make_check(self, number: int) -> Any:
        from evalhub.checks.models import Check
        from taxonomy.models import CheckMeaning

        check = Check.objects.create(eval_set=self.eval_set, name=f"Check {number}", kind="json_equals", parameters={})
        CheckMeaning.objects.create(by=check, error_type_id=self.types[number])
        return check

    def fill(self) -> None:
        from django.db import connection

        from evalhub.evalsets.contents import facts_of
        from evalhub.runs.figures import keep_figures

        keys = [run.pk for run in self.runs]
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")  # keys are right by the way they are made
            cursor.execute("SELECT setseed(0.25)")
            cursor.execute(FILL_EXAMPLES, {"version": self.version.pk, "examples": self.examples})
            for run in keys:
                cursor.execute(FILL_OUTPUTS, {"run": run, "version": self.version.pk})
                for check in self.checks:
                    cursor.execute(FILL_SCORES, {"run": run, "check": check.pk})
            cursor.execute(DRAW, {"types": len(self.types), "runs": keys, "run": keys[0]})
            cursor.execute(NAME_TYPES, {"keys": self.types})
            cursor.execute(FILL_SETS)
            cursor.execute(FILL_VERDICTS)
            cursor.execute(FILL_FINDINGS, {"runs": keys})
            cursor.execute("DROP TABLE drawn")
            cursor.execute("SET session_replication_role = DEFAULT")
            cursor.execute("VACUUM ANALYZE")
        keep_figures(keys)
        self.version.facts = facts_of(self.version)  # as an import does
        self.version.save()
        self.note_scoring()

    def note_scoring(self) -> None:
        """As the scoring does when nothing is left of a run that is over."""
        from evalhub.checks.models import CompleteScoring

        CompleteScoring.objects.bulk_create(
            CompleteScoring(run=run, by=check, finished_at=run.finished_at)
            for run in self.runs
            for check in self.checks
        )


def milliseconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1000


def plain_counts(runs: list[int]) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        for statement in FLOOR:
            cursor.execute(statement, [runs])
            cursor.fetchall()


def breakdown_figures(world: World) -> list[Figure]:
    from taxonomy.breakdown.data import breakdown_of
    from taxonomy.breakdown.filters import Estimated, Filters

    runs = [run.pk for run in world.runs]
    reviewed = Filters(version=world.version.pk)
    estimated = reviewed.but(estimate=Estimated.ALL)
    first = milliseconds(lambda: breakdown_of(world.project, reviewed))
    floor, times, all_times = [], [], []
    for _ in range(TURNS):
        floor.append(milliseconds(lambda: plain_counts(runs)))
        times.append(milliseconds(lambda: breakdown_of(world.project, reviewed)))
        all_times.append(milliseconds(lambda: breakdown_of(world.project, estimated)))
    return [
        Figure.over("breakdown_ms", median(times), "ms", median(floor)),
        Figure("breakdown_over_sql", median(times) / median(floor), "x"),
        Figure("breakdown_first_ms", first, "ms"),
        Figure.over("breakdown_estimated_ms", median(all_times), "ms", median(floor)),
    ]


def run() -> list[Figure]:
    world = World(int(os.environ.get("EVALHUB_BREAKDOWN_EXAMPLES", EXAMPLES)))
    return breakdown_figures(world) + comparison_data.run()
