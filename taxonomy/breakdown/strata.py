"""Kinds of outputs of which nobody read any: then nothing can be said of all outputs.

Outputs are chosen for review by what the checks say of them. Those that no round chose from have no chance of being
chosen, and no weight can stand for them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any

from django.db import connection

from evalhub.checks.models import Check
from evalhub.evalsets.models import EvalSetVersion
from taxonomy.breakdown.narrowing import Narrowing


class Stratum(StrEnum):
    """What the active checks say of an output together. A missing answer fails."""

    FAILED = "failed a check"
    PASSED = "passed every check that could judge it"
    NOT_JUDGED = "was judged by no check"


SAID = (
    "EXISTS (SELECT FROM checks_score AS said WHERE said.output_id = {output} AND said.check_id = ANY(%s)"
    " AND said.outcome = '{outcome}')"
)
UNANSWERED = "EXISTS (SELECT FROM runs_output AS answer WHERE answer.id = {output} AND answer.error_cause <> '')"


def condition_of(stratum: Stratum, output: str) -> str:
    """Whether an output, by the name of the column of its key, belongs to the stratum, as SQL."""
    failed, passed = (SAID.format(output=output, outcome=outcome) for outcome in ("failed", "passed"))
    failed = f"({failed} OR {UNANSWERED.format(output=output)})"
    return {
        Stratum.FAILED: failed,
        Stratum.PASSED: f"{passed} AND NOT {failed}",
        Stratum.NOT_JUDGED: f"NOT {passed} AND NOT {failed}",
    }[stratum]


def unread_strata(
    version: EvalSetVersion, runs: Sequence[int], narrowing: Narrowing
) -> Mapping[int, Sequence[Stratum]]:
    """run (key) -> the strata in which it has outputs, and people settled none of them."""
    checks = list(Check.objects.active().filter(eval_set=version.eval_set_id).values_list("pk", flat=True))
    read = strata_with_any(list(Stratum), runs, checks, "taxonomy_verdict", narrowing)
    missing = {run: [each for each in Stratum if (run, each) not in read] for run in runs}
    wanted = {each for strata in missing.values() for each in strata}
    possible = [each for each in Stratum if each in wanted]
    there = strata_with_any(possible, runs, checks, "runs_output", narrowing.by_tag)
    return {run: [each for each in strata if (run, each) in there] for run, strata in missing.items()}


def strata_with_any(
    strata: Collection[Stratum], runs: Sequence[int], checks: list[int], table: str, narrowing: Narrowing
) -> set[tuple[int, Stratum]]:
    """(run, stratum) that hold one output at least: of those settled by people, or of all."""
    if not strata:
        return set()
    output = "one.output_id" if table == "taxonomy_verdict" else "one.id"
    settled = " AND one.source = 'people'" if table == "taxonomy_verdict" else ""
    narrowed, values = narrowing.sql(output, "one.example_id")
    columns: list[str] = []
    parameters: list[Any] = []
    for stratum in strata:
        condition = condition_of(stratum, output)
        # Constants of this module, names of two tables, and the conditions of querysets, whose values are parameters.
        columns.append(
            f"EXISTS (SELECT FROM {table} AS one WHERE one.run_id = run.id{settled}{narrowed} AND {condition})"
        )
        parameters += [*values, *[checks] * condition.count("%s")]
    statement = f"SELECT run.id, {', '.join(columns)} FROM unnest(%s::bigint[]) AS run (id)"  # noqa: S608 -- see above
    with connection.cursor() as cursor:
        cursor.execute(statement, [*parameters, list(runs)])
        return {
            (run, stratum)
            for run, *found in cursor.fetchall()
            for stratum, is_there in zip(strata, found, strict=True)
            if is_there
        }
