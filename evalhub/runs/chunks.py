"""Claiming chunks of a run, keeping the claim, and giving it back. Every clock in here is the database's.

A claim is a lease with a token. The token is raised at each claim, so whatever a worker does with an old one changes
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection

LEASE_SECONDS = 60
HEARTBEAT_SECONDS = 15

NOTHING = Decimal(0)

Parameters = dict[str, Any]

CLAIM = """
UPDATE runs_chunk
SET state = 'leased', token = token + 1, lease_until = now() + make_interval(secs => %(lease)s), worker = %(worker)s,
    not_before = NULL
WHERE id = (
    SELECT chunk.id FROM runs_chunk AS chunk JOIN runs_run AS run ON run.id = chunk.run_id
    WHERE chunk.run_id = %(run)s AND chunk.state = 'ready' AND run.state = 'running'
        AND (chunk.not_before IS NULL OR chunk.not_before <= now())
        AND (run.waits_until IS NULL OR run.waits_until <= now())
        AND (chunk.crashes = 0 OR %(suspects)s)
    ORDER BY chunk.crashes, chunk.id
    FOR UPDATE OF chunk SKIP LOCKED LIMIT 1
)
RETURNING id, token, repeat, first_position, last_position, crashes, retries, extract(epoch FROM now())::float8
"""
GIVE_BACK_UNHELD = """
UPDATE runs_chunk SET state = 'ready', lease_until = NULL, worker = ''
WHERE run_id = %(run)s AND state = 'leased' AND worker = %(worker)s AND NOT (id = ANY(%(ids)s))
"""
# Two statements, as planners that know no figures yet would join with all outputs of the run.
EXAMPLES = """
SELECT id, request::text FROM evalsets_example
WHERE version_id = %(version)s AND position BETWEEN %(first)s AND %(last)s ORDER BY position
"""
ANSWERED = """
SELECT example_id FROM runs_output WHERE run_id = %(run)s AND example_id = ANY(%(examples)s) AND repeat = %(repeat)s
"""
BEAT = """
UPDATE runs_chunk AS chunk SET lease_until = now() + make_interval(secs => %(lease)s)
FROM unnest(%(ids)s::bigint[], %(tokens)s::bigint[]) AS held (id, token)
WHERE chunk.id = held.id AND chunk.token = held.token AND chunk.state = 'leased'
RETURNING chunk.id
"""
FINISH = """
UPDATE runs_chunk AS chunk SET state = 'done', lease_until = NULL, worker = '', retries = '{}', called = '{}'
FROM unnest(%(ids)s::bigint[], %(tokens)s::bigint[]) AS held (id, token)
WHERE chunk.id = held.id AND chunk.token = held.token AND chunk.state = 'leased'
"""
RELEASE = """
WITH held AS (
    SELECT id, run_id, repeat, worker, reserved FROM runs_chunk
    WHERE id = %(id)s AND token = %(token)s AND state = 'leased' FOR UPDATE
), told AS (
    INSERT INTO runs_lostcall (run_id, example_id, repeat, worker, lost_at)
    SELECT held.run_id, lost.example, held.repeat, held.worker, now()
    FROM held, unnest(%(lost)s::bigint[]) AS lost (example)
), freed AS (
    UPDATE runs_run AS run SET reserved = run.reserved - held.reserved, spent = run.spent + %(spent)s
    FROM held WHERE run.id = held.run_id AND run.budget IS NOT NULL
)
UPDATE runs_chunk AS chunk SET state = 'ready', lease_until = NULL, worker = '', called = '{}', reserved = 0,
    not_before = now() + make_interval(secs => %(wait)s),
    retries = (
        SELECT coalesce(jsonb_object_agg(key, jsonb_build_array(
            value -> 0, extract(epoch FROM now()) + (value -> 1)::float8)), '{}')
        FROM jsonb_each(%(retries)s::jsonb)
    )
