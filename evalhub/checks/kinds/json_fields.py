"""Chosen fields of the answer's JSON equal those of the expected JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from evalhub.checks.kinds.base import (
    NO_ANSWER,
    PASSED,
    Answer,
    Cause,
    Expected,
    Judge,
    Judgement,
    Kind,
    Parameter,
    failed,
    skipped,
)
from evalhub.checks.kinds.json_text import find_json
from evalhub.checks.kinds.json_values import MISSING, comparable, look_up
from evalhub.checks.kinds.wording import enumerate_briefly, excerpt, quote

LONGEST_FIELD = 60  # characters of a field's path inside a cause


def build(parameters: Mapping[str, Any]) -> Judge:
    chosen = tuple(parameters["fields"])
    ignore_order: bool = parameters["ignore_order"]

    def form(value: Any) -> Any:
        return comparable(value, text=str.casefold if parameters["ignore_case"] else None, ignore_order=ignore_order)

    def judge(answer: Answer, expected: Expected) -> Judgement:
        wanted = _read_wanted(expected.value, chosen)
        if not wanted:
            return skipped("The expected JSON has none of the fields that this check compares.")
        right = {path: form(value) for path, value in wanted.items()}
        found = find_json(answer.text)
        if not found.is_clear:
            return failed("invalid_json", f"The answer cannot be read as JSON: {found.describe()}.")
        given = {path: _look_up(found.value, path) for path in wanted}
        faults = [path for path in wanted if given[path] is MISSING or form(given[path]) != right[path]]
        return _describe(faults, given, wanted) if faults else PASSED

    return judge


def _read_wanted(value: Any, chosen: Sequence[str]) -> dict[str | None, Any]:
    """Return the expected value of every field to compare, by path. The path None is the whole of the JSON."""
    if not chosen:
        return dict(value) if isinstance(value, dict) else {None: value}
    return {path: item for path in chosen if (item := look_up(value, path)) is not MISSING}


def _look_up(value: Any, path: str | None) -> Any:
    return value if path is None else look_up(value, path)


def _describe(
    faults: Sequence[str | None], given: Mapping[str | None, Any], wanted: Mapping[str | None, Any]
) -> Judgement:
    """Name every faulty field in the message and the first of them in the cause."""
    sentences = [
        f"{_name(path)} is missing"
        if given[path] is MISSING
        else f"{_name(path)} is {quote(given[path])}, expected {quote(wanted[path])}"
        for path in faults
    ]
    first = faults[0]
    message = enumerate_briefly(sentences, "; ")
    message = f"{message[0].upper()}{message[1:]}."
    if first is None:
        return failed("wrong_value", message)
    code = "missing_field" if given[first] is MISSING else "wrong_field"
    return failed(f"{code}:{excerpt(first, LONGEST_FIELD)}", message)


def _name(path: str | None) -> str:
    return "the JSON" if path is None else f"the field {quote(path)}"


KIND = Kind(
    code="json_fields",
    title="JSON fields",
    description="Chosen fields of the answer's JSON are equal to those of the expected JSON; others do not count.",
    expects=("json",),
    parameters=(
        Parameter(
            "fields",
            "Fields",
            "list",
            [],
            help=(
                "One dotted path a line, such as “order.id”; the most important first, because the first wrong field "
                "names the class of the failure. Leave empty to compare every field of the expected JSON."
            ),
        ),
        Parameter("ignore_case", "Ignore upper and lower case in texts", "boolean", False),
        Parameter("ignore_order", "Ignore the order of lists", "boolean", False),
    ),
    causes=(
        NO_ANSWER,
        Cause("invalid_json", "Invalid JSON", "The answer cannot be read as JSON, alone or inside a code fence."),
        Cause("missing_field", "Missing field", "The expected JSON has the field and the answer's JSON lacks it."),
        Cause("wrong_field", "Wrong field", "The field has another value than in the expected JSON."),
        Cause("wrong_value", "Wrong value", "The JSON as a whole, which has no fields, is not the expected one."),
    ),
    build=build,
)
