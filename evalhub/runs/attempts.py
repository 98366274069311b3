"""Calls are written down before they are made, with what each could cost at most, and crossed out when they are over.

So a crash leaves behind which calls may have been billed, and a run with a budget begins no call that it could not pay.
Every statement here can be repeated: a call that is written down already, or crossed out, changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
from django.db import connection, transaction

from evalhub.runs.chunks import Item, Lease

BEGIN = """
UPDATE runs_chunk AS chunk SET called = chunk.called || row.examples
FROM json_to_recordset(%(wanted)s::json) AS row (chunk bigint, token bigint, examples bigint[])
WHERE chunk.id = row.chunk AND chunk.token = row.token AND chunk.state = 'leased'
    AND EXISTS (SELECT FROM runs_run WHERE id = %(run)s AND state = 'running')
RETURNING chunk.id
"""
BEGIN_WITHIN_BUDGET = """
WITH purse AS (
    SELECT budget - spent - reserved AS left_over FROM runs_run
    WHERE id = %(run)s AND state = 'running' FOR UPDATE
), wanted AS (
    SELECT row.place, row.example, row.amount, chunk.id AS chunk, row.example = ANY(chunk.called) AS is_begun
    FROM json_to_recordset(%(wanted)s::json)
        AS row (place int, chunk bigint, token bigint, example bigint, amount numeric)
    JOIN runs_chunk AS chunk ON chunk.id = row.chunk AND chunk.token = row.token AND chunk.state = 'leased'
), summed AS (
    SELECT wanted.*, sum(CASE WHEN is_begun THEN 0 ELSE amount END) OVER (ORDER BY place) AS so_far FROM wanted
), granted AS (
    SELECT summed.* FROM summed JOIN purse ON is_begun OR so_far <= left_over
), marked AS (
    UPDATE runs_chunk AS chunk SET called = chunk.called || new.examples, reserved = chunk.reserved + new.amount
    FROM (
        SELECT chunk, array_agg(example) AS examples, sum(amount) AS amount
        FROM granted WHERE NOT is_begun GROUP BY chunk
    ) AS new
    WHERE chunk.id = new.chunk
), paid AS (
    UPDATE runs_run SET reserved = reserved + new.amount
    FROM (SELECT sum(amount) AS amount FROM granted WHERE NOT is_begun) AS new
    WHERE id = %(run)s AND new.amount > 0
)
SELECT place FROM granted
"""
SETTLE = """
WITH told AS (
    SELECT chunk.id AS chunk, sum(row.reserved) AS reserved, sum(row.spent) AS spent, array_agg(row.example) AS examples
    FROM json_to_recordset(%(settled)s::json)
        AS row (chunk bigint, token bigint, example bigint, reserved numeric, spent numeric)
    JOIN runs_chunk AS chunk ON chunk.id = row.chunk AND chunk.token = row.token AND chunk.state = 'leased'
        AND row.example = ANY(chunk.called)
    GROUP BY chunk.id
), crossed_out AS (
    UPDATE runs_chunk AS chunk SET reserved = chunk.reserved - told.reserved,
        called = ARRAY(SELECT unnest(chunk.called) EXCEPT SELECT unnest(told.examples))
    FROM told WHERE chunk.id = told.chunk AND chunk.state = 'leased'
    RETURNING chunk.run_id, told.reserved, told.spent
)
UPDATE runs_run AS run SET reserved = run.reserved - sums.reserved, spent = run.spent + sums.spent
FROM (SELECT run_id, sum(reserved) AS reserved, sum(spent) AS spent FROM crossed_out GROUP BY run_id) AS sums
WHERE run.id = sums.run_id AND run.budget IS NOT NULL
"""


@dataclass(slots=True, frozen=True)
class Settlement:
    """A call that is over: what had been reserved for it is free again, but for what it cost."""

    item: Item
    reserved: Decimal
    spent: Decimal


def begin(run_id: int, wanted: Collection[Item], has_budget: bool) -> set[int]:
    """Write down that these items are about to be called, each with its ``reserve``.

    Returns the places of those that may be called, in the order given: none if the run is not running any more, none of
    a chunk that is another worker's now, and only as many as the run's budget has room for.
    """
    return begin_within_budget(run_id, wanted) if has_budget else begin_all(run_id, wanted)


def begin_all(run_id: int, wanted: Collection[Item]) -> set[int]:
    examples: dict[Lease, list[int]] = {}
    for item in wanted:
        examples.setdefault(item.lease, []).append(item.example_id)
    rows = [{"chunk": lease.chunk_id, "token": lease.token, "examples": called} for lease, called in examples.items()]
    with connection.cursor() as cursor:
        cursor.execute(BEGIN, {"run": run_id, "wanted": as_json(rows)})
        ours = {row[0] for row in cursor}
    return {place for place, item in enumerate(wanted) if item.lease.chunk_id in ours}


def begin_within_budget(run_id: int, wanted: Collection[Item]) -> set[int]:
    rows = [
        {
            "place": place,
            "chunk": item.lease.chunk_id,
            "token": item.lease.token,
            "example": item.example_id,
            "amount": str(item.reserve),
        }
        for place, item in enumerate(wanted)
    ]
    with connection.cursor() as cursor:
        cursor.execute(BEGIN_WITHIN_BUDGET, {"run": run_id, "wanted": as_json(rows)})
        return {row[0] for row in cursor}


def settle(settled: Collection[Settlement]) -> None:
    """Cross out calls that are over; those of a chunk that is another worker's now were told to be lost already."""
    rows = [
        {
            "chunk": each.item.lease.chunk_id,
            "token": each.item.lease.token,
            "example": each.item.example_id,
            "reserved": str(each.reserved),
            "spent": str(each.spent),
        }
        for each in settled
    ]
    with connection.cursor() as cursor:
        cursor.execute(SETTLE, {"settled": as_json(rows)})


@transaction.atomic
def settle_and_begin(
    run_id: int, settled: Collection[Settlement], wanted: Collection[Item], has_budget: bool
) -> set[int]:
    """Both in one transaction, in this order: what is called again was crossed out before."""
    if settled:
        settle(settled)
    return begin(run_id, wanted, has_budget)


def as_json(rows: list[dict[str, Any]]) -> str:
    return orjson.dumps(rows).decode()
