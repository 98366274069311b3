"""The line of an example in a version's download, and compact JSON: what the version's hash is taken over.

``request`` and ``expected`` come as JSON text and are put in as they are, so that the line made from an uploaded row
and the line made from the database are the same bytes, and uploading a download again gives the same hash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

CANONICAL_NAMES = ("id", "input", "expected_kind", "expected", "tags", "cluster", "metadata")


def canonical_line(
    *,
    key: str,
    request: bytes | str,
    expected_kind: str,
    expected: bytes | str | None,
    tags: Sequence[str],
    cluster: str,
    metadata: Mapping[str, Any] | bytes,
) -> bytes:
    """Return the example as one line of JSON in UTF-8, with its newline; empty parts are left out.

    ``request`` and ``expected`` are compact JSON text (``compact_json``), from the staged file or from a ``json``
    column; ``metadata`` is the value of a ``jsonb`` column, or what ``sorted_json`` made of it.
    """
    parts = [b'{"id":', orjson.dumps(key), b',"input":', as_bytes(request)]
    if expected_kind:
        parts += [b',"expected_kind":', orjson.dumps(expected_kind)]
        parts += [b',"expected":', b"null" if expected is None else as_bytes(expected)]
    if tags:
        parts += [b',"tags":', orjson.dumps(list(tags))]
    if cluster:
        parts += [b',"cluster":', orjson.dumps(cluster)]
    text = metadata if isinstance(metadata, bytes) else sorted_json(metadata)
    if text != b"{}":
        parts += [b',"metadata":', text]
    parts.append(b"}\n")
    return b"".join(parts)


def compact_json(value: Any) -> bytes:
    """Return ``value`` as JSON without spaces, keys in their order. Every exact JSON column is written with this."""
    return orjson.dumps(value)


def sorted_json(value: Any) -> bytes:
    """Return ``value`` as JSON without spaces, keys sorted at every depth."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def as_bytes(text: bytes | str) -> bytes:
    return text.encode() if isinstance(text, str) else text
