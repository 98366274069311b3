"""What to do about failed outputs, by their cause. A retry asks as the run was frozen; only the key is today's."""

from __future__ import annotations

from evalhub.runs.causes import INTERNAL, QUARANTINED

ADVICE = {
    "connect": "Retry them when the endpoint can be reached.",
    "refused_address": "EvalHub calls no such address. Correct the endpoint, and start a new run.",
    "timeout": "Retry them, or give the endpoint a longer time limit and start a new run.",
    "reset": "This mostly passes: retry them.",
    "rate_limited": "Retry them later. Limits a minute at the endpoint keep new runs from it.",
    "quota": "Retry them when there is credit again.",
    "auth": "Correct the endpoint's key, then retry them.",
    "not_found": "Correct the base URL or the model name, and start a new run.",
    "bad_request": "The endpoint said why. A retry asks the same again.",
    "too_large": "The model takes no request so long. A retry asks the same again.",
    "server_error": "This mostly passes: retry them.",
    "not_json": "Look at what the endpoint sent. A retry helps if it fails now and then.",
    "no_choices": "Look at what the endpoint sent. A retry helps if it fails now and then.",
    "empty": "A retry helps if it fails now and then.",
    "truncated_stream": "This mostly passes: retry them.",
    QUARANTINED: "Find out why workers were lost on these, then retry them.",
    INTERNAL: "See the workers' log, then retry them.",
}


def advice_for(cause: str) -> str:
    """A sentence or two; "" where there is none to give."""
    return ADVICE.get(cause, "")
