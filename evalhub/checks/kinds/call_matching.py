"""Which of the calls that a model made is which of the expected ones, and what is wrong with a call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalhub.checks.kinds.json_values import MISSING, comparable
from evalhub.checks.kinds.texts import loose_form
from evalhub.checks.kinds.wording import enumerate_briefly, quote


@dataclass(frozen=True, slots=True)
class WantedCall:
    """An expected call: every argument with its accepted values; those in ``optional`` may be absent or null."""

    name: str
    arguments: Mapping[str, Sequence[Any]]
    optional: frozenset[str]


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was made, its arguments read."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CallFault:
    """One thing wrong with a call: the cause's code and a clause about the argument."""

    cause: str
    clause: str


@dataclass(frozen=True, slots=True)
class Rules:
    """How values compare. Loose texts agree in spite of case, punctuation and spaces."""

    loose_texts: bool

    def form(self, value: Any) -> Any:
        return comparable(value, text=loose_form if self.loose_texts else None)


def read_wanted(value: Any) -> list[WantedCall] | None:
    """Read the expected calls of an example; None when they are not in their shape."""
    if not isinstance(value, list):
        return None
    wanted = []
    for call in value:
        if not isinstance(call, dict) or not isinstance(call.get("name"), str):
            return None
        arguments, optional = call.get("arguments", {}), call.get("optional", [])
        if not isinstance(arguments, dict) or not isinstance(optional, list):
            return None
        if not all(isinstance(accepted, list) for accepted in arguments.values()):
            return None
        wanted.append(WantedCall(call["name"], arguments, frozenset(map(str, optional))))
    return wanted


def find_faults(wanted: WantedCall, call: Call, rules: Rules) -> list[CallFault]:
    """Return what keeps a call from being the wanted one, missing arguments first; [] when it is the wanted one."""
    if call.name != wanted.name:
        return [CallFault("wrong_tool", f"the tool is {quote(call.name)}, expected {quote(wanted.name)}")]
    missing, wrong = [], []
    for name, accepted in wanted.arguments.items():
        value = call.arguments.get(name, MISSING)
        if value is MISSING:
            if name not in wanted.optional:
                missing.append(CallFault("missing_argument", f"the argument {quote(name)} is missing"))
        elif not _is_accepted(value, accepted, rules) and not (value is None and name in wanted.optional):
            options = enumerate_briefly([quote(option) for option in accepted], " or ")
            wrong.append(
                CallFault("wrong_argument", f"the argument {quote(name)} is {quote(value)}, expected {options}")
            )
    unknown = [
        CallFault("unknown_argument", f"the argument {quote(name)} is not expected")
        for name in call.arguments
        if name not in wanted.arguments
    ]
    return missing + wrong + unknown


def match_calls(wanted: Sequence[WantedCall], calls: Sequence[Call], rules: Rules) -> dict[int, int]:
    """Pair as many wanted calls as possible with calls that fit them: index of the wanted call to index of the call.

    Two wanted calls may both fit one call, so the first fit is not enough: Kuhn's augmenting paths, which give up an
    earlier pair where that one has another partner.
    """
    fits = [[at for at, call in enumerate(calls) if not find_faults(wish, call, rules)] for wish in wanted]
    owner: dict[int, int] = {}

    def place(wish: int, tried: set[int]) -> bool:
        for at in fits[wish]:
            if at not in tried:
                tried.add(at)
                if at not in owner or place(owner[at], tried):
                    owner[at] = wish
                    return True
        return False

    for wish in range(len(wanted)):
        place(wish, set())
    return {wish: at for at, wish in owner.items()}


def _is_accepted(value: Any, accepted: Sequence[Any], rules: Rules) -> bool:
    if isinstance(value, str) and value in accepted:  # the usual case, without normalising anything
        return True
    form = rules.form(value)
    return any(rules.form(option) == form for option in accepted)
