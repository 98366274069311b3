"""Production samples as examples: the lines that a draw stores."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import orjson
from django.db import connection

from evalhub.evalsets.files.canonical import canonical_line, compact_json, sorted_json
from evalhub.evalsets.files.copy_text import NULL, bytea, escape_json, escape_text, join_row, optional, text_array
from evalhub.evalsets.models import EvalSetVersion, ExpectedKind

SAMPLE_COLUMNS = "s.id, s.key, s.request::text, s.answer, s.tool_calls::text, s.tags, s.cluster, s.metadata::text"
COPY_EXAMPLES = """
    COPY evalsets_example (
        version_id, position, key, request, expected_kind, expected, tags, cluster, metadata, digest, sample_id,
        inclusion_probability
    ) FROM STDIN
"""
KEY_CHARACTERS = 200


def copy_examples(
    version: EvalSetVersion, batches: Iterable[list[tuple[Any, ...]]], *, answers_as_expected: bool
) -> None:
    """Store drawn samples, rows of the probability and SAMPLE_COLUMNS, as the version's examples, in their order."""
    position = 0
    keys: set[str] = set()
    for batch in batches:
        lines = []
        for probability, sample_id, key, *rest in batch:
            position += 1
            key = _free_key(key, sample_id, keys)
            lines.append(b"%d\t" % version.pk + _line(position, key, rest, sample_id, probability, answers_as_expected))
        with connection.cursor() as cursor, cursor.copy(COPY_EXAMPLES) as copy:
            copy.write(b"".join(lines))


def _free_key(key: str, sample_id: int, keys: set[str]) -> str:
    """Return the sample's id, or one made from it where two uploads used the same: ids are unique in a version."""
    while key in keys:
        ending = f"-{sample_id}"
        key = key[: KEY_CHARACTERS - len(ending)] + ending
    keys.add(key)
    return key


def _line(
    position: int, key: str, values: list[Any], sample_id: int, probability: float, answers_as_expected: bool
) -> bytes:
    request, answer, tool_calls, tags, cluster, metadata_text = values
    metadata = orjson.loads(metadata_text)
    kind, expected = answer_as_expected(answer, orjson.loads(tool_calls)) if answers_as_expected else ("", None)
    text = canonical_line(
        key=key,
        request=request,
        expected_kind=kind,
        expected=expected,
        tags=tags,
        cluster=cluster,
        metadata=metadata,
    )
    return join_row(
        (
            b"%d" % position,
            escape_text(key),
            escape_json(request.encode()),
            kind.encode(),
            NULL if expected is None else escape_json(expected),
            text_array(tags),
            escape_text(cluster),
            escape_json(sorted_json(metadata)),
            bytea(hashlib.sha256(text).digest()),
            b"%d" % sample_id,
            optional(probability),
        )
    )


def answer_as_expected(answer: str, tool_calls: list[dict[str, str]]) -> tuple[str, bytes | None]:
    """Return what production answered as an expected output: kind, and compact JSON; ("", None) if it answered nothing.

    Calls whose arguments are a JSON object become tool calls with one accepted value each, an answer that is a JSON
    object or list becomes JSON, any other is text. Nobody has looked at it: it says what was, not what is right.
    """
    if tool_calls:
        calls = [_accepted(call) for call in tool_calls]
        return ("", None) if None in calls else (ExpectedKind.TOOL_CALLS.value, compact_json(calls))
    if not answer.strip():
        return "", None
    if answer.lstrip().startswith(("{", "[")):
        try:
            return ExpectedKind.JSON.value, compact_json(orjson.loads(answer))
        except (orjson.JSONDecodeError, TypeError):  # TypeError: nested deeper than can be written
            pass
    return ExpectedKind.TEXT.value, compact_json(answer)


def _accepted(call: dict[str, str]) -> dict[str, Any] | None:
    try:
        arguments = orjson.loads(call["arguments"] or "{}")
    except orjson.JSONDecodeError:
        return None
    if not isinstance(arguments, dict):
        return None
    return {"name": call["name"], "arguments": {name: [value] for name, value in arguments.items()}, "optional": []}
