"""Answers that an earlier run got to the very same call, taken over in place of asking again."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson
from django.db import connection

from evalhub.candidates.prompting import build_body
from evalhub.runs.chunks import ANSWERED, Lease

DIGEST_BYTES = 16
# How an answer travels changes nothing about what was asked.
NOT_ASKED = frozenset({"stream", "stream_options"})

# The latest of several. What was taken over itself is not taken over again: there is one original.
REUSE = """
INSERT INTO runs_output (
    run_id, example_id, repeat, text, tool_calls, finish_reason, prompt_tokens, completion_tokens, cost,
    first_token_ms, total_ms, attempts, error_cause, error, raw, truncated, call_digest, reused_from, created_at
)
SELECT
    chunk.run_id, row.example, chunk.repeat, original.text, original.tool_calls, original.finish_reason,
    original.prompt_tokens, original.completion_tokens, CASE WHEN original.cost IS NULL THEN NULL ELSE 0 END,
    original.first_token_ms, original.total_ms, 0, '', '', '', original.truncated, original.call_digest, original.id,
    clock_timestamp()
FROM json_to_recordset(%(rows)s::json) AS row (example bigint, digest text)
JOIN runs_chunk AS chunk ON chunk.id = %(chunk)s AND chunk.token = %(token)s AND chunk.state = 'leased'
CROSS JOIN LATERAL (
    SELECT * FROM runs_output
    WHERE call_digest = decode(row.digest, 'hex') AND error_cause = '' AND reused_from IS NULL
        AND run_id <> chunk.run_id
    ORDER BY id DESC LIMIT 1
) AS original
FOR SHARE OF chunk
ON CONFLICT (run_id, example_id, repeat) DO NOTHING
"""


def digest_of(plan: Mapping[str, Any], repeat: int, body: Mapping[str, Any]) -> bytes:
    """What makes a call the same as another: endpoint, model, parameters, messages, tools and repeat."""
    asked = body if NOT_ASKED.isdisjoint(body) else {name: body[name] for name in body if name not in NOT_ASKED}
    told = orjson.dumps([plan["endpoint"], plan["base_url"], repeat, asked])
    return blake2b(told, digest_size=DIGEST_BYTES).digest()


def reuse_outputs(run_id: int, lease: Lease, plan: Mapping[str, Any]) -> int:
    """Store earlier answers for the items of a claimed chunk, take these out of it, and return how many they were."""
    rows = [
        {
            "example": item.example_id,
            "digest": digest_of(plan, lease.repeat, build_body(plan, orjson.loads(item.request))).hex(),
        }
        for item in lease.items.values()
    ]
    with connection.cursor() as cursor:
        cursor.execute(REUSE, {"rows": orjson.dumps(rows).decode(), "chunk": lease.chunk_id, "token": lease.token})
        cursor.execute(ANSWERED, {"run": run_id, "examples": list(lease.items), "repeat": lease.repeat})
        answered = [row[0] for row in cursor]
    for example_id in answered:
        del lease.items[example_id]
    return len(answered)
