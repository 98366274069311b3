"""The answer is valid JSON."""

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
from evalhub.checks.kinds.json_text import Where, find_json


def build(parameters: Mapping[str, Any]) -> Judge:
    fence_allowed = parameters["fence"] == "allowed"

    def judge(answer: Answer, _expected: Expected) -> Judgement:
        found = find_json(answer.text)
        if found.where == Where.WHOLE or (found.where == Where.FENCE and fence_allowed):
            return PASSED
        if found.where == Where.FENCE:
            return failed("json_in_fence", "The JSON is valid, but stands inside a code fence.")
        if found.where == Where.TEXT:
            fence = "an unclosed code fence" if "```" in answer.text else "text"
            return failed("text_around_json", f"The JSON is valid, but {fence} stands around it.")
        cause = "cut_off_json" if found.cut_off else "invalid_json"
        return failed(cause, f"The JSON is not valid: {found.fault}.")

    return judge


KIND = Kind(
    code="valid_json",
    title="Valid JSON",
    description="The answer is strict JSON, alone or inside a code fence.",
    expects=(),
    parameters=(
        Parameter(
            "fence",
            "JSON inside a code fence (```)",
            "choice",
            "allowed",
            help="When allowed, text before and after the fence is allowed too, as programs take what the fence holds.",
            choices=(("allowed", "is accepted"), ("report", "is a fault of its own")),
        ),
    ),
    causes=(
        NO_ANSWER,
        Cause("json_in_fence", "JSON in a code fence", "The JSON is valid once the code fence around it is removed."),
        Cause(
            "text_around_json", "Text around the JSON", "The JSON is valid, but stands in text with no closed fence."
        ),
        Cause("cut_off_json", "JSON breaks off", "The JSON begins well and ends before it is complete."),
        Cause("invalid_json", "Invalid JSON", "There is no JSON, or it breaks JSON's rules."),
    ),
    build=build,
    wants_text=True,
)
