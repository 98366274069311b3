"""The answer equals the expected output, once differences that do not matter are removed."""

from collections.abc import Mapping
from decimal import Decimal
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
from evalhub.checks.kinds.json_values import comparable, to_decimal
from evalhub.checks.kinds.texts import Normaliser, text_normaliser
from evalhub.checks.kinds.wording import LONGEST_EXCERPT, quote
from evalhub.evalsets.numbers import find_numbers

LONGEST_NUMBER = 200  # characters of an answer that is a number and nothing else


def build(parameters: Mapping[str, Any]) -> Judge:
    normalise = text_normaliser(
        characters=parameters["ignore_unicode_form"],
        case=parameters["ignore_case"],
        punctuation=parameters["ignore_punctuation"],
        white_space=parameters["ignore_white_space"],
    )

    def judge(answer: Answer, expected: Expected) -> Judgement:
        if expected.kind == "number":
            return _judge_number(answer.text, expected.value)
        if expected.kind == "json":
            return _judge_json(answer.text, expected.value, normalise)
        return _judge_text(answer.text, expected.value, normalise)

    return judge


def _judge_text(text: str, wanted: Any, normalise: Normaliser) -> Judgement:
    if not isinstance(wanted, str):
        return skipped("The expected output is not a text.")
    if text == wanted:
        return PASSED
    given, right = normalise(text), normalise(wanted)
    if given == right:
        return PASSED
    if not given.strip():
        return failed("empty_answer", f"The answer is empty, expected {quote(wanted)}.")
    if right.strip() and right in given:
        return failed("more_text", f"The answer says {quote(text)}: the expected {quote(wanted)} with more around it.")
    return failed("different", _describe_difference(given, right))


def _judge_number(text: str, wanted: Any) -> Judgement:
    right = to_decimal(wanted)
    if right is None:
        return skipped("The expected output is not a number.")
    given = _read_whole_number(text)
    if given == right:
        return PASSED
    if given is None:
        return failed(
            "no_number", f"The answer says {quote(text)}, which is not a number alone; expected {quote(right)}."
        )
    return failed("different", f"The answer says {quote(given)}, expected {quote(right)}.")


def _judge_json(text: str, wanted: Any, normalise: Normaliser) -> Judgement:
    right = comparable(wanted, text=normalise)
    found = find_json(text)
    if not found.is_clear:
        return failed("invalid_json", f"The answer cannot be read as JSON: {found.describe()}.")
    if comparable(found.value, text=normalise) == right:
        return PASSED
    return failed("different", f"The answer is {quote(found.value)}, expected {quote(wanted)}.")


def _read_whole_number(text: str) -> Decimal | None:
    """Return the number that the text consists of, but for signs beside it; None if there is anything else."""
    letters = sum(map(str.isalpha, text[:LONGEST_NUMBER]))
    if len(text) > LONGEST_NUMBER or letters > 1:  # one letter: the e of an exponent
        return None
    numbers = find_numbers(text)
    return numbers[0] if len(numbers) == 1 else None


def _describe_difference(given: str, right: str) -> str:
    """Quote both texts whole when they are short, from a little before the first difference when they are long."""
    if len(given) <= LONGEST_EXCERPT and len(right) <= LONGEST_EXCERPT:
        return f"The answer says {quote(given)}, expected {quote(right)}."
    at = _first_difference(given, right)
    start = max(0, at - 20)
    return f"From character {at + 1} on the answer says {quote(given[start:])}, expected {quote(right[start:])}."


def _first_difference(one: str, other: str) -> int:
    """Return the length of the common beginning, by halving: comparing slices is far quicker than characters."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


KIND = Kind(
    code="equals",
    title="Equal to the expected output",
    description="The whole answer is the expected text, number or JSON, apart from differences that you allow.",
    expects=("text", "number", "json"),
    parameters=(
        Parameter("ignore_case", "Ignore upper and lower case", "boolean", True),
        Parameter("ignore_white_space", "Ignore extra spaces and line breaks", "boolean", True),
        Parameter(
            "ignore_punctuation",
            "Ignore punctuation",
            "boolean",
            False,
            help="1.5 and 15 stay different, and so do -5 and 5.",
        ),
        Parameter(
            "ignore_unicode_form",
            "Ignore how characters are encoded",
            "boolean",
            True,
            help="Full-width letters, ligatures and accents are brought to one form (Unicode NFKC).",
        ),
    ),
    causes=(
        NO_ANSWER,
        Cause("empty_answer", "Empty answer", "The model answered with nothing."),
        Cause("more_text", "More than the expected text", "The expected text is there, with more around it."),
        Cause("different", "Different", "The answer is not the expected output."),
        Cause(
            "no_number",
            "Not a number alone",
            "A number is expected, and the answer is not one number and nothing else.",
        ),
        Cause("invalid_json", "Invalid JSON", "JSON is expected, and the answer cannot be read as JSON."),
    ),
    build=build,
)
