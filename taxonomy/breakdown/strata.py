"""Kinds of outputs of which nobody read any: then nothing can be said of all outputs.

Outputs are chosen for review by what the checks say of them. Those that no round chose from have no chance of being
chosen, and no weight can stand for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from django.db import connection

from taxonomy.breakdown.judged import Checks, Judging
from taxonomy.breakdown.narrowing import Narrowing


class Stratum(StrEnum):
    """What the active checks say of an output together. A missing answer fails."""

    FAILED = "failed a check"
    PASSED = "passed every check that could judge it"
    NOT_JUDGED = "was judged by no check"


# OFFSET 0 keeps the database from reading all scores first: one output is found soon, as a rule.
SAID = (
    "EXISTS (SELECT FROM checks_score AS said WHERE said.output_id = {output} AND said.check_id = ANY(%s)"
    " AND said.outcome = '{outcome}' OFFSET 0)"
)
UNANSWERED = (
    "EXISTS (SELECT FROM runs_output AS answer WHERE answer.id = {output} AND answer.error_cause <> '' OFFSET 0)"
)


def condition_of(stratum: Stratum, output: str) -> str:
    """Whether an output, by the name of the column of its key, belongs to the stratum, as SQL."""
    failed, passed = (SAID.format(output=output, outcome=outcome) for outcome in ("failed", "passed"))
    failed = f"({failed} OR {UNANSWERED.format(output=output)})"
    return {
        Stratum.FAILED: failed,
        Stratum.PASSED: f"{passed} AND NOT {failed}",
        Stratum.NOT_JUDGED: f"NOT {passed} AND NOT {failed}",
    }[stratum]


def unread_strata(judging: Judging, checks: Checks, narrowing: Narrowing) -> Mapping[int, Sequence[Stratum]]:
    """run (key) -> the strata in which it has outputs, and people settled none of them.

    ``checks``: all active ones of the eval set, as ``judging`` counted them.
    """
    wanted = {
        run: [each for each in Stratum if each != Stratum.NOT_JUDGED or not judging.is_whole(run, checks)]
        for run in judging.runs
    }
    read = strata_with_any(wanted, checks, "taxonomy_verdict", narrowing)
    missing = {run: [each for each in strata if (run, each) not in read] for run, strata in wanted.items()}
    there = strata_with_any(missing, checks, "runs_output", narrowing.by_tag)
    return {run: [each for each in strata if (run, each) in there] for run, strata in missing.items()}


def strata_with_any(
    wanted: Mapping[int, Sequence[Stratum]], checks: Checks, table: str, narrowing: Narrowing
) -> set[tuple[int, Stratum]]:
    """(run, stratum) of the wanted ones that hold one output at least: of those settled by people, or of all."""
    if not any(wanted.values()):
        return set()
    output = "one.output_id" if table == "taxonomy_verdict" else "one.id"
    settled = " AND one.source = 'people'" if table == "taxonomy_verdict" else ""
    narrowed, values = narrowing.sql(output, "one.example_id")
    columns: list[str] = []
    parameters: list[Any] = []
    for stratum in Stratum:
        condition = condition_of(stratum, output)
        # Constants of this module, names of two tables, and the conditions of querysets, whose values are parameters.
        columns.append(
            f"CASE WHEN %s = ANY(run.wanted) THEN EXISTS (SELECT FROM {table} AS one"
            f" WHERE one.run_id = run.id{settled}{narrowed} AND {condition}) END"
        )
        parameters += [str(stratum), *values, *[sorted(checks)] * condition.count("%s")]
    rows = ", ".join(["(%s::bigint, %s::text[])"] * len(wanted))
    statement = f"SELECT run.id, {', '.join(columns)} FROM (VALUES {rows}) AS run (id, wanted)"  # noqa: S608 -- see above
    for run, strata in wanted.items():
        parameters += [run, [str(each) for each in strata]]
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return {
            (run, stratum)
            for run, *found in cursor.fetchall()
            for stratum, is_there in zip(Stratum, found, strict=True)
            if is_there
        }
