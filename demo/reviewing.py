"""What a careful reviewer would say of a demo output: pass or fail, which error types, and a short note.

Used once, when the demo is loaded, so that its pages have labels to show. The label comes from comparing the output
with the expected answer, field by field and call by call; only the wording of the note is varied.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from demo.samples import INTENTS, PRIORITIES

FIELDS = ("intent", "priority", "order_id", "refund_amount", "language")
REFUND_TOOL = "start_refund"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: the code of its error type, and what was expected and given there."""

    code: str
    want: Any = None
    got: Any = None


def plausible_label(
    expected_kind: str, expected: Any, text: str | None, tool_calls: Iterable[Mapping[str, str]] = ()
) -> dict[str, Any] | None:
    """The label a careful reviewer would give: ``{"outcome": "pass"|"fail", "error_types": [codes], "note": str}``.

    ``tool_calls`` are an output's, with raw argument strings. None for other kinds of expected answer than ``json``
    and ``tool_calls``, which the demo does not have. The same output always gets the same label.
    """
    calls = list(tool_calls)
    if expected_kind == "json":
        faults = _json_faults(expected, text or "")
    elif expected_kind == "tool_calls":
        faults = _call_faults(expected, calls)
    else:
        return None
    return {
        "outcome": "fail" if faults else "pass",
        "error_types": list(dict.fromkeys(fault.code for fault in faults)),
        "note": _note(faults, seed=f"{expected}{text}{calls}"),
    }


def _json_faults(expected: Mapping[str, Any], text: str) -> list[Fault]:
    answer, bare = _read_object(text)
    if answer is None or not all(field in answer for field in FIELDS):
        return [Fault("invalid_json")]
    faults = [] if bare else [Fault("fenced_json")]
    faults += _intent_faults(expected["intent"], answer["intent"])
    faults += _priority_faults(expected["priority"], answer["priority"])
    faults += _order_faults(expected["order_id"], answer["order_id"])
    faults += _refund_faults(expected["refund_amount"], answer["refund_amount"])
    if answer["language"] != expected["language"]:
        faults.append(Fault("wrong_language", expected["language"], answer["language"]))
    return faults


def _read_object(text: str) -> tuple[dict[str, Any] | None, bool]:
    """The JSON object in a text, and whether it stands there alone; (None, False) if there is none."""
    inside = text[max(0, text.find("{")) : text.rfind("}") + 1]
    for candidate, bare in ((text, True), (inside, False)):
        try:
            value = json.loads(candidate)
        except (ValueError, RecursionError):  # the latter for very deep nesting
            continue
        return (value, bare) if isinstance(value, dict) else (None, False)
    return None, False


def _intent_faults(want: str, got: Any) -> list[Fault]:
    if got == want:
        return []
    return [Fault("wrong_intent" if got in INTENTS else "unknown_value", want, got)]


def _priority_faults(want: str, got: Any) -> list[Fault]:
    if got == want:
        return []
    if got not in PRIORITIES:
        return [Fault("unknown_value", want, got)]
    too_low = PRIORITIES.index(got) < PRIORITIES.index(want)
    return [Fault("under_priority" if too_low else "over_priority", want, got)]


def _order_faults(want: str | None, got: Any) -> list[Fault]:
    if got == want:
        return []
    return [Fault("missed_order_id" if got is None else "wrong_order_id", want, got)]


def _refund_faults(want: float | None, got: Any) -> list[Fault]:
    if got == want:
        return []
    if got is not None and not _is_number(got):
        return [Fault("unknown_value", want, got)]
    too_much = got is not None and (want is None or got > want)
    return [Fault("refund_not_owed" if too_much else "refund_too_low", want, got)]


def _call_faults(expected: list[dict[str, Any]], calls: list[Mapping[str, str]]) -> list[Fault]:
    """Pair every expected call with one of its name, best match first; what stays over is missing or not needed."""
    faults, left = [], [(call["name"], _read_arguments(call["arguments"])) for call in calls]

    def faults_at_best(want: dict[str, Any]) -> int:
        return min((len(_argument_faults(want, given)) for name, given in left if name == want["name"]), default=99)

    for want in sorted(expected, key=faults_at_best):
        of_name = [call for call in left if call[0] == want["name"]]
        if not of_name:
            faults.append(Fault("missing_call", want["name"]))
            continue
        best = min(of_name, key=lambda call: len(_argument_faults(want, call[1])))
        left.remove(best)
        faults += _argument_faults(want, best[1])
    for name, arguments in left:
        code = "refund_not_owed" if name == REFUND_TOOL else "call_not_needed"
        faults.append(Fault(code, None, arguments.get("amount") if code == "refund_not_owed" and arguments else name))
    return faults


