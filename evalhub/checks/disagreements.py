"""Reasons to look at an output: checks fail it or disagree, it says something else than the baseline, it is unusual."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from evalhub.checks.answers import as_answer
from evalhub.checks.kinds.base import Answer, ToolCall
from evalhub.checks.kinds.json_text import JsonFault, find_json, parse_json
from evalhub.checks.kinds.json_values import comparable
from evalhub.checks.models import Check, Score
from evalhub.runs.models import Output, Run

PAIRS_AT_ONCE = 200  # a stored text has up to a million characters
# What can be unusual about an answer, and how it is measured: characters, milliseconds, calls.
MEASURES = {"length": "length(text)", "latency": "total_ms", "tool_calls": "json_array_length(tool_calls)"}


def failed_outputs(runs: Iterable[Run], checks: Collection[int] | None = None) -> QuerySet[Output]:
    """The outputs of these runs that failed at least one active check; a missing answer fails every check it can.

    ``checks``: keys of the only ones that count, retired ones among them not; None for all.
    """
    keys = [run.pk for run in runs]
    active = active_checks_of(keys)
    counted = active if checks is None else [check for check in active if check in checks]
    return Output.objects.filter(said(Score.Outcome.FAILED, counted), run__in=keys)


def contradicted_outputs(runs: Iterable[Run]) -> QuerySet[Output]:
    """The answers of these runs that one active check passed and another one failed."""
    keys = [run.pk for run in runs]
    checks = active_checks_of(keys)
    passed, failed = said(Score.Outcome.PASSED, checks), said(Score.Outcome.FAILED, checks)
    return Output.objects.filter(passed, failed, run__in=keys, error_cause="")


def passed_outputs(runs: Iterable[Run]) -> QuerySet[Output]:
    """The outputs that at least one active check passed and none failed, answers that are there only.

    A check that could not be applied to an output says nothing of it, as in ``shares.shares_right``.
    """
    keys = [run.pk for run in runs]
    checks = active_checks_of(keys)
    passed, failed = said(Score.Outcome.PASSED, checks), said(Score.Outcome.FAILED, checks)
    return Output.objects.filter(passed, ~failed, run__in=keys, error_cause="")


def active_checks_of(runs: Sequence[int]) -> list[int]:
    """The checks' ids, read first: as a join they would make the statements below five times slower."""
    found = Check.objects.active().filter(eval_set__versions__runs__in=runs)
    return list(found.distinct().values_list("pk", flat=True))


def said(outcome: Score.Outcome, checks: Sequence[int]) -> Exists:
    """Whether one of these checks said this of the output."""
    return Exists(Score.objects.filter(output=OuterRef("pk"), run=OuterRef("run"), by__in=checks, outcome=outcome))


def outlying_outputs(run: Run, measures: Collection[str] = tuple(MEASURES)) -> list[int]:
    """The ids of the run's answers that are unusually long or slow, or have unusually many tool calls, rising.

    Unusual: more than 1.5 interquartile ranges above the third quartile of the run's answers (Tukey's upper fence),
    quartiles interpolated. Missing answers are none; an answer whose time was not recorded has no latency to judge.
    ``measures`` are names of ``MEASURES``; one of them suffices. Raises KeyError for others.
    """
    values = [MEASURES[name] for name in measures]
    if not values:
        return []
    fences = ", ".join(
        f"percentile_cont(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY measured.value_{place}) AS quartiles_{place}"
        for place in range(len(values))
    )
    beyond = " OR ".join(
        f"value_{place} > quartiles_{place}[2] + 1.5 * (quartiles_{place}[2] - quartiles_{place}[1])"
        for place in range(len(values))
    )
    columns = ", ".join(f"({value})::float8 AS value_{place}" for place, value in enumerate(values))
    with connection.cursor() as cursor:
        # Nothing but the constants above is put into the statement.
        cursor.execute(
            f"""
            WITH measured AS MATERIALIZED (
                SELECT id, {columns} FROM runs_output WHERE run_id = %s AND error_cause = ''
            ), fences AS (SELECT {fences} FROM measured)
            SELECT id FROM measured, fences WHERE {beyond} ORDER BY id
            """,  # noqa: S608 -- only constants of this module are put in
            [run.pk],
        )
        return [pk for (pk,) in cursor.fetchall()]


def differing_outputs(run: Run, baseline_run: Run) -> list[int]:
    """The ids of the run's outputs whose answer differs from the baseline's to the same example at the same repeat.

    Compared by ``same_answer``. Where the baseline has no answer there is nothing to differ from; where only the run
    has none, it differs. Runs over different versions share no example, so nothing is found.
    """
    pairs = Output.objects.filter(
        run=run,
        example__outputs__run=baseline_run,
        example__outputs__repeat=F("repeat"),
        example__outputs__error_cause="",
    ).values_list(
        *("pk", "text", "tool_calls", "error_cause", "error", "example__outputs__text", "example__outputs__tool_calls")
    )
    with transaction.atomic():  # the cursor on the server lives in it
        differing = [
            pk
            for pk, text, calls, cause, error, their_text, their_calls in pairs.iterator(chunk_size=PAIRS_AT_ONCE)
            if not same_answer(as_answer(text, calls, cause, error), as_answer(their_text, their_calls))
        ]
    return sorted(differing)


def same_answer(one: Answer, other: Answer) -> bool:
    """Whether two answers say the same, spelling aside.

    Tool calls: the same names in the same order with equal arguments, as parsed; what is said beside them does not
    count. Texts that are both JSON, alone or in a code fence: equal as JSON, so that the order of fields and 40 or 40.0
    make no difference. Other texts: equal after white space and case are evened out. A missing answer is the same as
    another missing answer only.
    """
    if one.error or other.error:
        return bool(one.error) == bool(other.error)
    if one.tool_calls or other.tool_calls:
        return [called(call) for call in one.tool_calls] == [called(call) for call in other.tool_calls]
    if one.text == other.text:
        return True
    mine = find_json(one.text)
    if mine.is_clear and (theirs := find_json(other.text)).is_clear:
        return bool(comparable(mine.value) == comparable(theirs.value))
    return evened(one.text) == evened(other.text)


def called(call: ToolCall) -> tuple[str, Any]:
    """A tool call in the form in which two are equal; arguments that are not JSON are compared as text."""
    try:
        return call.name, comparable(parse_json(call.arguments or "{}"))
    except JsonFault:
        return call.name, ("text", call.arguments.strip())


def evened(text: str) -> str:
    return " ".join(text.casefold().split())
