"""Rows as outputs of one candidate that were recorded elsewhere."""

from __future__ import annotations

from evalhub.evalsets.files import cells
from evalhub.evalsets.files.answers import Answer, read_answer
from evalhub.evalsets.files.canonical import compact_json
from evalhub.evalsets.files.columns import MISSING
from evalhub.evalsets.files.copy_text import escape_json, escape_text, join_row, optional
from evalhub.evalsets.files.faults import cell_fault, shown
from evalhub.evalsets.files.records import RecordReader
from evalhub.evalsets.files.row_shape import Row

FIRST_REPEAT = 1
LONGEST_FINISH_REASON = 40


class OutputReader(RecordReader):
    """Turns rows into recorded outputs. Whether the examples exist is for the import to say."""

    COLUMNS = (
        "key",
        "repeat",
        "text",
        "tool_calls",
        "finish_reason",
        "prompt_tokens",
        "completion_tokens",
        "cost",
        "first_token_ms",
        "total_ms",
        "error",
    )

    def copy_line(self, line: int, number: int, position: int, row: Row) -> bytes:
        key = self.read_id(row)
        repeat = cells.read_count(self.columns["repeat"].get(row), self.columns["repeat"].name, least=1) or FIRST_REPEAT
        identity = f"{repeat} {key}"
        self._check_new(identity, key, repeat)
        error = cells.read_text(self.columns["error"].get(row))
        answer = self._answer_of(row, error)
        first_token, total, cost = self.columns["first_token_ms"], self.columns["total_ms"], self.columns["cost"]
        finish_reason = cells.read_name(answer.finish_reason, self.columns["finish_reason"].name, LONGEST_FINISH_REASON)
        values = (
            escape_text(key),
            b"%d" % repeat,
            escape_text(answer.text),
            escape_json(compact_json(self.calls_in(answer.tool_calls))),
            escape_text(finish_reason),
            optional(cells.read_count(answer.prompt_tokens, self.columns["prompt_tokens"].name)),
            optional(cells.read_count(answer.completion_tokens, self.columns["completion_tokens"].name)),
            optional(cells.read_cost(cost.get(row), cost.name)),
            optional(cells.read_float(first_token.get(row), first_token.name)),
            optional(cells.read_float(total.get(row), total.name)),
            escape_text(error),
        )
        self.lines_of_keys[identity] = line
        return join_row(values)

    def _check_new(self, identity: str, key: str, repeat: int) -> None:
        first = self.lines_of_keys.get(identity)
        if first is not None:
            what = (
                f"is {shown(key)} with repeat {repeat}, as in {self.shape.unit} {first:,} already. Remove one of them"
            )
            raise cell_fault(self._id.name, f"{what}, or map the column that holds the repeat", "Duplicate output")

    def _answer_of(self, row: Row, error: str) -> Answer:
        text, calls = self.columns["text"], self.columns["tool_calls"]
        value = text.get(row)
        if value is MISSING and calls.get(row) is MISSING and not error:
            name = text.name if text.is_mapped else calls.name
            raise cell_fault(name, "is missing. Add the output, or map another column to it", "Output is missing")
        return read_answer(value, {field: self.columns[field].get(row) for field in Answer._fields if field != "text"})
