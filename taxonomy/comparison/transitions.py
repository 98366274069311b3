"""Where conversations and tool calls go wrong: the last good step against the first failing one, counted.

Steps are numbered as on the reviewer's desk: the messages of the request from 1, the answer after the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection
from django.db.models import QuerySet

from evalhub.runs.models import Output, Run

START = "Start"
NAMES = {"system": "System", "developer": "Developer", "user": "User", "assistant": "Assistant"}

# What a step is: the role of its message, and the tool that it calls or that it is the result of. The first call names
# a message with several. Of the answer only what it calls is read, of the request only the messages that matter.
STEPS = """
SELECT verdict.run_id, verdict.output_id,
    CASE WHEN place.failing > 1 THEN {before} ELSE '["start", ""]'::jsonb END AS last_good,
    CASE WHEN place.failing <= json_array_length(asked.messages) THEN {failing}
        ELSE jsonb_build_array('answer', coalesce(output.tool_calls -> 0 ->> 'name', '')) END AS first_failing
FROM taxonomy_verdict AS verdict
JOIN runs_output AS output ON output.id = verdict.output_id
JOIN evalsets_example AS example ON example.id = verdict.example_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN json_typeof(example.request -> 'messages') = 'array' THEN example.request -> 'messages'
        ELSE '[]' END AS messages
) AS asked
CROSS JOIN LATERAL (SELECT least(verdict.failing_step, json_array_length(asked.messages) + 1) AS failing) AS place
WHERE verdict.run_id = ANY(%(runs)s::bigint[]) AND verdict.source = 'people' AND verdict.failing_step IS NOT NULL
"""
STEP = """(
    SELECT jsonb_build_array(message ->> 'role', coalesce(CASE message ->> 'role'
        WHEN 'assistant' THEN message -> 'tool_calls' -> 0 -> 'function' ->> 'name'
        WHEN 'tool' THEN coalesce(message ->> 'name', (
            SELECT call -> 'function' ->> 'name'
            FROM json_array_elements(asked.messages) AS earlier
            CROSS JOIN LATERAL json_array_elements(
                CASE WHEN json_typeof(earlier -> 'tool_calls') = 'array' THEN earlier -> 'tool_calls' ELSE '[]' END
            ) AS call
            WHERE call ->> 'id' = message ->> 'tool_call_id' LIMIT 1
        )) END, ''))
    FROM (SELECT asked.messages -> (place.failing - {back}) AS message) AS step
)"""
ALL = STEPS.format(before=STEP.format(back=2), failing=STEP.format(back=1))
COUNTS = f"SELECT last_good, first_failing, run_id, count(*) FROM ({ALL}) AS step GROUP BY 1, 2, 3"  # noqa: S608 -- parts above
LISTED = (
    f"SELECT output_id FROM ({ALL}) AS step"  # noqa: S608 -- parts above
    " WHERE last_good = %(last_good)s::jsonb AND first_failing = %(first_failing)s::jsonb"
)


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """``role`` as in a request, or “start” or “answer”; ``tool``: what it calls, or is the result of."""

    role: str
    tool: str

    @property
    def name(self) -> str:
        if self.role == "start":
            return START
        if self.role == "tool":
            return f"Result of {self.tool}" if self.tool else "Tool result"
        who = "Answer" if self.role == "answer" else NAMES.get(self.role, self.role)
        return f"{who} calls {self.tool}" if self.tool and self.role in {"assistant", "answer"} else who

    @property
    def code(self) -> str:
        """In addresses."""
        return f"{self.role}:{self.tool}"

    @property
    def json(self) -> str:
        return orjson.dumps([self.role, self.tool]).decode()


@dataclass(frozen=True)
class Transitions:
    """How often each last good step (rows) was followed by each first failing one (columns), in each run."""

    rows: Sequence[Step]
    columns: Sequence[Step]
    counts: dict[tuple[Step, Step], dict[int, int]]

    def count(self, row: Step, column: Step, run: Run) -> int:
        return self.counts.get((row, column), {}).get(run.pk, 0)

    def total(self, run: Run) -> int:
        return sum(found.get(run.pk, 0) for found in self.counts.values())


def transitions_of(runs: Sequence[Run]) -> Transitions:
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, {"runs": [run.pk for run in runs]})
        found = [(step_of(before), step_of(after), run, count) for before, after, run, count in cursor.fetchall()]
    counts: dict[tuple[Step, Step], dict[int, int]] = {}
    for before, after, run, count in found:
        counts.setdefault((before, after), {})[run] = count
    return Transitions(by_weight(found, 0), by_weight(found, 1), counts)


def by_weight(found: Sequence[tuple[Step, Step, int, int]], place: int) -> list[Step]:
    """The steps at that place, the most frequent first."""
    weights: dict[Any, int] = {}
    for row in found:
        weights[row[place]] = weights.get(row[place], 0) + row[3]
    return sorted(weights, key=lambda step: (-weights[step], step))


def step_of(said: str) -> Step:
    role, tool = orjson.loads(said)
    return Step(role or "", tool or "")


def parsed_step(code: str) -> Step:
    role, _, tool = code.partition(":")
    return Step(role, tool)


def outputs_between(run: Run, before: Step, after: Step) -> QuerySet[Output]:
    """The run's outputs behind one figure of the matrix."""
    with connection.cursor() as cursor:
        cursor.execute(LISTED, {"runs": [run.pk], "last_good": before.json, "first_failing": after.json})
        keys = [key for (key,) in cursor.fetchall()]
    return Output.objects.filter(pk__in=keys)
