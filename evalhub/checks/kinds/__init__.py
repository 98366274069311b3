"""Every kind of check, pure: no database, no network, nothing that an answer could make raise.

judge = judge_with("number", {"source": "last"})
judge(Answer("It is 17."), Expected("number", 18))
# Judgement(FAILED, "wrong_number", "The answer says 17, expected 18.")
"""

from collections.abc import Mapping
from typing import Any

from evalhub.checks.kinds import contains, equals, json_fields, json_schema, matches, number, tool_calls, valid_json
from evalhub.checks.kinds.base import Judge, Kind

KINDS: dict[str, Kind] = {
    module.KIND.code: module.KIND
    for module in (equals, contains, matches, number, valid_json, json_schema, json_fields, tool_calls)
}


def judge(kind: str, parameters: Mapping[str, Any]) -> Judge:
    """Return the prepared check of a kind. Raises ParameterError; KeyError for a kind that does not exist."""
    return KINDS[kind].prepare(parameters)