FROM held WHERE chunk.id = held.id
"""


@dataclass(slots=True, eq=False)
class Lease:
    """A claimed chunk, and which of its examples are still to be answered."""

    chunk_id: int
    token: int
    repeat: int
    is_suspect: bool
    """A worker was lost while it held this chunk: it is worked on alone."""
    items: dict[int, Item] = field(default_factory=dict)
    is_lost: bool = False
    """Another worker may have it: whatever is still in hand for it is discarded."""


@dataclass(slots=True, eq=False)
class Item:
    """One example to be answered."""

    lease: Lease
    example_id: int
    request: str
    attempts: int = 0
    wait: float = 0
    """Seconds from the claim before which it is not tried again."""
    reserve: Decimal = NOTHING
    """US$ that the next call could cost at most; nothing in a run without a budget."""
    digest: bytes = b""
    """Of the call as it was made."""


def claim(run_id: int, version_id: int, worker: str, with_suspects: bool) -> Lease | None:
    """Lease the next ready chunk of a running run; None if there is none.

    ``with_suspects``: also one that a worker was lost with; such a chunk must be worked on alone.
    """
    parameters: Parameters = {
        "lease": LEASE_SECONDS, "worker": worker, "run": run_id, "suspects": with_suspects
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, parameters)
        row = cursor.fetchone()
        if row is None:
            return None
        chunk_id, token, repeat, first, last, crashes, retries, now = row
        lease = Lease(chunk_id, token, repeat, is_suspect=crashes > 0)
        cursor.execute(EXAMPLES, {"version": version_id, "first": first, "last": last})
        examples = dict(cursor.fetchall())
        cursor.execute(ANSWERED, {"run": run_id, "examples": list(examples), "repeat": repeat})
        for (answered,) in cursor:
            del examples[answered]
        tried = json.loads(retries) if isinstance(retries, str) else retries
        for example_id, request in examples.items():
            attempts, not_before = tried.get(str(example_id), (0, 0.0))
            lease.items[example_id] = Item(lease, example_id, request, attempts, max(0.0, not_before - now))
    return lease


def give_back_unheld(run_id: int, worker: str, held: Collection[Lease]) -> None:
    """Give back chunks that this worker claimed without learning of it: the connection broke before the answer came."""
    with connection.cursor() as cursor:
        cursor.execute(GIVE_BACK_UNHELD, {"run": run_id, "worker": worker, "ids": keys_of(held)["ids"]})


def beat(run_id: int, leases: Collection[Lease]) -> set[int]:
    """Prolong the leases, leave a sign of life at the run, and return the ids of the chunks that are still ours."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE runs_run SET worked_at = now() WHERE id = %s", [run_id])
        cursor.execute(BEAT, {"lease": LEASE_SECONDS, **keys_of(leases)})
        return {row[0] for row in cursor}


def finish(leases: Iterable[Lease]) -> None:
    """Mark chunks done, all of whose outputs are stored, or are in this transaction."""
    with connection.cursor() as cursor:
        cursor.execute(FINISH, keys_of(leases))


def release(
    lease: Lease, waits: dict[int, tuple[int, float]], until: float | None, lost: Collection[Item] = ()
) -> None:
    """Give a chunk back, with its examples' attempts so far and the seconds before each may be tried again.

    ``until``: seconds before which nothing of it can be done; None if something can be done at once. ``lost``: items
    whose call was broken off: it may have been billed.
    """
    parameters: Parameters = {
        "id": lease.chunk_id,
        "token": lease.token,
        "wait": until,
        "retries": json.dumps({str(example): pair for example, pair in waits.items()}),
        "lost": [item.example_id for item in lost],
        "spent": sum((item.reserve for item in lost), NOTHING),
    }
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, parameters)


def state_of_run(run_id: int) -> str | None:
    """The run's state as it is now; None if it was deleted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM runs_run WHERE id = %s", [run_id])
        row = cursor.fetchone()
        return row[0] if row else None


def keys_of(leases: Iterable[Lease]) -> dict[str, list[int]]:
    held = list(leases)
    return {"ids": [lease.chunk_id for lease in held], "tokens": [lease.token for lease in held]}
