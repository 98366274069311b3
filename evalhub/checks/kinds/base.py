"""What every kind of check has in common: what it is given, what it answers, how it is described and prepared."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Any, Literal

from evalhub.checks.kinds.wording import excerpt
from evalhub.errors import EvalHubError

LONGEST_PARAMETER = 20_000  # characters


class ParameterError(EvalHubError):
    """A parameter of a check cannot be used; the text says which, why and what to write instead."""

    def __init__(self, parameter: str, sentence: str) -> None:
        super().__init__(sentence)
        self.parameter = parameter


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool call as the model sent it; ``arguments`` is the raw string, which need not be JSON."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a candidate returned: an output, as far as a check looks at it. ``error`` says why there is no answer."""

    text: str
    tool_calls: Sequence[ToolCall] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Expected:
    """The known correct output: ``kind`` is "" (none), "text", "number", "json" or "tool_calls"."""

    kind: str = ""
    value: Any = None


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a check says of an answer.

    ``cause`` names the class of what went wrong, "" unless it failed. Where the class is about a field it carries the
    field behind a colon: "wrong_field:priority". ``message`` is one sentence; it holds no NUL and no lone surrogate.
    """

    outcome: Outcome
    cause: str = ""
    message: str = ""


Judge = Callable[[Answer, Expected], Judgement]


@dataclass(frozen=True, slots=True)
class Cause:
    """A class of what can go wrong in a check."""

    code: str
    title: str
    definition: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """One setting of a check, as a form shows it. ``choices`` are pairs of value and label."""

    name: str
    label: str
    type: Literal["text", "number", "choice", "boolean", "json", "list"]
    default: Any
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of check. ``expects`` are the kinds of expected output it can compare with; () if it needs none.

    ``build`` gets the complete, typed parameters; ``needs_expected`` says whether they want an expected output.
    """

    code: str
    title: str
    description: str
    expects: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    causes: tuple[Cause, ...]
    build: Callable[[Mapping[str, Any]], Judge]
    needs_expected: Callable[[Mapping[str, Any]], bool] = lambda parameters: True
    wants_text: bool = False
    """Skipped where tool calls are expected: the answer need not say anything then."""

    def prepare(self, parameters: Mapping[str, Any]) -> Judge:
        """Compile the check once, for any number of answers. Raises ParameterError; what it returns never raises."""
        complete = self._complete(parameters)
        judge = self.build(complete)
        accepted = self.expects if self.expects and self.needs_expected(complete) else None

        def judge_safely(answer: Answer, expected: Expected) -> Judgement:
            if accepted is not None and expected.kind not in accepted:
                return skipped(_why_not_comparable(expected.kind, accepted))
            if self.wants_text and expected.kind == "tool_calls":
                return skipped("The example expects tool calls, not a text that this check could read.")
            try:
                judgement = judge(answer, expected)
            except RecursionError:  # an answer's nesting is limited where it is read, so it is the expected output's
                return skipped("The expected output is nested too deeply to be compared.")
            # After judging: whether a check is skipped depends on the example alone, so that all candidates have one n.
            if answer.error and judgement.outcome != Outcome.SKIPPED:
                return failed(NO_ANSWER.code, f"There is no answer: {excerpt(answer.error)}")
            return judgement

        return judge_safely

    def cause(self, code: str) -> Cause:
        """Return the cause behind a judgement's code; one that carries a field has the field in its title."""
        plain, _, field = code.partition(":")
        for cause in self.causes:
            if cause.code == plain:
                return Cause(code, f"{cause.title}: {field}", cause.definition) if field else cause
        return Cause(code, code, "A class of an earlier version of this check.")

    def _complete(self, given: Mapping[str, Any]) -> dict[str, Any]:
        for name in given:
            if all(name != parameter.name for parameter in self.parameters):
                raise ParameterError(str(name), f"This check has no parameter “{excerpt(str(name))}”.")
        return {
            parameter.name: _read(parameter, given[parameter.name]) if parameter.name in given else parameter.default
            for parameter in self.parameters
        }


NO_ANSWER = Cause("no_answer", "No answer", "The model returned no answer, or the call failed.")

PASSED = Judgement(Outcome.PASSED)


def failed(cause: str, message: str) -> Judgement:
    return Judgement(Outcome.FAILED, cause, message)


def skipped(reason: str) -> Judgement:
    return Judgement(Outcome.SKIPPED, "", reason)


EXPECTED_NAMES = {"text": "a text", "number": "a number", "json": "JSON", "tool_calls": "tool calls"}


def _why_not_comparable(kind: str, accepted: Sequence[str]) -> str:
    wanted = " or ".join(EXPECTED_NAMES[name] for name in accepted)
    given = f"gives {EXPECTED_NAMES[kind]}" if kind in EXPECTED_NAMES else "gives no expected output"
    return f"The example {given}; this check compares with {wanted}."


def _read(parameter: Parameter, value: Any) -> Any:
    """Return ``value`` if it is of the parameter's type. Raises ParameterError."""
    complaint = _complaint(parameter, value)
    if complaint:
        raise ParameterError(parameter.name, f"{parameter.label}: {complaint}")
    return value


def _complaint(parameter: Parameter, value: Any) -> str:
    """Return what is wrong with a value for this parameter, "" if nothing is."""
    match parameter.type:
        case "text":
            wrong = not isinstance(value, str) or len(value) > LONGEST_PARAMETER
            return f"write a text of at most {LONGEST_PARAMETER:,} characters." if wrong else ""
        case "number":
            is_number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
            return "" if is_number else "write a number, such as 0.5."
        case "choice":
            codes = [code for code, _ in parameter.choices]
            return "" if value in codes else f"choose one of {', '.join(codes)}."
        case "boolean":
            return "" if isinstance(value, bool) else "choose yes or no."
        case "list":
            is_list = isinstance(value, list | tuple) and all(isinstance(item, str) and item for item in value)
            return "" if is_list else "write one text a line, none of them empty."
    return ""
