"""Rows as production samples."""

from __future__ import annotations

import hashlib
from typing import Any

from evalhub.evalsets.files import cells
from evalhub.evalsets.files.answers import read_answer
from evalhub.evalsets.files.canonical import compact_json, sorted_json
from evalhub.evalsets.files.copy_text import bytea, escape_json, escape_text, join_row, optional, text_array
from evalhub.evalsets.files.records import RequestReader
from evalhub.evalsets.files.row_shape import Row


class SampleReader(RequestReader):
    """Turns rows into production samples."""

    COLUMNS = (
        "key",
        "occurred_at",
        "request",
        "answer",
        "tool_calls",
        "model",
        "latency_ms",
        "prompt_tokens",
        "completion_tokens",
        "tags",
        "cluster",
        "metadata",
        "digest",
    )

    def copy_line(self, line: int, number: int, position: int, row: Row) -> bytes:
        key = self.key_of(row, number)
        request = self.request_of(row)
        answer = read_answer(self.columns["answer"].get(row), self._own(row))
        moment, model, latency = self.columns["time"], self.columns["model"], self.columns["latency_ms"]
        values = (
            escape_text(key),
            optional(cells.read_time(moment.get(row), moment.name)),
            escape_json(compact_json(request)),
            escape_text(answer.text),
            escape_json(compact_json(self.calls_in(answer.tool_calls))),
            escape_text(cells.read_name(model.get(row), model.name, self.limits.id_characters)),
            optional(cells.read_float(latency.get(row), latency.name)),
            optional(cells.read_count(answer.prompt_tokens, self.columns["prompt_tokens"].name)),
            optional(cells.read_count(answer.completion_tokens, self.columns["completion_tokens"].name)),
            text_array(self.tags_of(row)),
            escape_text(self.cluster_of(row)),
            escape_json(sorted_json(self.metadata_of(row))),
            # Sorted keys: the same question asked by two clients is one request, however they order its parts.
            bytea(hashlib.sha256(sorted_json(request)).digest()),
        )
        self.done(key, line)
        return join_row(values)

    def _own(self, row: Row) -> dict[str, Any]:
        return {field: self.columns[field].get(row) for field in ("tool_calls", "prompt_tokens", "completion_tokens")}
