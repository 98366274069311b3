"""The answer's number is the expected one, within a tolerance."""

from collections.abc import Callable, Mapping
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
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
    ParameterError,
    failed,
    skipped,
)
from evalhub.checks.kinds.json_text import find_json
from evalhub.checks.kinds.json_values import MISSING, look_up, to_decimal
from evalhub.checks.kinds.patterns import Pattern
from evalhub.checks.kinds.wording import quote, show_number
from evalhub.evalsets.numbers import NotOneNumber, find_last_number, find_numbers, read_number

SCALES = tuple(Decimal(10) ** power for power in (1, 2, 3, 6, 9, -1, -2, -3, -6, -9))
EXACTLY = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
"""More digits than a tolerance needs, and no exception on any number: hostile ones must only fail to compare."""

Extract = Callable[[str], Decimal | Judgement]


def build(parameters: Mapping[str, Any]) -> Judge:
    extract = _choose_extract(parameters)
    tolerance = to_decimal(parameters["tolerance"]) or Decimal(0)
    if tolerance < 0:
        raise ParameterError("tolerance", "The tolerance must be 0 or more.")
    is_relative = parameters["tolerance_kind"] == "relative"
    field: str = parameters["field"] if parameters["source"] == "field" else ""

    def judge(answer: Answer, expected: Expected) -> Judgement:
        right = _read_expected(expected, field)
        if right is None:
            return skipped("The expected output does not hold exactly one number to compare with.")
        given = extract(answer.text)
        if isinstance(given, Judgement):
            return given
        allowed = EXACTLY.multiply(tolerance, abs(right)) if is_relative else tolerance
        if given == right or _is_within(given, right, allowed):
            return PASSED
        margin = f" give or take {show_number(allowed)}" if allowed else ""
        said = f"The answer says {show_number(given)}, expected {show_number(right)}{margin}"
        return _explain(given, right, allowed, said)

    return judge


def _is_within(given: Decimal, right: Decimal, allowed: Decimal) -> bool:
    return bool(allowed) and EXACTLY.subtract(given, right).copy_abs() <= allowed


def _explain(given: Decimal, right: Decimal, allowed: Decimal, said: str) -> Judgement:
    """Name the two mistakes that have a remedy of their own: another unit, and the wrong sign."""
    if right and (given == -right or _is_within(given, -right, allowed)):
        return failed("wrong_sign", f"{said}: the sign is wrong.")
    for scale in SCALES:
        if right and given == EXACTLY.multiply(right, scale):
            factor, size = (scale, "large") if scale > 1 else (1 / scale, "small")
            return failed("wrong_scale", f"{said}: {factor:,.0f} times too {size}, as with another unit.")
    return failed("wrong_number", f"{said}.")


def _read_expected(expected: Expected, field: str) -> Decimal | None:
    """Return the one number of the expected output (of JSON: at the same field), None if there is none."""
    value = expected.value
    if field and isinstance(value, dict | list):
        value = look_up(value, field)
    if not isinstance(value, str):
        return to_decimal(value)
    try:
        return read_number(value)
    except NotOneNumber:
        return None


def _choose_extract(parameters: Mapping[str, Any]) -> Extract:
    match parameters["source"]:
        case "field":
            return _extract_from_field(parameters["field"])
        case "pattern":
            return _extract_by_pattern(parameters["pattern"])
        case "only":
            return _extract_only
    return _extract_last


def _extract_last(text: str) -> Decimal | Judgement:
    number = find_last_number(text)
    return failed("no_number", f"There is no number in the answer {quote(text)}.") if number is None else number


def _extract_only(text: str) -> Decimal | Judgement:
    numbers = find_numbers(text)
    if len(numbers) > 1:
        return failed("several_numbers", f"The answer holds {len(numbers):,} numbers; exactly one is wanted.")
    return numbers[0] if numbers else _extract_last(text)


def _extract_from_field(field: str) -> Extract:
    if not field:
        raise ParameterError("field", "Write the field that holds the number, such as “total” or “order.total”.")

    def extract(text: str) -> Decimal | Judgement:
        found = find_json(text)
        if not found.is_clear:
            return failed("invalid_json", f"The answer cannot be read as JSON: {found.describe()}.")
        value = look_up(found.value, field)
        if value is MISSING:
            return failed("missing_field", f"The field {quote(field)} is missing from the answer's JSON.")
        number = find_last_number(value) if isinstance(value, str) else to_decimal(value)
        return (
            failed("no_number", f"The field {quote(field)} holds no number, but {quote(value)}.")
            if number is None
            else number
        )

    return extract


def _extract_by_pattern(source: str) -> Extract:
    pattern = Pattern("pattern", source)
    if pattern.groups != 1:
        raise ParameterError(
            "pattern",
            "The pattern needs exactly one group, “(…)”, around the number; write “(?:…)” for any other group.",
        )

    def extract(text: str) -> Decimal | Judgement:
        captured = pattern.find(text, group=1)
        if captured is None:
            return failed("no_number", f"Nothing in the answer matches {quote(source)}.")
        number = find_last_number(captured)
        return failed("no_number", f"There is no number in {quote(captured)}.") if number is None else number

    return extract


KIND = Kind(
    code="number",
    title="Number",
    description="A number in the answer is the expected number, exactly or within a tolerance.",
    expects=("number", "text", "json"),
    parameters=(
        Parameter(
            "source",
            "Take the number from",
            "choice",
            "last",
            help="The expected output may be a number or a text that holds exactly one, such as “# 18”.",
            choices=(
                ("last", "the whole answer: its last number"),
                ("only", "the whole answer: its only number"),
                ("field", "a JSON field"),
                ("pattern", "what a pattern captures"),
            ),
        ),
        Parameter(
            "field",
            "JSON field",
            "text",
            "",
            help="A dotted path such as “order.items.0.price”. JSON may stand in a code fence.",
        ),
        Parameter(
            "pattern",
            "Pattern",
            "text",
            "",
            help=(
                'A regular expression (RE2) with one group, such as “"answer":\\s*"?([^"}\\n]*)”. Its first match '
                "counts, and of that the last number in the group."
            ),
        ),
        Parameter(
            "tolerance", "Tolerance", "number", 0, help="0 accepts the exact number only; 18 and 18.00 are equal."
        ),
        Parameter(
            "tolerance_kind",
            "The tolerance is",
            "choice",
            "absolute",
            choices=(("absolute", "a difference"), ("relative", "a share of the expected number (0.01 is 1 %)")),
        ),
    ),
    causes=(
        NO_ANSWER,
        Cause("no_number", "No number", "There is no number where the check looks for one."),
        Cause("several_numbers", "Several numbers", "The answer holds more than one number where one is wanted."),
        Cause("invalid_json", "Invalid JSON", "The field cannot be found because the answer is not valid JSON."),
        Cause("missing_field", "Missing field", "The JSON is valid and lacks the field."),
        Cause("wrong_sign", "Wrong sign", "The number is right but for its sign."),
        Cause("wrong_scale", "Wrong scale", "The number is off by a power of ten, as with cents for dollars."),
        Cause("wrong_number", "Wrong number", "The number is another one."),
    ),
    build=build,
)
