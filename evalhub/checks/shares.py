"""The share of outputs that are right by the checks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from evalhub.runs.models import Run


@dataclass(frozen=True, slots=True)
class Share:
    """Of ``counted`` outputs, ``right`` ones."""

    right: int
    counted: int


# Run by run, since that is how the index of the scores is sorted: 170 ms for 600,000 scores of 200,000 outputs.
SHARES = """
SELECT run.id, said.rights, said.counted + missing.answers
FROM (
    SELECT run.id, array_agg(active.id) AS checks
    FROM runs_run run
    JOIN evalsets_evalsetversion version ON version.id = run.version_id
    JOIN checks_check active ON active.eval_set_id = version.eval_set_id AND active.retired_at IS NULL
    WHERE run.id = ANY(%s)
    GROUP BY run.id
) run
CROSS JOIN LATERAL (
    SELECT count(*) AS answers FROM runs_output WHERE run_id = run.id AND error_cause <> ''
) missing
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE passed AND NOT failed) AS rights, count(*) FILTER (WHERE passed OR failed) AS counted
    FROM (
        SELECT output_id, count(*) AS scores,
            bool_or(outcome = 'passed') AS passed, bool_or(outcome = 'failed') AS failed
        FROM checks_score
        WHERE run_id = run.id AND check_id = ANY(run.checks)
        GROUP BY output_id
    ) output
    WHERE scores = cardinality(run.checks) AND output_id NOT IN (
        SELECT id FROM runs_output WHERE run_id = run.id AND error_cause <> ''
    )
) said
"""


def shares_right(runs: Iterable[Run]) -> dict[int, Share]:
    """How many outputs of each run are right by the active checks of its eval set: {run's id: Share}.

    An output is right when at least one check passed it and none failed it. A check that could not be applied to it
    (“skipped”: the example gives no JSON, say) is no pass and says nothing; an output that no check could be applied
    to is not counted, and neither is one that is not scored by all of them yet. A missing answer is counted and wrong.
    A run without active checks, or without outputs, has Share(0, 0).
    """
    shares = {run.pk: Share(0, 0) for run in runs}
    with connection.cursor() as cursor:
        cursor.execute(SHARES, [list(shares)])
        shares.update({run: Share(right, counted) for run, right, counted in cursor.fetchall()})
    return shares
