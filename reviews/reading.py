"""What stands on the reviewer's desk for one item."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from evalhub.checks.answers import as_answer
from evalhub.checks.kinds.json_text import find_json
from evalhub.checks.models import Score
from evalhub.evalsets.models import ExpectedKind
from evalhub.projects.models import User
from evalhub.runs.models import Output
from evalhub.web.differences import word_difference
from reviews.models import Label, Reason, ReviewItem
from reviews.rounds import baseline_run_of
from taxonomy.models import ErrorType
from taxonomy.tree import in_tree_order

# The digits, then the row of letters below them; none of these letters is a key of the desk.
TYPE_KEYS = "1234567890qwerty"


@dataclass(frozen=True)
class TypeChoice:
    """An error type on the desk: a heading when others stand below it, else a control with a key if any is left."""

    error_type: ErrorType
    depth: int
    is_heading: bool
    key: str


def type_choices(types: Sequence[ErrorType]) -> list[TypeChoice]:
    """The active error types in tree order. ``types`` come in the order that the lead gave them."""
    by_key = {error_type.pk: error_type for error_type in types}
    parents = {key: error_type.parent_id for key, error_type in by_key.items()}
    headings = set(parents.values())
    keys = iter(TYPE_KEYS)
    return [
        TypeChoice(by_key[key], depth, key in headings, "" if key in headings else next(keys, ""))
        for key, depth in in_tree_order(parents, by_key)
    ]


@dataclass(frozen=True)
class Reading:
    """One item with everything that a person needs to decide, and nothing that names the candidate."""

    item: ReviewItem
    difference: Sequence[tuple[str, str]]
    failed_scores: Sequence[Score]
    baseline_output: Output | None
    own_label: Label | None
    own_types: set[int] = field(default_factory=set)

    @property
    def output(self) -> Output:
        return self.item.output


def read_item(item: ReviewItem, reviewer: User) -> Reading:
    """Gather the item's request, answer, what differs and what the checks say, and the reviewer's own label if any."""
    output = item.output
    label = item.labels.filter(reviewer=reviewer).prefetch_related("error_types").first()
    return Reading(
        item=item,
        difference=difference_from_expected(output),
        failed_scores=list(
            Score.objects.filter(output=output, outcome=Score.Outcome.FAILED, by__retired_at=None).select_related("by")
        ),
        baseline_output=baseline_output_of(output) if Reason.DIFFERS in item.reasons else None,
        own_label=label,
        own_types={error_type.pk for error_type in label.error_types.all()} if label else set(),
    )


def baseline_output_of(output: Output) -> Output | None:
    run = baseline_run_of(output.run)
    return run.outputs.filter(example_id=output.example_id, repeat=output.repeat).first() if run else None


def difference_from_expected(output: Output) -> Sequence[tuple[str, str]]:
    """Expected → answer, word by word; empty when there is nothing to compare or nothing differs."""
    example = output.example
    if output.error_cause or example.expected_kind == ExpectedKind.NONE:
        return []
    expected, answer = comparable_texts(example.expected_kind, example.expected, output)
    return [] if expected == answer else word_difference(expected, answer)


def comparable_texts(kind: str, expected: Any, output: Output) -> tuple[str, str]:
    """Both sides in one spelling, so that only what matters differs: JSON pretty with sorted keys, calls one a line."""
    if kind == ExpectedKind.TOOL_CALLS:
        made = as_answer(output.text, output.tool_calls).tool_calls
        return expected_calls_text(expected), "\n".join(call_text(call.name, call.arguments) for call in made)
    if kind == ExpectedKind.JSON:
        found = find_json(output.text)
        return pretty(expected), pretty(found.value) if found.is_clear else output.text.strip()
    return str(expected), output.text.strip()


def pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)


def call_text(name: str, arguments: str) -> str:
    found = find_json(arguments or "{}")
    return f"{name} {pretty(found.value) if found.is_clear else arguments}"


def expected_calls_text(calls: Sequence[dict[str, Any]]) -> str:
    """The accepted calls as they would be made with the first accepted value of each argument."""
    return "\n".join(
        f"{call['name']} "
        + pretty(
            {
                name: values[0]
                for name, values in call["arguments"].items()
                if values and name not in call.get("optional", [])
            }
        )
        for call in calls
    )
