"""Scores outputs by the active checks of their eval set. What is to do is what the rows say is missing.

So a task may be lost, doubled or killed: the next one finds the rest, and no check scores an output twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from evalhub.checks.alone import alone_at
from evalhub.checks.answers import as_answer
from evalhub.checks.judging import judge_of
from evalhub.checks.kinds.base import Expected, Judge
from evalhub.checks.models import Check, Score
from evalhub.runs.models import Output, Run

BATCH = 1_000  # outputs whose scores are stored together
READ_AT_ONCE = 100  # outputs in memory: a stored text has up to a million characters
LONGEST_CAUSE = 80  # characters, as the column has

Judges = Mapping[int, Judge]
Row = tuple[int, int, str, str, str]
"""Output, check, outcome, cause, message."""


def score_run(run: Run) -> int:
    """Score what the active checks have not scored of the run's outputs; return how many scores were stored.

    One process at a time does so for a run. Another one leaves at once, and loses nothing by it: the first looks again
    after it has let go.
    """
    stored = 0
    while missing := unscored_outputs(run, checks := active_checks(run)):
        with alone_at(f"score run {run.pk}") as is_ours:
            if not is_ours:
                break
            judges = {check.pk: judge_of(check) for check in checks}
            new = sum(score_batch(run, batch, judges) for batch in slices(missing, BATCH))
        if not new:  # the outputs are gone meanwhile
            break
        stored += new
    return stored


def score_check(check: Check) -> int:
    """Score all outputs of all runs of the check's eval set, old ones too, the newest run first. No model is called."""
    return sum(score_run(run) for run in runs_of(check))


def runs_of(check: Check) -> QuerySet[Run]:
    return Run.objects.filter(version__eval_set=check.eval_set_id).select_related("version").order_by("-pk")


def active_checks(run: Run) -> list[Check]:
    return list(Check.objects.active().filter(eval_set__versions=run.version_id))


def unscored_outputs(run: Run, checks: Sequence[Check]) -> list[int]:
    """The ids of the run's outputs that at least one of these checks has not scored, in order."""
    if not checks:
        return []
    with connection.cursor() as cursor:
        cursor.execute(UNSCORED, {"run": run.pk, "checks": [check.pk for check in checks]})
        return [pk for (pk,) in cursor.fetchall()]


UNSCORED = """
SELECT output.id
FROM runs_output output
LEFT JOIN checks_score score
    ON score.output_id = output.id AND score.run_id = output.run_id AND score.check_id = ANY(%(checks)s)
WHERE output.run_id = %(run)s
GROUP BY output.id
HAVING count(score.id) < cardinality(%(checks)s)
ORDER BY output.id
"""


def score_batch(run: Run, outputs: Sequence[int], judges: Judges) -> int:
    """Judge these outputs by the checks that have not scored them, and store it; return how many scores are new."""
    with transaction.atomic():  # the cursor on the server lives in it
        scored = set(Score.objects.filter(output__in=outputs, by__in=judges).values_list("output_id", "by_id"))
        rows = [row for output in read(outputs) for row in judgements(output, judges, scored)]
        return store(run, rows)


def read(outputs: Sequence[int]) -> Iterator[dict[str, Any]]:
    columns = ("pk", "text", "tool_calls", "error_cause", "error", "example__expected_kind", "example__expected")
    return Output.objects.filter(pk__in=outputs).order_by("pk").values(*columns).iterator(chunk_size=READ_AT_ONCE)


def judgements(output: Mapping[str, Any], judges: Judges, scored: Set[tuple[int, int]]) -> Iterator[Row]:
    answer = as_answer(output["text"], output["tool_calls"], output["error_cause"], output["error"])
    expected = Expected(output["example__expected_kind"], output["example__expected"])
    for check, judge in judges.items():
        if (output["pk"], check) not in scored:
            said = judge(answer, expected)
            yield output["pk"], check, said.outcome.value, said.cause[:LONGEST_CAUSE], said.message


def store(run: Run, rows: Sequence[Row]) -> int:
    """Insert what is not there yet. One statement: 50,000 rows/s, against 29,000 by the ORM and 61,000 by COPY."""
    with connection.cursor() as cursor:
        cursor.execute(STORE, [run.pk, *map(list, zip(*rows, strict=True))] if rows else [run.pk, [], [], [], [], []])
        return int(cursor.rowcount)


STORE = """
INSERT INTO checks_score (run_id, output_id, check_id, outcome, cause, message)
SELECT %s, * FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[])
ON CONFLICT (output_id, check_id) DO NOTHING
"""


def slices(items: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (items[start : start + size] for start in range(0, len(items), size))
