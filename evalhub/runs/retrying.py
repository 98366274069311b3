"""What follows an answer: it is stored, or the call is made again, and when."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Protocol

MOST_ATTEMPTS = 6
# An answer that came whole and cannot be read is asked for twice more: the model is likely to repeat itself.
MOST_ATTEMPTS_IF_UNREADABLE = 3
UNREADABLE = frozenset({"not_json", "no_choices", "empty"})
# Nothing is wrong with the example: no other one would be answered either.
REFUSED = frozenset({"auth", "quota"})
LONGEST_RETRY_AFTER = 600.0
FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 60.0


class Answer(Protocol):
    """The part of ``evalhub.candidates.calling.Reply`` that this decides by."""

    cause: str
    is_transient: bool
    retry_after: float | None


@dataclass(frozen=True)
class Retry:
    """Call again after this many seconds. ``holds_endpoint``: the endpoint asked for it, so no call at all before."""

    seconds: float
    holds_endpoint: bool = False


def retry_of(answer: Answer, attempts: int, chance: Random) -> Retry | None:
    """When to make the call again after its ``attempts``-th answer; None if this answer is final."""
    if not answer.cause or attempts >= most_attempts(answer.cause):
        return None
    if not answer.is_transient and answer.cause not in REFUSED:
        return None
    asked = answer.retry_after
    if asked is not None and 0 <= asked <= LONGEST_RETRY_AFTER:
        return Retry(asked, holds_endpoint=True)
    return Retry(backoff(attempts, chance))


def most_attempts(cause: str) -> int:
    return MOST_ATTEMPTS_IF_UNREADABLE if cause in UNREADABLE else MOST_ATTEMPTS


def backoff(attempts: int, chance: Random) -> float:
    """Full jitter: anything from none to 1, 2, 4, ... 60 seconds, so that those who failed together return apart."""
    return chance.uniform(0, min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** (attempts - 1)))
