"""The answer contains certain texts, or does not."""

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
from evalhub.checks.kinds.wording import enumerate_briefly, quote


def build(parameters: Mapping[str, Any]) -> Judge:
    mode: str = parameters["mode"]
    ignore_case: bool = parameters["ignore_case"]
    listed = tuple(parameters["texts"])

    def judge(answer: Answer, expected: Expected) -> Judgement:
        wanted = listed or (expected.value,)
        if not all(isinstance(text, str) and text for text in wanted):
            return skipped("The expected text is empty.")
        searched = answer.text.casefold() if ignore_case else answer.text
        absent = [text for text in wanted if (text.casefold() if ignore_case else text) not in searched]
        return _decide(mode, wanted, absent)

    return judge


def _decide(mode: str, wanted: Sequence[str], absent: Sequence[str]) -> Judgement:
    if mode == "none":
        present = [text for text in wanted if text not in absent]
        if present:
            return failed("forbidden_text", f"The answer contains {_list(present)}, which it must not contain.")
    elif mode == "any" and len(absent) == len(wanted) > 1:
        return failed("missing_text", f"The answer contains none of {_list(wanted)}; one is wanted.")
    elif absent and (mode == "all" or len(wanted) == 1):
        return failed("missing_text", f"The answer does not contain {_list(absent)}.")
    return PASSED


def _list(texts: Sequence[str]) -> str:
    return enumerate_briefly([quote(text) for text in texts])


KIND = Kind(
    code="contains",
    title="Contains text",
    description="The answer contains the listed texts, or the expected text when none is listed.",
    expects=("text",),
    parameters=(
        Parameter(
            "texts", "Texts", "list", [], help="One a line. Leave empty to look for each example's expected text."
        ),
        Parameter(
            "mode",
            "The answer contains",
            "choice",
            "all",
            choices=(("all", "all of them"), ("any", "at least one of them"), ("none", "none of them")),
        ),
        Parameter("ignore_case", "Ignore upper and lower case", "boolean", True),
    ),
    causes=(
        NO_ANSWER,
        Cause("missing_text", "Missing text", "A text that must be in the answer is not there."),
        Cause("forbidden_text", "Forbidden text", "A text that must not be in the answer is there."),
    ),
    build=build,
    needs_expected=lambda parameters: not parameters["texts"],
)
