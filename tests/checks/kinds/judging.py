"""Shortcuts for tests of checks: one call from parameters, answer and expected output to the judgement."""

from typing import Any

from evalhub.checks.kinds import judge
from evalhub.checks.kinds.base import Answer, Expected, Judgement, Outcome, ToolCall

PASSED = (Outcome.PASSED, "", "")


def judge_text(kind: str, text: str, expected: Expected | None = None, **parameters: Any) -> tuple[Outcome, str, str]:
    return as_tuple(judge(kind, parameters)(Answer(text), expected or Expected()))


def judge_calls(expected: Any, calls: list[tuple[str, str]], **parameters: Any) -> tuple[Outcome, str, str]:
    """Judge calls given as pairs of name and raw arguments."""
    made = [ToolCall(f"call_{number}", name, arguments) for number, (name, arguments) in enumerate(calls)]
    return as_tuple(judge("tool_calls", parameters)(Answer("", made), Expected("tool_calls", expected)))


def as_tuple(judgement: Judgement) -> tuple[Outcome, str, str]:
    return judgement.outcome, judgement.cause, judgement.message


def failed(cause: str, message: str) -> tuple[Outcome, str, str]:
    return Outcome.FAILED, cause, message


def skipped(reason: str) -> tuple[Outcome, str, str]:
    return Outcome.SKIPPED, "", reason