def _argument_faults(want: Mapping[str, Any], arguments: dict[str, Any] | None) -> list[Fault]:
    if arguments is None:
        return [Fault("wrong_arguments", "valid JSON", "broken JSON")]
    faults = []
    for name, accepted in want["arguments"].items():
        given = arguments.get(name)
        if given in accepted or (name not in arguments and name in want["optional"]):
            continue
        if want["name"] == REFUND_TOOL and name == "amount" and _is_number(given):
            faults += _refund_faults(accepted[0], given)
        else:
            faults.append(Fault("wrong_arguments", f"{name} {accepted[0]}", given))
    unknown = sorted(set(arguments) - set(want["arguments"]))
    return faults + [Fault("wrong_arguments", f"no {name}", arguments[name]) for name in unknown]


def _read_arguments(raw: str) -> dict[str, Any] | None:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):  # the latter for very deep nesting
        return None
    return value if isinstance(value, dict) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# How reviewers put it: a few ways for each error type, filled with what was expected and what was given.
WORDING = {
    "fenced_json": (
        "Readable, but something is wrapped around it.",
        "The JSON does not stand alone.",
        "Would break our parser, there is more than the JSON.",
        "Packaging again.",
        "Not bare JSON.",
        "Has to be unwrapped first.",
        "We asked for the object and nothing else.",
    ),
    "invalid_json": ("Doesn't parse.", "Not valid JSON as it stands.", "Unusable as JSON."),
    "unknown_value": ("“{got}” isn't one of ours, should be {want}.", "Made up “{got}”.", "No such value: {got}."),
    "wrong_intent": (
        "Filed as {got}, it's {want}.",
        "This is {want}.",
        "{want}, not {got}.",
        "Wrong queue ({got}), customer wants {want}.",
    ),
    "under_priority": ("Should be {want}.", "{got} is too low, it's {want}.", "Would have waited: {want}, not {got}."),
    "over_priority": ("Not {got}, {want} is enough.", "Nothing here makes it {got}.", "Overrated, {want}."),
    "missed_order_id": ("Order number is there: {want}.", "Missed {want}.", "Didn't see {want}."),
    "wrong_order_id": ("Wrong order, should be {want}.", "Took {got} instead of {want}.", "It's not about {got}."),
    "wrong_language": ("Customer writes {want}, not {got}.", "Language is {want}.", "We'd answer in {got}, wrong."),
    "refund_not_owed": (
        "Gives {got}, owed is {want}.",
        "Money! {got} where {want} is right.",
        "Expected {want} and got {got}, that's real money.",
        "{got} is wrong, correct: {want}.",
    ),
    "refund_too_low": ("Asked for {want}, got {got}.", "Missed the amount, {want}.", "{want} is named in the mail."),
    "call_not_needed": ("No need to call {got}.", "{got} isn't what was asked.", "Should not have called {got} here."),
    "missing_call": ("{want} was needed.", "Didn't call {want}.", "Customer asked for exactly what {want} does."),
    "wrong_arguments": (
        "Arguments off: should have {want}, has {got}.",
        "Expected {want}, not {got}.",
        "Right tool, wrong argument ({got} instead of {want}).",
    ),
}
WORST_FIRST = (
    "refund_not_owed",
    "under_priority",
    "wrong_order_id",
    "invalid_json",
    "missing_call",
    "call_not_needed",
    "wrong_arguments",
    "refund_too_low",
    "wrong_intent",
    "unknown_value",
    "missed_order_id",
    "wrong_language",
    "over_priority",
    "fenced_json",
)
LANGUAGES = {
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "it": "Italian",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
}
PRAISE = ("Correct.", "Nothing to add.", "Tricky one, well read.")


def _note(faults: list[Fault], seed: str) -> str:
    """One or two short sentences on the first faults; a pass seldom gets a note."""
    dice = int(hashlib.sha256(seed.encode()).hexdigest()[:8], 16)
    if not faults:
        return PRAISE[dice % 3] if dice % 7 == 0 else ""
    worst_first = sorted(faults, key=lambda fault: WORST_FIRST.index(fault.code))
    return " ".join(_sentence(fault, dice + place) for place, fault in enumerate(worst_first[:2]))


def _sentence(fault: Fault, dice: int) -> str:
    wordings = WORDING[fault.code]
    sentence = wordings[dice % len(wordings)].format(want=_spoken(fault.want), got=_spoken(fault.got))
    starts_with_tool = sentence.startswith(("lookup_", "start_", "change_address", "cancel_", "escalate_"))
    return sentence if starts_with_tool else sentence[0].upper() + sentence[1:]


def _spoken(value: Any) -> str:
    """A value as a reviewer would write it: nothing, 42.50, order status, Dutch."""
    if value is None:
        return "nothing"
    if _is_number(value):
        return f"{value:.2f}" if value != int(value) else str(int(value))
    if value in INTENTS:
        return str(value).replace("_", " ")
    return LANGUAGES.get(str(value), str(value))
