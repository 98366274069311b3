"""Changing what a check means, and what that would do to the outputs that are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import connection, transaction

from evalhub.checks.models import Check
from evalhub.projects.models import User
from evalhub.projects.trail import record_event
from evalhub.runs.models import Run
from evalhub.runs.waking import send
from taxonomy.meanings.reading import fitting
from taxonomy.models import CheckMeaning, ErrorType
from taxonomy.settling import MEANING

FIND_IN_EVAL_SET = "taxonomy.tasks.find_in_eval_set_task"

Wanted = Mapping[str, int | None]
"""cause -> the key of the error type that it is to have itself; None: none of its own."""

OCCURRING = """
SELECT DISTINCT cause FROM checks_score WHERE run_id = ANY(%s) AND check_id = %s AND outcome = 'failed'
"""
# A finding is neither gained nor lost where another check gives the output the same one, and where people passed it.
EFFECTS = f"""
WITH meant AS MATERIALIZED (
    SELECT said.check_id, said.cause, meaning.error_type_id AS type FROM (
        SELECT DISTINCT score.check_id, score.cause FROM checks_score AS score
        JOIN checks_check AS judge ON judge.id = score.check_id AND judge.retired_at IS NULL
        WHERE score.run_id = ANY(%(runs)s) AND score.check_id <> %(check)s AND score.outcome = 'failed'
    ) AS said CROSS JOIN LATERAL {MEANING}
), change AS (
    SELECT score.output_id, side.type, side.is_gained
    FROM checks_score AS score
    JOIN unnest(%(causes)s::text[], %(before)s::bigint[], %(after)s::bigint[]) AS moved (cause, before, after)
        ON moved.cause = score.cause
    CROSS JOIN LATERAL (VALUES (moved.before, false), (moved.after, true)) AS side (type, is_gained)
    WHERE score.run_id = ANY(%(runs)s) AND score.check_id = %(check)s AND score.outcome = 'failed'
        AND side.type IS NOT NULL
)
SELECT change.type, count(*) FILTER (WHERE change.is_gained), count(*) FILTER (WHERE NOT change.is_gained)
FROM change
WHERE NOT EXISTS (
    SELECT FROM checks_score AS other JOIN meant ON meant.check_id = other.check_id AND meant.cause = other.cause
    WHERE other.output_id = change.output_id AND other.outcome = 'failed' AND meant.type = change.type
) AND NOT EXISTS (
    SELECT FROM taxonomy_verdict AS verdict
    WHERE verdict.output_id = change.output_id AND verdict.source = 'people' AND verdict.outcome = 'pass'
)
GROUP BY change.type
"""  # noqa: S608 -- constants


@dataclass(frozen=True, slots=True)
class Effect:
    """How many outputs, of all runs, would have an error type by checks that have it not now, and the other way."""

    error_type: ErrorType
    gained: int
    lost: int


def own_meanings(check: Check) -> dict[str, int]:
    """cause -> the key of the error type that it has itself."""
    return dict(check.meanings.values_list("cause", "error_type_id"))


def after_change(check: Check, wanted: Wanted) -> dict[str, int]:
    """As ``own_meanings``, once the wanted ones are stored; causes that are not named stay."""
    now: dict[str, int | None] = {**own_meanings(check), **wanted}
    return {cause: key for cause, key in now.items() if key is not None}


def effects_of(check: Check, wanted: Wanted) -> list[Effect]:
    """What the change would do, by error type, in the order of the error types; nothing where it does nothing."""
    runs = list(Run.objects.filter(version__eval_set=check.eval_set_id).values_list("pk", flat=True))
    before, after = own_meanings(check), after_change(check, wanted)
    with connection.cursor() as cursor:
        cursor.execute(OCCURRING, [runs, check.pk])
        causes = [cause for (cause,) in cursor.fetchall()]
        moved = [cause for cause in causes if fitting(before, cause) != fitting(after, cause)]
        told: dict[str, Any] = {
            "runs": runs,
            "check": check.pk,
            "causes": moved,
            "before": [fitting(before, cause) for cause in moved],
            "after": [fitting(after, cause) for cause in moved],
        }
        cursor.execute(EFFECTS, told)
        counts = {key: (gained, lost) for key, gained, lost in cursor.fetchall()}
    return [Effect(each, *counts[each.pk]) for each in ErrorType.objects.filter(pk__in=counts)]


@transaction.atomic
def change_meanings(check: Check, wanted: Wanted, actor: User) -> bool:
    """Store what a check means, and have the verdicts of all its runs brought in line; false if it means that now.

    Findings that people said stay. Changes of the same check come one after the other.
    """
    Check.objects.select_for_update(no_key=True).get(pk=check.pk)
    before, after = own_meanings(check), after_change(check, wanted)
    if before == after:
        return False
    check.meanings.exclude(cause__in=after).delete()
    CheckMeaning.objects.bulk_create(
        [CheckMeaning(by=check, cause=cause, error_type_id=key) for cause, key in after.items()],
        update_conflicts=True,
        unique_fields=["by", "cause"],
        update_fields=["error_type"],
    )
    record_event(check.eval_set.project, actor, "changed what the check means", f"{check} of {check.eval_set}")
    transaction.on_commit(partial(send, FIND_IN_EVAL_SET, check.eval_set_id))
    return True
