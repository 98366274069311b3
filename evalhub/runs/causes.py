"""Why an output has no answer: the causes of failed calls, and those that only runs know."""

from __future__ import annotations

from evalhub.candidates.replies import CAUSES as CALL_CAUSES

QUARANTINED, RECORDED, INTERNAL = "quarantined", "recorded", "internal"

CAUSES = CALL_CAUSES | {
    QUARANTINED: "Workers were lost",
    RECORDED: "Recorded as an error",
    INTERNAL: "EvalHub failed",
}


def name_of_cause(cause: str) -> str:
    """A cause in words for people."""
    return CAUSES.get(cause, cause)
