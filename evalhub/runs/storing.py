"""Outputs into the database, in batches: one statement, one parameter, and what is there already stays as it is."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson
from django.db import connection, transaction

from evalhub.runs.attempts import Settlement, settle
from evalhub.runs.chunks import Lease, finish

Row = dict[str, Any]
"""An output's columns but for the run and the time, and the ``chunk_id`` and ``token`` of the claim it comes from."""

# Rows of a claim that is not held any more fall out: another worker has that chunk.
INSERT_OUTPUTS = """
INSERT INTO runs_output (
    run_id, example_id, repeat, text, tool_calls, finish_reason, prompt_tokens, completion_tokens, cost,
    first_token_ms, total_ms, attempts, error_cause, error, raw, truncated, call_digest, created_at
)
SELECT
    chunk.run_id, row.example_id, chunk.repeat, row.text, row.tool_calls, row.finish_reason, row.prompt_tokens,
    row.completion_tokens, row.cost, row.first_token_ms, row.total_ms, row.attempts, row.error_cause, row.error,
    row.raw, row.truncated, decode(row.call_digest, 'hex'), clock_timestamp()
FROM json_to_recordset(%(rows)s::json) AS row (
    chunk_id bigint, token bigint, example_id bigint, text text, tool_calls json, finish_reason text,
    prompt_tokens int, completion_tokens int, cost numeric(16, 9), first_token_ms float8, total_ms float8,
    attempts int, error_cause text, error text, raw text, truncated bool, call_digest text
)
JOIN runs_chunk AS chunk ON chunk.id = row.chunk_id AND chunk.token = row.token AND chunk.state = 'leased'
FOR SHARE OF chunk
ON CONFLICT (run_id, example_id, repeat) DO NOTHING
"""


def store_outputs(rows: Collection[Row], finished: Collection[Lease], settled: Collection[Settlement] = ()) -> int:
    """Store the rows, settle what they cost, and mark done the chunks that end with them.

    Returns how many rows were new.
    """
    with transaction.atomic():
        stored = 0
        if settled:
            settle(settled)
        if rows:
            with connection.cursor() as cursor:
                cursor.execute(INSERT_OUTPUTS, {"rows": as_json(rows)})
                stored = cursor.rowcount
        if finished:
            finish(finished)
    return stored


def as_json(rows: Collection[Row]) -> str:
    """The rows as JSON text that PostgreSQL can store, whatever a model wrote."""
    try:
        text = orjson.dumps(rows).decode()
    except TypeError:  # half a character: orjson does not write it
        return orjson.dumps(storable(rows)).decode()
    return orjson.dumps(storable(rows)).decode() if "\\u0000" in text else text


def storable(value: Any) -> Any:
    """``value`` with what PostgreSQL has no place for, NUL and halves of characters, replaced by “�”, visibly."""
    if isinstance(value, str):
        return value.replace("\0", "�").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return value
