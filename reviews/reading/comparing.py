"""What differs between two answers, or an answer and the expected one, short enough to be read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import Any, Literal

from evalhub.checks.answers import as_answer
from evalhub.checks.kinds.json_text import find_json
from evalhub.checks.kinds.json_values import comparable
from evalhub.evalsets.models import ExpectedKind
from evalhub.runs.models import Output
from evalhub.web.differences import word_difference

LONGEST_AT_ONCE = 16_000
"""Characters of both sides together: the difference of longer ones is made when somebody asks for it."""
MOST_UNASKED = 2_500
"""Characters of a difference that stands open: what is longer waits until it is asked for."""
KEPT_AROUND = 160
LONGEST_CHANGE = 1_500
TELLING = 0.3
"""Share of the longer side that is the same: below it two texts are told apart better side by side."""

ShownKind = Literal["same", "old", "new", "gap"]
ShownPiece = tuple[ShownKind, str]


@dataclass(frozen=True)
class Difference:
    """Two texts in one spelling, the first of which comes to be the second. ``part`` names it in an address.

    ``only_old`` and ``only_new`` say in words what stands in one of them only.
    """

    old: str
    new: str
    part: str
    only_old: str = ""
    only_new: str = ""
    is_prose: bool = True

    @property
    def is_fetched(self) -> bool:
        """Whether it is made when it is opened, not with the page."""
        return len(self.old) + len(self.new) > LONGEST_AT_ONCE

    @cached_property
    def pieces(self) -> list[tuple[Literal["same", "old", "new"], str]]:
        return word_difference(self.old, self.new)

    @cached_property
    def shown(self) -> list[ShownPiece]:
        return list(shortened(self.pieces))

    @property
    def is_telling(self) -> bool:
        """Whether so much is the same that the difference says more than both texts beside each other."""
        if self.is_fetched or sum(len(text) for _, text in self.shown) > MOST_UNASKED:
            return False
        same = sum(len(text.strip()) for kind, text in self.pieces if kind == "same")
        return same >= TELLING * max(len(self.old), len(self.new))


def shortened(pieces: Sequence[tuple[Literal["same", "old", "new"], str]]) -> Iterator[ShownPiece]:
    """The pieces with what is the same cut to the lines or words beside a change, and long changes to their beginning.

    A “gap” says in words what is left out.
    """
    last = len(pieces) - 1
    for place, (kind, text) in enumerate(pieces):
        if kind != "same":
            yield kind, text[:LONGEST_CHANGE]
            if len(text) > LONGEST_CHANGE:
                yield "gap", f"{len(text) - LONGEST_CHANGE:,} more characters {'gone' if kind == 'old' else 'new'}"
            continue
        head = first_part(text) if place > 0 else ""
        tail = first_part(text[::-1])[::-1] if place < last else ""
        left_out = len(text) - len(head) - len(tail)
        if left_out <= KEPT_AROUND:
            yield "same", text
            continue
        if head:
            yield "same", head
        yield "gap", f"{left_out:,} characters the same"
        if tail:
            yield "same", tail


def first_part(text: str) -> str:
    """About KEPT_AROUND characters, to the end of a line if one is near, else of a word."""
    if len(text) <= KEPT_AROUND:
        return text
    for mark in ("\n", " "):
        end = text.find(mark, KEPT_AROUND // 2, KEPT_AROUND * 2)
        if end >= 0:
            return text[:end]
    return text[:KEPT_AROUND]


def from_expected(output: Output) -> Difference | None:
    """Expected → answer; None when there is nothing to compare or nothing differs."""
    example = output.example
    if output.error_cause or example.expected_kind == ExpectedKind.NONE:
        return None
    expected, answer = comparable_texts(example.expected_kind, example.expected, output)
    is_prose = example.expected_kind == ExpectedKind.TEXT
    difference = Difference(expected, answer, "difference", "only expected", "only in the answer", is_prose)
    return difference if expected != answer else None


def between_answers(other: Output, labelled: Output) -> Difference | None:
    """The other answer → the one to label, as from the expected one; None when one is missing or nothing differs."""
    if other.error_cause or labelled.error_cause:
        return None
    found = find_json(other.text)
    old, new = answer_text(other), answer_text(labelled, found.value if found.is_clear else None)
    is_prose = not (found.is_clear or other.tool_calls or labelled.tool_calls)
    if old == new:
        return None
    return Difference(old, new, "other-difference", "only in the other answer", "only in the answer", is_prose)


def comparable_texts(kind: str, expected: Any, output: Output) -> tuple[str, str]:
    """Both sides in one spelling, so that only what matters differs: JSON pretty, its fields in the expected order."""
    if kind == ExpectedKind.TOOL_CALLS:
        return expected_calls_text(expected, output), calls_text(output)
    if kind == ExpectedKind.JSON:
        return pretty(expected), json_or_text(output.text, expected)
    return str(expected), output.text.strip()


def answer_text(output: Output, model: Any = None) -> str:
    """An answer in the spelling in which it is compared with another: its text, then its calls."""
    return "\n".join(filter(None, [json_or_text(output.text, model), calls_text(output)]))


def json_or_text(text: str, model: Any = None) -> str:
    found = find_json(text)
    return pretty(in_order_of(model, found.value)) if found.is_clear else text.strip()


def in_order_of(model: Any, value: Any) -> Any:
    """JSON with its fields in the order in which ``model`` has them, others after them: their order says nothing."""
    if isinstance(model, dict) and isinstance(value, dict):
        names = [*(name for name in model if name in value), *(name for name in value if name not in model)]
        return {name: in_order_of(model.get(name), value[name]) for name in names}
    if isinstance(model, list) and isinstance(value, list):
        return [in_order_of(one, other) for one, other in zip_longest(model, value)][: len(value)]
    return value


def calls_text(output: Output) -> str:
    made = as_answer(output.text, output.tool_calls).tool_calls
    return "\n".join(call_text(call.name, call.arguments) for call in made)


def pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def call_text(name: str, arguments: str) -> str:
    """A call as people write it, its arguments by name."""
    found = find_json(arguments or "{}")
    if not found.is_clear:
        return f"{name} {arguments}"
    given = found.value
    return f"{name} {pretty(dict(sorted(given.items())) if isinstance(given, dict) else given)}"


def expected_calls_text(calls: Sequence[dict[str, Any]], output: Output) -> str:
    """The accepted calls as the answer would have made them: what it got right, by any accepted value, is no change."""
    made = [(call.name, call.arguments) for call in as_answer(output.text, output.tool_calls).tool_calls]
    texts = []
    for call in calls:
        match = next((pair for pair in made if pair[0] == call["name"]), None)
        if match:
            made.remove(match)
        texts.append(f"{call['name']} {pretty(accepted_arguments(call, match[1] if match else ''))}")
    return "\n".join(texts)


def accepted_arguments(call: dict[str, Any], made: str) -> dict[str, Any]:
    """For each argument the value that the call was made with if it is accepted, else the first that is.

    An argument that may be absent is left out where the call leaves it out.
    """
    found = find_json(made)
    given = found.value if found.is_clear and isinstance(found.value, dict) else {}
    accepted: dict[str, Any] = {}
    for name, values in call["arguments"].items():
        is_optional = name in call.get("optional", [])
        if name in given and (not values or any(same_value(given[name], value) for value in values)):
            accepted[name] = given[name]
        elif values and (name in given or not is_optional):
            accepted[name] = values[0]
    return dict(sorted(accepted.items()))


def same_value(one: Any, other: Any) -> bool:
    return bool(comparable(one) == comparable(other))
