"""How many tokens a call takes: reckoned before it begins, and corrected when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalhub.candidates.calling import Reply

# Before the first answer of a run: a short prompt, and what a model says that is told nothing about length.
USUAL_PROMPT, USUAL_COMPLETION = 200, 300
# How much the latest call moves the mean.
WEIGHT = 0.05


class Tokens:
    """The mean of a shift's calls, and by how much they went beyond what was reckoned."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        self.mean = float(USUAL_PROMPT + (plan.get("max_tokens") or USUAL_COMPLETION))
        self.is_told = False
        self.beyond = 0.0

    def told(self, reply: Reply, expected: float) -> None:
        """Take in what a call took; one that says nothing of tokens took what was expected if it was answered."""
        if reply.prompt_tokens is None and reply.completion_tokens is None:
            self.beyond -= expected if reply.cause else 0.0
            return
        taken = float((reply.prompt_tokens or 0) + (reply.completion_tokens or 0))
        self.mean = self.mean + WEIGHT * (taken - self.mean) if self.is_told else max(1.0, taken)
        self.is_told = True
        self.beyond += taken - expected

    def take_beyond(self) -> float:
        """What was taken beyond what was expected since this was last asked; negative if less."""
        beyond, self.beyond = self.beyond, 0.0
        return beyond
