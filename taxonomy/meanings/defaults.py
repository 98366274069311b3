"""What failing a check means where that is certain: the error types that a new check has from the start.

Certain is what nobody who looks at the output could see otherwise: JSON that cannot be read, a number that is another
one, a call of the wrong tool. A text that is not the expected one may be right in other words, so that people decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalhub.checks.kinds.base import NO_ANSWER
from evalhub.checks.models import Check
from taxonomy.models import CheckMeaning, ErrorType

# Codes of the starter taxonomy. They stay when a type is renamed.
FORMAT, VALUE, LEFT_OUT = "broken_format", "wrong_value", "missing_information"
ACTION, REFUSED, MISSING = "wrong_action", "refused_needlessly", "no_answer"

VALID_JSON = ("json_in_fence", "text_around_json", "cut_off_json", "invalid_json")
SCHEMA = ("invalid_json", "missing_field", "wrong_type", "not_allowed_value", "extra_field", "other_schema_violation")
NUMBER = ("wrong_number", "wrong_scale", "wrong_sign")
CALLS = (
    *("call_not_needed", "missing_call", "wrong_tool", "extra_call", "missing_argument", "wrong_argument"),
    *("unknown_argument", "wrong_order"),
)

CERTAIN: dict[str, dict[str, str]] = {
    # Whether a text is right in other words is for people to say; whether it is JSON where JSON is expected is not.
    "equals": {"invalid_json": FORMAT},
    "contains": {},
    "matches": {},
    "number": {**dict.fromkeys(NUMBER, VALUE), **dict.fromkeys(("several_numbers", "invalid_json"), FORMAT)},
    "valid_json": dict.fromkeys(VALID_JSON, FORMAT),
    "json_schema": dict.fromkeys(SCHEMA, FORMAT),
    "json_fields": {
        "invalid_json": FORMAT,
        "missing_field": LEFT_OUT,
        **dict.fromkeys(("wrong_field", "wrong_value"), VALUE),
    },
    "tool_calls": {**dict.fromkeys(CALLS, ACTION), "arguments_not_json": FORMAT},
}


def codes_of(kind: str, name: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    """cause -> the code of the starter error type that it certainly is; causes that are not certain are left out."""
    codes = {NO_ANSWER.code: MISSING, **CERTAIN.get(kind, {})}
    if kind == "number" and parameters.get("source") in {"field", "pattern"}:
        # There is a place where the number must stand. In a free text its absence may be a refusal as well.
        codes |= {"no_number": FORMAT, "missing_field": FORMAT}
    if kind == "matches" and finds_refusals(name, parameters):
        codes["forbidden_match"] = REFUSED
    return codes


def finds_refusals(name: str, parameters: Mapping[str, Any]) -> bool:
    """Whether a pattern check certainly finds refusals: its name says so, and the answer must not begin that way.

    “I cannot” in the middle of an answer need not be one.
    """
    begins = str(parameters.get("pattern", "")).removeprefix("(?i)").startswith(("^", r"\A"))
    return parameters.get("mode") == "no_match" and begins and "refus" in name.casefold()


def mean_by_default(check: Check, replaced: Check | None = None) -> None:
    """Give a new check its meanings: those of the check that it replaces, else what it means for certain.

    Called with each check that is added, in the same transaction. A type that the project has not, or has retired,
    gives no meaning; one that was merged gives that which it was merged into.
    """
    if replaced is not None:
        rows = list(replaced.meanings.values_list("cause", "error_type_id"))
    else:
        types = types_by_code(check.eval_set.project_id)
        codes = codes_of(check.kind, check.name, check.parameters)
        rows = [(cause, types[code]) for cause, code in codes.items() if code in types]
    CheckMeaning.objects.bulk_create(
        [CheckMeaning(by=check, cause=cause, error_type_id=key) for cause, key in rows], ignore_conflicts=True
    )


def types_by_code(project_id: int) -> dict[str, int]:
    """code -> the key of the active error type of the project that it stands for now."""
    types = {each.pk: each for each in ErrorType.objects.filter(project=project_id)}
    found = {}
    for each in types.values():
        here, seen = each, {each.pk}
        while here.merged_into_id is not None and here.merged_into_id not in seen:
            here = types[here.merged_into_id]
            seen.add(here.pk)
        if here.retired_at is None:
            found[each.code] = here.pk
    return found
