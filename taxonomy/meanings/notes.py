"""Notes on which runs' verdicts are in line with what their checks found, so that a sweep need not look again."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import QuerySet

from evalhub.evalsets.models import EvalSet
from evalhub.runs.models import Run
from taxonomy.models import FindingNote

# Of the active checks of an eval set: whatever is changed about their meanings, this is another one then.
DIGEST = """(
    SELECT md5(coalesce(string_agg(
        meaning.check_id || ':' || meaning.cause || ':' || meaning.error_type_id, ','
        ORDER BY meaning.check_id, meaning.cause COLLATE "C"), ''))
    FROM checks_check AS judge JOIN taxonomy_checkmeaning AS meaning ON meaning.check_id = judge.id
    WHERE judge.eval_set_id = eval_set.id AND judge.retired_at IS NULL
)"""
# The time at which the run was over, once all active checks are known to have scored all of it.
STANDING = f"""
SELECT {DIGEST}, CASE WHEN NOT EXISTS (
    SELECT FROM checks_check AS judge
    WHERE judge.eval_set_id = eval_set.id AND judge.retired_at IS NULL AND NOT EXISTS (
        SELECT FROM checks_completescoring AS note
        WHERE note.run_id = run.id AND note.check_id = judge.id AND note.finished_at = run.finished_at)
) THEN run.finished_at END
FROM runs_run AS run JOIN evalsets_evalsetversion AS version ON version.id = run.version_id
JOIN evalsets_evalset AS eval_set ON eval_set.id = version.eval_set_id
WHERE run.id = %s
"""  # noqa: S608 -- constants
WITHOUT_NOTE = f"""
WITH digests AS MATERIALIZED (SELECT eval_set.id, {DIGEST} AS digest FROM evalsets_evalset AS eval_set)
SELECT run.id FROM runs_run AS run JOIN evalsets_evalsetversion AS version ON version.id = run.version_id
JOIN digests ON digests.id = version.eval_set_id LEFT JOIN taxonomy_findingnote AS note ON note.run_id = run.id
WHERE run.finished_at IS NULL OR note.finished_at IS DISTINCT FROM run.finished_at OR note.meanings <> digests.digest
ORDER BY run.id DESC LIMIT %s
"""  # noqa: S608 -- constants
HOW_FAR = f"""
SELECT count(*) FILTER (WHERE note.meanings = {DIGEST}), count(*)
FROM runs_run AS run JOIN evalsets_evalsetversion AS version ON version.id = run.version_id
JOIN evalsets_evalset AS eval_set ON eval_set.id = version.eval_set_id
LEFT JOIN taxonomy_findingnote AS note ON note.run_id = run.id
WHERE eval_set.id = %s
"""  # noqa: S608 -- constants


class Standing(NamedTuple):
    """What a look at a run rests on: which meanings held, and when the run was over, if nothing can come any more."""

    meanings: str
    finished_at: datetime | None


class HowFar(NamedTuple):
    """Runs of an eval set whose verdicts follow the present meanings, of all its runs."""

    done: int
    runs: int

    @property
    def is_moving(self) -> bool:
        return self.done < self.runs


def standing_of(run: Run) -> Standing:
    """To be read before the look, so that what changes during it is looked at once more."""
    with connection.cursor() as cursor:
        cursor.execute(STANDING, [run.pk])
        return Standing(*(cursor.fetchone() or ("", None)))


def keep_note(run: Run, standing: Standing) -> None:
    note = FindingNote(run=run, meanings=standing.meanings, finished_at=standing.finished_at)
    FindingNote.objects.bulk_create(
        [note], update_conflicts=True, unique_fields=["run"], update_fields=["meanings", "finished_at"]
    )


def runs_without_note(most: int) -> QuerySet[Run]:
    """Runs of which it is not known that their verdicts are in line, the newest first, at most so many."""
    with connection.cursor() as cursor:
        cursor.execute(WITHOUT_NOTE, [most])
        return Run.objects.filter(pk__in=[pk for (pk,) in cursor.fetchall()]).order_by("-pk")


def how_far(eval_set: EvalSet) -> HowFar:
    """How far the verdicts of an eval set's runs have come after a change of what its checks mean."""
    with connection.cursor() as cursor:
        cursor.execute(HOW_FAR, [eval_set.pk])
        return HowFar(*cursor.fetchone())
