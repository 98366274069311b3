"""What changed between two versions of an eval set: added, removed and changed examples, by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from evalhub.evalsets.conversation import indented, transcript
from evalhub.evalsets.models import EvalSetVersion, Example
from evalhub.web.differences import ShownPiece, with_gaps, word_difference

COUNT = """
    SELECT count(*) FILTER (WHERE old.key IS NULL), count(*) FILTER (WHERE new.key IS NULL),
        count(*) FILTER (WHERE old.digest <> new.digest), count(*) FILTER (WHERE old.digest = new.digest)
    FROM (SELECT key, digest FROM evalsets_example WHERE version_id = %s) AS old
    FULL JOIN (SELECT key, digest FROM evalsets_example WHERE version_id = %s) AS new USING (key)
"""


Part = tuple[str, list[ShownPiece]]
"""What it is, and its pieces."""


@dataclass(frozen=True)
class Counts:
    added: int
    removed: int
    changed: int
    same: int


@dataclass(frozen=True)
class ChangedExample:
    """An example of both versions whose content differs; ``parts`` are only those that do, with their pieces."""

    example: Example
    parts: list[Part]


def count_changes(old: EvalSetVersion, new: EvalSetVersion) -> Counts:
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [old.pk, new.pk])
        return Counts(*cursor.fetchone())


def only_in(version: EvalSetVersion, other: EvalSetVersion) -> QuerySet[Example]:
    """Return the examples of ``version`` whose id the other does not have."""
    return version.examples.exclude(Exists(other.examples.filter(key=OuterRef("key"))))


def changed_in(new: EvalSetVersion, old: EvalSetVersion) -> QuerySet[Example]:
    """Return the examples of ``new`` that are in ``old`` under the same id with another content."""
    before = old.examples.filter(key=OuterRef("key")).exclude(digest=OuterRef("digest"))
    return new.examples.filter(Exists(before))


def differences(examples: Sequence[Example], old: EvalSetVersion) -> list[ChangedExample]:
    """Return what changed in each example since ``old``, in one query for all."""
    before = {example.key: example for example in old.examples.filter(key__in=[example.key for example in examples])}
    return [
        ChangedExample(example, _changed_parts(before[example.key], example))
        for example in examples
        if example.key in before
    ]


def _changed_parts(old: Example, new: Example) -> list[Part]:
    texts = zip(_texts(old), _texts(new), strict=True)
    return [
        (name, with_gaps(word_difference(before, after))) for (name, before), (_, after) in texts if before != after
    ]


def _texts(example: Example) -> list[tuple[str, str]]:
    return [
        ("Request", transcript(example.request)),
        ("Expected", _expected_text(example.expected_kind, example.expected)),
        ("Tags", ", ".join(example.tags)),
        ("Conversation or customer", example.cluster),
        ("Metadata", indented(example.metadata) if example.metadata else ""),
    ]


def _expected_text(kind: str, expected: Any) -> str:
    if not kind:
        return ""
    return str(expected) if kind == "text" else f"{kind.replace('_', ' ')}: {indented(expected)}"
