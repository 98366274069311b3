"""Checks in plain words: what a check looks at and how it is set up, for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalhub.checks.kinds import KINDS
from evalhub.checks.kinds.base import EXPECTED_NAMES, Kind, Parameter
from evalhub.checks.models import Check

LONGEST_VALUE = 300  # characters of a setting; a JSON Schema can be long


@dataclass(frozen=True, slots=True)
class Setting:
    """A parameter as people read it."""

    label: str
    value: str


def compares_with(kind: Kind) -> str:
    """The kinds of expected output that a kind of check compares with, in words; "" if it needs none."""
    *others, last = [EXPECTED_NAMES[name] for name in kind.expects] or [""]
    return f"{', '.join(others)} or {last}" if others else last


def kind_description(check: Check) -> str:
    return KINDS[check.kind].description if check.kind in KINDS else "This version of EvalHub cannot run this check."


def cause_title(check: Check, cause: str) -> str:
    """What a cause is called; "" for none. One that this version does not know is called by its code."""
    return KINDS[check.kind].cause(cause).title if cause and check.kind in KINDS else cause


def settings_of(check: Check) -> list[Setting]:
    """The parameters that differ from the kind's defaults, in the form's order."""
    if check.kind not in KINDS:
        return [Setting(name, shortened(json.dumps(value))) for name, value in check.parameters.items()]
    return described(KINDS[check.kind], check.parameters)


def described(kind: Kind, parameters: Mapping[str, Any]) -> list[Setting]:
    return [
        Setting(parameter.label, value_in_words(parameter, parameters[parameter.name]))
        for parameter in kind.parameters
        if parameters.get(parameter.name, parameter.default) != parameter.default
    ]


def value_in_words(parameter: Parameter, value: Any) -> str:
    match parameter.type:
        case "boolean":
            return "yes" if value else "no"
        case "choice":
            return dict(parameter.choices).get(value, str(value))
        case "list":
            return shortened(", ".join(f"“{item}”" for item in value))
        case "json":
            return shortened(json.dumps(value, ensure_ascii=False))
    return shortened(str(value))


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
