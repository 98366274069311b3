"""Runs end when a count says so: no chunk of theirs is left to do."""

from __future__ import annotations

from django.db import connection

from evalhub.runs.figures import keep_figures
from evalhub.runs.waking import announce_outputs

FINISH = """
UPDATE runs_run AS run SET state = 'finished', finished_at = now(), waits_until = NULL
WHERE run.state = 'running' AND run.source = 'called' AND (%(run)s::bigint IS NULL OR run.id = %(run)s)
    AND NOT EXISTS (
        SELECT FROM runs_chunk AS chunk WHERE chunk.run_id = run.id AND chunk.state IN ('ready', 'leased')
    )
RETURNING run.id
"""


def finish_runs(run_id: int | None = None) -> list[int]:
    """Mark the run finished, or every run, if all its chunks are over; returns the ids of those now finished."""
    with connection.cursor() as cursor:
        cursor.execute(FINISH, {"run": run_id})
        finished = [row[0] for row in cursor]
    if finished:
        keep_figures(finished)
    for finished_id in finished:
        announce_outputs(finished_id)
    return finished
