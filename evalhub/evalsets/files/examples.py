"""Rows as examples of an eval set."""

from __future__ import annotations

import hashlib

from evalhub.evalsets.files.canonical import canonical_line, compact_json, sorted_json
from evalhub.evalsets.files.cells import is_absent
from evalhub.evalsets.files.copy_text import NULL, bytea, escape_json, escape_text, join_row, text_array
from evalhub.evalsets.files.expected_values import NONE_GIVEN, Expected, read_expected, read_kind
from evalhub.evalsets.files.faults import cell_fault, shown
from evalhub.evalsets.files.limits import Limits
from evalhub.evalsets.files.mapping import KIND_FROM_COLUMN, NO_EXPECTED, ExampleMapping
from evalhub.evalsets.files.records import RequestReader, Shape
from evalhub.evalsets.files.row_shape import Row


class ExampleReader(RequestReader):
    """Turns rows into examples; ``content_hash`` is the SHA-256 of the download that the good ones so far make."""

    COLUMNS = ("position", "key", "request", "expected_kind", "expected", "tags", "cluster", "metadata", "digest")

    def __init__(self, mapping: ExampleMapping, shape: Shape, limits: Limits) -> None:
        super().__init__(mapping, shape, limits)
        self._kind = mapping.expected_kind
        self._expected, self._kind_column = self.columns["expected"], self.columns["expected_kind_column"]
        self._hash = hashlib.sha256()

    @property
    def content_hash(self) -> str:
        return self._hash.hexdigest()

    def copy_line(self, line: int, number: int, position: int, row: Row) -> bytes:
        key = self.key_of(row, number)
        request = compact_json(self.request_of(row))
        kind, expected = self._expected_of(row)
        tags, cluster, metadata = self.tags_of(row), self.cluster_of(row), sorted_json(self.metadata_of(row))
        text = canonical_line(
            key=key,
            request=request,
            expected_kind=kind,
            expected=expected,
            tags=tags,
            cluster=cluster,
            metadata=metadata,
        )
        self.done(key, line)
        self._hash.update(text)
        return join_row(
            (
                b"%d" % position,
                escape_text(key),
                escape_json(request),
                kind.encode(),
                NULL if expected is None else escape_json(expected),
                text_array(tags),
                escape_text(cluster),
                escape_json(metadata),
                bytea(hashlib.sha256(text).digest()),
            )
        )

    def _expected_of(self, row: Row) -> Expected:
        if self._kind == NO_EXPECTED:
            return NONE_GIVEN
        value, column = self._expected.get(row), self._expected.name
        if self._kind != KIND_FROM_COLUMN:
            return read_expected(value, self._kind, column, self.parse)
        kind = read_kind(self._kind_column.get(row), self._kind_column.name)
        if kind:
            return read_expected(value, kind, column, self.parse, is_exact=self.shape.is_exact)
        if is_absent(value):
            return NONE_GIVEN
        what = (
            f"is given, but {shown(self._kind_column.name)} is empty. Write its kind: text, number, json or tool_calls"
        )
        raise cell_fault(column, what, "Expected without a kind")
