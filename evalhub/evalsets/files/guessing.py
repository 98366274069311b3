"""Guess which column is what, by its name and by what stands in the first rows. The person corrects it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from evalhub.evalsets.files.canonical import CANONICAL_NAMES
from evalhub.evalsets.files.cells import is_absent
from evalhub.evalsets.files.columns import is_own_download, open_column, parse_column
from evalhub.evalsets.files.mapping import (
    EXPECTED_KINDS,
    GUESS_KIND,
    KIND_FROM_COLUMN,
    NO_EXPECTED,
    ExampleMapping,
    LabelMapping,
    Mapping,
    OutputMapping,
    SampleMapping,
    mapping_class,
)
from evalhub.evalsets.files.row_shape import Row
from evalhub.evalsets.files.tool_calls import NO_CALL, looks_like_calls
from evalhub.evalsets.numbers import NotOneNumber, read_number

ANSWERS = "output answer response completion text content message prediction generation model_output result"
NAMES = {
    "id": "id key example_id sample_id request_id question_id uuid uid custom_id name",
    "input": "input messages request prompt question query instruction user_message user_input text conversation body",
    "tools": "tools functions available_tools",
    "expected": "expected expected_output expected_answer expected_calls expected_tool_calls expected_response "
    "ground_truth reference reference_answer gold target ideal correct_answer answer label output",
    "expected_kind_column": "expected_kind",
    "tags": "tags tag labels categories category",
    "cluster": "cluster conversation_id conversation thread_id session_id customer_id customer user_id account_id "
    "group",
    "metadata_object": "metadata meta",
    "time": "time timestamp occurred_at created_at created date datetime started_at start_time ts",
    "answer": ANSWERS,
    "text": ANSWERS,
    "tool_calls": "tool_calls calls",
    "model": "model model_name model_id",
    "latency_ms": "latency_ms duration_ms total_ms latency",
    "prompt_tokens": "prompt_tokens input_tokens usage_prompt_tokens usage_input_tokens tokens_in",
    "completion_tokens": "completion_tokens output_tokens usage_completion_tokens usage_output_tokens tokens_out",
    "repeat": "repeat sample_index attempt epoch run_index",
    "finish_reason": "finish_reason stop_reason",
    "cost": "cost cost_usd total_cost price",
    "first_token_ms": "first_token_ms ttft_ms time_to_first_token_ms",
    "total_ms": "total_ms latency_ms duration_ms",
    "error": "error error_message exception",
    "output": "output_id",
    "candidate": "candidate candidate_name model model_name model_id",
    "run": "run run_id",
    "reviewer": "reviewer reviewer_email annotator annotator_email labeller labeler rater worker worker_id user email",
    "outcome": "outcome verdict passed pass label result",
    "error_types": "error_types error_type errors failure_modes failure_mode categories category tags",
    "severity": "severity",
    "fault": "fault",
    "failing_step": "failing_step",
    "note": "note notes comment comments critique explanation rationale reason",
}
OUTPUT_IDS = "example_id id key sample_id custom_id question_id uuid"
SHORT_NUMBER = re.compile(r"[\s#$€£%]*[-+−]?[\s#$€£]*[\d.,  ']+\s*%?\s*")
METADATA_CHARACTERS = 200
LONGEST_NUMBER = 40
SCALARS = (str, int, float)


def guess_mapping(purpose: str, columns: Sequence[str], rows: Sequence[Row], *, is_flat: bool = False) -> Mapping:
    """Return the likeliest mapping of a file with these columns (see ``list_columns``) and first rows."""
    kind = mapping_class(purpose)
    if kind is ExampleMapping and is_own_download(rows) and set(columns) == set(CANONICAL_NAMES):
        return ExampleMapping(
            id="id",
            input="input",
            expected="expected",
            expected_kind=KIND_FROM_COLUMN,
            expected_kind_column="expected_kind",
            tags="tags",
            cluster="cluster",
            metadata_object="metadata",
        )
    guess = _Guess(columns, rows, is_flat)
    if kind is OutputMapping:
        return _guess_outputs(guess)
    if kind is LabelMapping:
        return _guess_labels(guess)
    return _guess_examples(guess) if kind is ExampleMapping else _guess_samples(guess)


class _Guess:
    """Columns that are still free, by name, with their values in the first rows."""

    def __init__(self, columns: Sequence[str], rows: Sequence[Row], is_flat: bool) -> None:
        self.columns = list(columns)
        self.values: dict[str, list[Any]] = {}
        for column in columns:
            get = open_column(column, is_flat=is_flat).get
            found = [get(row) for row in rows]
            self.values[column] = [value for value in found if not (is_absent(value) or value == [] or value == {})]
        self.tops = {column: column if is_flat else parse_column(column)[0] for column in columns}
        self.row_count = len(rows)
        self.free = dict.fromkeys(columns)

    def take(self, field: str, fits: Callable[[list[Any]], bool] = bool, names: str = "") -> str:
        """Return the first free column of a usual name whose values fit; "" if there is none."""
        by_name: dict[str, str] = {}
        for column in self.free:
            by_name.setdefault(_plain(column), column)
        for name in (names or NAMES[field]).split():
            column = by_name.get(name, "")
            if column and fits(self.values[column]):
                del self.free[column]
                return column
        return ""

    def take_all(self, fields: Iterable[str]) -> dict[str, str]:
        return {field: self.take(field, _are_scalars) for field in fields}

    def short_ones(self) -> tuple[str, ...]:
        """Return the free columns that hold nothing but short single values, which is what metadata is good for.

        Fields inside an object that is taken as a whole are not among them.
        """
        taken = {self.tops[column] for column in self.columns if column not in self.free}
        return tuple(
            column
            for column in self.free
            if self.tops[column] not in taken and self.values[column] and all(map(_is_short, self.values[column]))
        )

    def is_id(self, values: list[Any]) -> bool:
        return _are_scalars(values) and len(values) == len(set(map(str, values))) == self.row_count


def _guess_examples(guess: _Guess) -> ExampleMapping:
    taken: dict[str, Any] = {"id": guess.take("id", guess.is_id), "input": guess.take("input")}
    if not taken["input"] and len(guess.columns) == 1:
        taken["input"] = guess.columns[0]
        guess.free.clear()
    taken["expected"] = guess.take("expected")
    taken["expected_kind_column"] = guess.take("expected_kind_column", _are_kinds) if taken["expected"] else ""
    kind = _guess_kind(guess.values.get(taken["expected"], []))
    if taken["expected_kind_column"]:
        kind = KIND_FROM_COLUMN
    taken |= {"tools": guess.take("tools"), "tags": guess.take("tags"), "cluster": guess.take("cluster", _are_scalars)}
    taken["metadata_object"] = guess.take("metadata_object", _are_objects)
    return ExampleMapping(
        **taken, expected_kind=kind if taken["expected"] else NO_EXPECTED, metadata=guess.short_ones()
    )


def _guess_samples(guess: _Guess) -> SampleMapping:
    taken: dict[str, Any] = {"id": guess.take("id", guess.is_id)}
    taken |= {name: guess.take(name) for name in ("input", "answer")}
    taken |= {name: guess.take(name) for name in ("tools", "tool_calls", "tags")}
    taken |= guess.take_all(("time", "model", "latency_ms", "prompt_tokens", "completion_tokens", "cluster"))
    taken["metadata_object"] = guess.take("metadata_object", _are_objects)
    return SampleMapping(**taken, metadata=guess.short_ones())


def _guess_outputs(guess: _Guess) -> OutputMapping:
    taken = {"id": guess.take("id", _are_scalars, OUTPUT_IDS), "text": guess.take("text")}
    taken["tool_calls"] = guess.take("tool_calls")
    fields = ("repeat", "finish_reason", "prompt_tokens", "completion_tokens", "cost")
    taken |= guess.take_all((*fields, "first_token_ms", "total_ms", "error"))
    return OutputMapping(**taken)


def _guess_labels(guess: _Guess) -> LabelMapping:
    taken = guess.take_all(("output", "reviewer", "outcome")) | {"id": guess.take("id", _are_scalars, OUTPUT_IDS)}
    taken["error_types"] = guess.take("error_types")
    taken |= guess.take_all(("repeat", "candidate", "run", "severity", "fault", "failing_step", "note"))
    return LabelMapping(**taken, makes_people=False, makes_types=False)


def _guess_kind(values: list[Any]) -> str:
    """Return the one kind that all values have, or “guess”."""
    if not values:
        return GUESS_KIND
    for kind, fits in (
        ("number", _is_number),
        ("tool_calls", lambda value: looks_like_calls(value) or _says_no_call(value)),
        ("json", lambda value: isinstance(value, dict | list)),
        ("text", lambda value: isinstance(value, str) and not value.lstrip().startswith(("{", "["))),
    ):
        if all(fits(value) for value in values):
            return kind
    return GUESS_KIND


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int | float):
        return True
    if not isinstance(value, str) or len(value) > LONGEST_NUMBER or not SHORT_NUMBER.fullmatch(value):
        return False
    try:
        read_number(value)
    except NotOneNumber:
        return False
    return True


def _says_no_call(value: Any) -> bool:
    return isinstance(value, str) and value.strip().lower() in NO_CALL


def _plain(column: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")


def _are_scalars(values: list[Any]) -> bool:
    return bool(values) and all(isinstance(value, SCALARS) for value in values)


def _are_objects(values: list[Any]) -> bool:
    return bool(values) and all(isinstance(value, dict) or str(value).lstrip().startswith("{") for value in values)


def _are_kinds(values: list[Any]) -> bool:
    return bool(values) and all(value in EXPECTED_KINDS for value in values if isinstance(value, str))


def _is_short(value: Any) -> bool:
    return isinstance(value, SCALARS) and len(str(value)) <= METADATA_CHARACTERS
