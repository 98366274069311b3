"""The answer's tool calls are the expected ones: names, arguments with accepted values, or no call at all."""

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
    ToolCall,
    failed,
    skipped,
)
from evalhub.checks.kinds.call_matching import Call, CallFault, Rules, WantedCall, find_faults, match_calls, read_wanted
from evalhub.checks.kinds.json_text import JsonFault, parse_json, place_in
from evalhub.checks.kinds.wording import enumerate_briefly, quote

MOST_CALLS = 100
"""An answer with more calls than this is not compared call by call."""


def build(parameters: Mapping[str, Any]) -> Judge:
    rules = Rules(loose_texts=parameters["loose_texts"])
    in_order = parameters["order"] == "same"

    def judge(answer: Answer, expected: Expected) -> Judgement:
        wanted = read_wanted(expected.value)
        if wanted is None:
            return skipped("The expected tool calls are not a list of calls with a name and arguments.")
        mismatch = _compare_counts(wanted, answer.tool_calls)
        if mismatch:
            return mismatch
        calls = []
        for number, call in enumerate(answer.tool_calls, start=1):
            read = _read_call(call, number)
            if isinstance(read, Judgement):
                return read
            calls.append(read)
        return _compare(wanted, calls, rules, in_order=in_order)

    return judge


def _compare_counts(wanted: Sequence[WantedCall], calls: Sequence[ToolCall]) -> Judgement | None:
    """Judge the cases that the number of calls decides; None where the calls have to be looked at."""
    if not wanted:
        return (
            failed("call_not_needed", f"The model called {_names(calls)}, but no call is needed.") if calls else PASSED
        )
    if not calls:
        return failed("missing_call", f"The model made no call, expected {_names(wanted)}.")
    if len(calls) > MOST_CALLS:
        return failed("extra_call", f"The model made {len(calls):,} calls, expected {len(wanted):,}.")
    return None


def _read_call(call: ToolCall, number: int) -> Call | Judgement:
    """Read the arguments; blank ones are none, as some servers send for a tool that takes none."""
    try:
        arguments = parse_json(call.arguments) if call.arguments.strip() else {}
    except JsonFault as fault:
        place = f" at {place_in(call.arguments, fault.position)}" if fault.position >= 0 else ""
        reason = f"{fault.reason}{place}"
    else:
        if isinstance(arguments, dict):
            return Call(call.name, arguments)
        reason = f"an object was expected, but {quote(arguments)} stands there"
    return failed(
        "arguments_not_json", f"The arguments of call {number}, {quote(call.name)}, are not a JSON object: {reason}."
    )


def _compare(wanted: Sequence[WantedCall], calls: Sequence[Call], rules: Rules, *, in_order: bool) -> Judgement:
    matched = match_calls(wanted, calls, rules)
    if len(matched) == len(wanted) == len(calls):
        if not in_order or all(not find_faults(*pair, rules) for pair in zip(wanted, calls, strict=True)):
            return PASSED
        return failed("wrong_order", f"The calls are right, but not in the expected order: {_names(wanted)}.")
    left = [call for index, call in enumerate(wanted) if index not in matched]
    spare = [call for index, call in enumerate(calls) if index not in matched.values()]
    return _explain(left, spare, rules)


def _explain(left: Sequence[WantedCall], spare: Sequence[Call], rules: Rules) -> Judgement:
    """Say what is wrong, given the expected calls that were not made and the calls made that were not expected."""
    pairs = [(wish, call) for wish in left for call in spare if wish.name == call.name]
    if pairs:
        nearest = min((find_faults(wish, call, rules) for wish, call in pairs), key=len)
        return _describe(nearest, pairs[0][0].name)
    if left and spare:
        return failed("wrong_tool", f"The model called {_names(spare)}, expected {_names(left)}.")
    if left:
        return failed("missing_call", f"A call is missing: {_names(left)}.")
    return failed("extra_call", f"The model also called {_names(spare)}, which is not expected.")


def _describe(faults: Sequence[CallFault], name: str) -> Judgement:
    sentences = enumerate_briefly([fault.clause for fault in faults], "; ")
    return failed(faults[0].cause, f"In the call of {quote(name)} {sentences}.")


def _names(calls: Sequence[ToolCall | Call | WantedCall]) -> str:
    return enumerate_briefly([quote(call.name) for call in calls])


KIND = Kind(
    code="tool_calls",
    title="Tool calls",
    description="The model calls the expected tools with accepted arguments, or makes no call where none is expected.",
    expects=("tool_calls",),
    parameters=(
        Parameter(
            "order",
            "Order of the calls",
            "choice",
            "any",
            choices=(("any", "does not matter"), ("same", "as expected")),
        ),
        Parameter(
            "loose_texts",
            "Ignore case, punctuation and spaces in texts",
            "boolean",
            True,
            help="“interest_rates” and “Interest rates” agree. Numbers always compare by value: 5 and 5.0 are equal.",
        ),
    ),
    causes=(
        NO_ANSWER,
        Cause("call_not_needed", "Call not needed", "No call is expected, and the model made one."),
        Cause("missing_call", "Missing call", "The model made no call, or left an expected call out."),
        Cause("arguments_not_json", "Arguments not JSON", "The arguments of a call are not a JSON object."),
        Cause("wrong_tool", "Wrong tool", "The model called another tool than the expected one."),
        Cause("extra_call", "Extra call", "All expected calls were made, and more."),
        Cause("missing_argument", "Missing argument", "The right tool was called without an argument that it needs."),
        Cause("wrong_argument", "Wrong argument", "An argument has a value that is not among the accepted ones."),
        Cause("unknown_argument", "Unknown argument", "The call has an argument that is not expected."),
        Cause("wrong_order", "Wrong order", "The calls are right, but in another order than expected."),
    ),
    build=build,
)
