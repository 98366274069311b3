"""What lost workers left behind: their leases are taken back, and runs with work and nobody on it get a wake-up."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction

from evalhub.runs.causes import QUARANTINED
from evalhub.runs.finishing import finish_runs
from evalhub.runs.waking import wake_workers

SWEEP_LOCK = 0x45_56_41_4C_0001  # any number that nothing else in this database locks by
SWEEP_SECONDS = 15
# A run is neglected when nobody has taken it up for so long: its wake-up may be on its way to a worker.
QUIET_SECONDS = 2.0
CRASHES_TO_QUARANTINE = 3
# After a crash a chunk is cut smaller, so that in the end the example that kills workers is alone in its chunk.
SIZE_AFTER_CRASHES = {1: 10, 2: 1}
QUARANTINE_SENTENCE = (
    "Three workers were lost while they worked on this example, so it is not tried again by itself. "
    "Find out why, then retry the failed outputs of the run."
)

# What was called and has no output may have been billed, and is reckoned to have cost what was reserved for it.
TAKE_BACK = """
WITH expired AS (
    SELECT id, run_id, repeat, worker, called, reserved FROM runs_chunk
    WHERE state = 'leased' AND lease_until < now() FOR UPDATE SKIP LOCKED
), told AS (
    INSERT INTO runs_lostcall (run_id, example_id, repeat, worker, lost_at)
    SELECT expired.run_id, lost.example, expired.repeat, expired.worker, now()
    FROM expired, LATERAL (SELECT DISTINCT unnest(expired.called)) AS lost (example)
    WHERE NOT EXISTS (
        SELECT FROM runs_output AS output WHERE output.run_id = expired.run_id
            AND output.example_id = lost.example AND output.repeat = expired.repeat
    )
), paid AS (
    UPDATE runs_run AS run SET reserved = run.reserved - sums.reserved, spent = run.spent + sums.reserved
    FROM (SELECT run_id, sum(reserved) AS reserved FROM expired GROUP BY run_id) AS sums
    WHERE run.id = sums.run_id AND run.budget IS NOT NULL
)
UPDATE runs_chunk AS chunk
SET state = 'ready', crashes = chunk.crashes + 1, lease_until = NULL, worker = '', called = '{}', reserved = 0
FROM expired WHERE chunk.id = expired.id
RETURNING chunk.id, chunk.crashes
"""
UNANSWERED = """
FROM runs_chunk AS chunk
JOIN runs_run AS run ON run.id = chunk.run_id
JOIN evalsets_example AS example ON example.version_id = run.version_id
    AND example.position BETWEEN chunk.first_position AND chunk.last_position
WHERE chunk.id = %(chunk)s AND NOT EXISTS (
    SELECT FROM runs_output AS output
    WHERE output.run_id = run.id AND output.example_id = example.id AND output.repeat = chunk.repeat
)
"""
PIECES = f"""
SELECT min(position), max(position) FROM (
    SELECT example.position, (row_number() OVER (ORDER BY example.position) - 1) / %(size)s AS part {UNANSWERED}
) AS left_over GROUP BY part ORDER BY part
"""  # noqa: S608 -- put together from constants
QUARANTINE_OUTPUTS = f"""
INSERT INTO runs_output (
    run_id, example_id, repeat, text, tool_calls, finish_reason, attempts, error_cause, error, raw, truncated,
    created_at
)
SELECT run.id, example.id, chunk.repeat, '', '[]', '', %(attempts)s, %(cause)s, %(sentence)s, '', false, now()
{UNANSWERED}
ON CONFLICT (run_id, example_id, repeat) DO NOTHING
"""
NEGLECTED = """
SELECT run.id FROM runs_run AS run
WHERE run.state = 'running' AND (run.waits_until IS NULL OR run.waits_until <= now())
    AND EXISTS (
        SELECT FROM runs_chunk AS chunk
        WHERE chunk.run_id = run.id AND chunk.state = 'ready'
            AND (chunk.not_before IS NULL OR chunk.not_before <= now())
            AND (chunk.crashes = 0 OR %(suspects)s)
    )
    AND NOT EXISTS (SELECT FROM runs_chunk AS chunk WHERE chunk.run_id = run.id AND chunk.state = 'leased')
    AND greatest(run.created_at, run.worked_at) <= clock_timestamp() - make_interval(secs => %(quiet)s)
ORDER BY run.id
"""


def sweep_runs() -> None:
    """Put right what nobody else will. One process does it at a time; the others leave it to that one."""
    with transaction.atomic():
        if not try_lock():
            return
        take_back_expired_leases()
    finish_runs()
    for run_id in neglected_runs():
        wake_workers(run_id, expires=4 * SWEEP_SECONDS)


def try_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SWEEP_LOCK])
        return bool(cursor.fetchone()[0])


def take_back_expired_leases() -> None:
    with connection.cursor() as cursor:
        cursor.execute(TAKE_BACK)
        for chunk_id, crashes in cursor.fetchall():
            if crashes >= CRASHES_TO_QUARANTINE:
                quarantine(chunk_id, crashes)
            else:
                cut(chunk_id, SIZE_AFTER_CRASHES[crashes])


def quarantine(chunk_id: int, crashes: int) -> None:
    """Give up on a chunk: what is unanswered of it is answered by a fault."""
    parameters: dict[str, Any] = {
        "chunk": chunk_id, "attempts": crashes, "cause": QUARANTINED, "sentence": QUARANTINE_SENTENCE
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(QUARANTINE_OUTPUTS, parameters)
        cursor.execute("UPDATE runs_chunk SET state = 'quarantined' WHERE id = %s", [chunk_id])


def cut(chunk_id: int, size: int) -> None:
    """Cut what is unanswered of a chunk into chunks of ``size`` examples, which keep what is known of it."""
    with connection.cursor() as cursor:
        cursor.execute(PIECES, {"chunk": chunk_id, "size": size})
        pieces = cursor.fetchall()
        if not pieces:
            cursor.execute("UPDATE runs_chunk SET state = 'done' WHERE id = %s", [chunk_id])
            return
        cursor.execute(
            "UPDATE runs_chunk SET first_position = %s, last_position = %s WHERE id = %s", [*pieces[0], chunk_id]
        )
        cursor.executemany(
            """
            INSERT INTO runs_chunk (
                run_id, repeat, first_position, last_position, state, token, worker, crashes, retries
            )
            SELECT run_id, repeat, %s, %s, 'ready', 0, '', crashes, retries FROM runs_chunk WHERE id = %s
            """,
            [(*piece, chunk_id) for piece in pieces[1:]],
        )


def neglected_runs(with_suspects: bool = True) -> list[int]:
    """Runs with work that could be claimed now, of which no worker holds a part or took it up just now.

    ``with_suspects``: also those in which only such chunks are left as a worker was lost with.
    """
    with connection.cursor() as cursor:
        cursor.execute(NEGLECTED, {"quiet": QUIET_SECONDS, "suspects": with_suspects})
        return [row[0] for row in cursor]
