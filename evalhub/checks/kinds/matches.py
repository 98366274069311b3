"""The answer matches a regular expression, or does not."""

from collections.abc import Mapping
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
)
from evalhub.checks.kinds.patterns import Pattern
from evalhub.checks.kinds.wording import quote


def build(parameters: Mapping[str, Any]) -> Judge:
    source: str = parameters["pattern"]
    pattern = Pattern("pattern", source, ignore_case=parameters["ignore_case"])
    must_match = parameters["mode"] == "match"

    def judge(answer: Answer, _expected: Expected) -> Judgement:
        found = pattern.find(answer.text)
        if (found is not None) == must_match:
            return PASSED
        if found is None:
            return failed("no_match", f"Nothing in the answer matches {quote(source)}.")
        return failed(
            "forbidden_match", f"The answer contains {quote(found)}, which it must not (it matches {quote(source)})."
        )

    return judge


KIND = Kind(
    code="matches",
    title="Matches a pattern",
    description="Some part of the answer matches a regular expression, or no part does.",
    expects=(),
    parameters=(
        Parameter(
            "pattern",
            "Pattern",
            "text",
            "",
            help=(
                "A regular expression in RE2 syntax: no lookaround and no backreference, and safe on any text. "
                "Write ^ and $ for the whole answer, (?s) to let a dot match line breaks, \\pL for any letter."
            ),
        ),
        Parameter(
            "mode",
            "The answer",
            "choice",
            "match",
            choices=(("match", "must match"), ("no_match", "must not match")),
        ),
        Parameter("ignore_case", "Ignore upper and lower case", "boolean", False),
    ),
    causes=(
        NO_ANSWER,
        Cause("no_match", "No match", "No part of the answer matches the pattern."),
        Cause("forbidden_match", "Forbidden match", "A part of the answer matches a pattern that it must not match."),
    ),
    build=build,
)
