"""What one call came to, and the classes of what goes wrong with calls."""

from __future__ import annotations

from dataclasses import dataclass, field

# Every cause that an output can fail by, with the words for it on pages.
CAUSES = {
    "connect": "Could not connect",
    "refused_address": "Address not allowed",
    "timeout": "Time limit",
    "reset": "Connection broke",
    "rate_limited": "Too many requests",
    "quota": "Quota used up",
    "auth": "Key refused",
    "not_found": "Not found",
    "bad_request": "Request refused",
    "too_large": "Too large",
    "server_error": "Endpoint failed",
    "not_json": "Not readable",
    "no_choices": "No choices",
    "empty": "Empty answer",
    "truncated_stream": "Stream broke off",
}


@dataclass(slots=True)
class Reply:
    """The outcome of one attempt: an answer when ``cause`` is empty, otherwise what went wrong.

    ``tool_calls`` are ``{"id", "name", "arguments"}`` with the arguments as the string that the model sent.
    ``first_token_ms`` is None where nothing was streamed. ``retry_after`` is in seconds, from 0 to 600.
    """

    text: str = ""
    tool_calls: list[dict[str, str]] = field(default_factory=list)
    finish_reason: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    first_token_ms: float | None = None
    total_ms: float = 0.0
    cause: str = ""
    error: str = ""
    raw: str = ""
    truncated: bool = False
    retry_after: float | None = None
    is_transient: bool = False


class CallError(Exception):
    """A fault on the other side, on its way to the reply. Never leaves ``calling``."""

    def __init__(self, cause: str, error: str, *, is_transient: bool = False) -> None:
        super().__init__(error)
        self.cause = cause
        self.error = error
        self.is_transient = is_transient
