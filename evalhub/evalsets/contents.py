"""The examples of a version as the lines of its download, and what can be counted over them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, cast

import orjson
import psycopg
from django.db import connection, transaction

from evalhub.evalsets.files.canonical import canonical_line
from evalhub.evalsets.models import EvalSetVersion

ROWS_AT_ONCE = 2_000
TAGS_LISTED = 100

LINES = """
    SELECT key, request::text, expected_kind, expected::text, tags, cluster, metadata::text
    FROM evalsets_example WHERE version_id = %s ORDER BY position
"""
COUNTS = """
    SELECT count(*), count(DISTINCT cluster) FILTER (WHERE cluster <> ''),
        percentile_disc(ARRAY[0.5, 0.95, 1]) WITHIN GROUP (ORDER BY length(request::text))
    FROM evalsets_example WHERE version_id = %s
"""
KINDS = "SELECT expected_kind, count(*) FROM evalsets_example WHERE version_id = %s GROUP BY 1 ORDER BY 2 DESC, 1"
TAGS = """
    SELECT tag, count(*) FROM evalsets_example, unnest(tags) AS tag WHERE version_id = %s
    GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s
"""


def blocks_of(version: EvalSetVersion) -> Iterator[bytes]:
    """Yield the version's download, some thousand lines at a time, in a transaction of its own.

    The rows come through a cursor on the server, so memory stays flat whatever the version's size.
    """
    with transaction.atomic():
        raw = cast("psycopg.Connection[Any]", connection.connection)
        with raw.cursor(name="version_content") as rows:
            rows.itersize = ROWS_AT_ONCE
            rows.execute(LINES, [version.pk])
            while batch := rows.fetchmany(ROWS_AT_ONCE):
                yield b"".join(line_of(*row) for row in batch)


def hash_of(version: EvalSetVersion) -> str:
    """Return the SHA-256 of the version's download, in hexadecimal."""
    digest = hashlib.sha256()
    for block in blocks_of(version):
        digest.update(block)
    return digest.hexdigest()


def facts_of(version: EvalSetVersion) -> dict[str, Any]:
    """Return counts over the version's examples.

    ``{"examples", "clusters": int, "lengths": [median, 95th percentile, longest], "kinds": {kind: n},
    "tags": [[tag, n]]}``; lengths are characters of the request as JSON, tags the TAGS_LISTED most frequent.
    """
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, [version.pk])
        examples, clusters, lengths = cursor.fetchone()
        cursor.execute(KINDS, [version.pk])
        kinds = dict(cursor.fetchall())
        cursor.execute(TAGS, [version.pk, TAGS_LISTED])
        tags = [list(row) for row in cursor.fetchall()]
    return {"examples": examples, "clusters": clusters, "lengths": lengths or [], "kinds": kinds, "tags": tags}


def line_of(
    key: str, request: str, expected_kind: str, expected: str | None, tags: list[str], cluster: str, metadata: str
) -> bytes:
    """Return the line of one example; ``request``, ``expected`` and ``metadata`` are JSON text from the database."""
    return canonical_line(
        key=key,
        request=request,
        expected_kind=expected_kind,
        expected=expected,
        tags=tags,
        cluster=cluster,
        metadata=orjson.loads(metadata) if metadata != "{}" else {},
    )
