"""The work of a run as rows: chunks over every example that has no output yet."""

from __future__ import annotations

from typing import Any

from django.db import connection

SMALLEST_CHUNK, LARGEST_CHUNK = 20, 200

INSERT_CHUNKS = """
INSERT INTO runs_chunk (run_id, repeat, first_position, last_position, state, token, worker, crashes, retries)
SELECT %(run)s, repeat, min(position), max(position), 'ready', 0, '', 0, '{}'
FROM (
    SELECT times.repeat, example.position,
        (row_number() OVER (PARTITION BY times.repeat ORDER BY example.position) - 1) / %(size)s AS part
    FROM evalsets_example AS example CROSS JOIN generate_series(1, %(repeats)s) AS times (repeat)
    WHERE example.version_id = %(version)s AND NOT EXISTS (
        SELECT FROM runs_output AS output
        WHERE output.run_id = %(run)s AND output.example_id = example.id AND output.repeat = times.repeat
    )
) AS missing
GROUP BY repeat, part ORDER BY repeat, part
"""


def chunk_size(plan: dict[str, Any]) -> int:
    """Examples in a chunk: thrice what is in flight at once, so that a pool rarely waits for its next claim."""
    return min(LARGEST_CHUNK, max(SMALLEST_CHUNK, 3 * int(plan["max_in_flight"])))


def plan_chunks(run_id: int, version_id: int, repeats: int, size: int) -> int:
    """Insert ready chunks of at most ``size`` examples over all that the run has no output for; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(INSERT_CHUNKS, {"run": run_id, "version": version_id, "repeats": repeats, "size": size})
        return int(cursor.rowcount)
