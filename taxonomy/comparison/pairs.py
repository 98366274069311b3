"""Two candidates side by side, on the same examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db import connection

from evalhub.runs.models import Output, Run

PAGE_SIZE = 10

# An output is right when at least one active check passed it and none failed it: as in evalhub.checks.shares.
PAIRS = """
    WITH judged AS (
        SELECT score.output_id, bool_and(score.outcome = 'passed') AS is_right
        FROM checks_score AS score
        JOIN checks_check AS active ON active.id = score.check_id AND active.retired_at IS NULL
        WHERE score.run_id IN (%(first)s, %(second)s) AND score.outcome <> 'skipped'
        GROUP BY score.output_id
    ), pair AS (
        SELECT example.position, one.id AS first_output, two.id AS second_output,
               judged_one.is_right AS first_right, judged_two.is_right AS second_right
        FROM runs_output AS one
        JOIN runs_output AS two ON two.example_id = one.example_id AND two.repeat = one.repeat
        JOIN evalsets_example AS example ON example.id = one.example_id
        JOIN judged AS judged_one ON judged_one.output_id = one.id
        JOIN judged AS judged_two ON judged_two.output_id = two.id
        WHERE one.run_id = %(first)s AND two.run_id = %(second)s AND one.repeat = 1
    )
"""
COUNTS = PAIRS + "SELECT first_right, second_right, count(*) FROM pair GROUP BY 1, 2"  # noqa: S608 -- constants
PAGE = PAIRS + (  # noqa: S608 -- constants
    "SELECT position, first_output, second_output FROM pair"
    " WHERE first_right = %(was)s AND second_right = %(now)s AND position > %(after)s"
    " ORDER BY position LIMIT %(size)s"
)


class Change(StrEnum):
    """What becomes of an example when the first candidate is replaced by the second."""

    BROKEN = "broken"
    FIXED = "fixed"
    BOTH_WRONG = "both_wrong"
    BOTH_RIGHT = "both_right"

    @property
    def was_right(self) -> tuple[bool, bool]:
        """(first right, second right)."""
        return {
            Change.BROKEN: (True, False),
            Change.FIXED: (False, True),
            Change.BOTH_WRONG: (False, False),
            Change.BOTH_RIGHT: (True, True),
        }[self]


@dataclass(frozen=True)
class Pair:
    """The outputs of both candidates for one example."""

    position: int
    first: Output
    second: Output


def change_counts(first: Run, second: Run) -> dict[Change, int]:
    """How many examples that both answered and the checks judged fall under each change; they sum to all such pairs."""
    with connection.cursor() as cursor:
        cursor.execute(
            COUNTS,
            {"first": first.pk, "second": second.pk},
        )
        found = {(was, now): count for was, now, count in cursor.fetchall()}
    return {change: found.get(change.was_right, 0) for change in Change}


def pairs_of(first: Run, second: Run, change: Change, after: int = 0, size: int = PAGE_SIZE) -> Sequence[Pair]:
    """The pairs under a change whose example stands behind position ``after``, in the examples' order."""
    was, now = change.was_right
    with connection.cursor() as cursor:
        cursor.execute(
            PAGE,
            {"first": first.pk, "second": second.pk, "was": was, "now": now, "after": after, "size": size},
        )
        found = cursor.fetchall()
    keys = [key for _, one, two in found for key in (one, two)]
    outputs = Output.objects.select_related("example").prefetch_related("scores__by").in_bulk(keys)
    return [Pair(position, outputs[one], outputs[two]) for position, one, two in found]
