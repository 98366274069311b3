"""What becomes of a pair of outputs when one candidate replaces another."""

from __future__ import annotations

from enum import StrEnum


class Change(StrEnum):
    """Of a total, whether the outputs failed; of a mode, whether they have the error."""

    BROKEN = "broken"
    FIXED = "fixed"
    BOTH_WRONG = "both_wrong"
    BOTH_RIGHT = "both_right"

    @property
    def has_it(self) -> tuple[bool, bool]:
        """(first, second) failed, or have the error."""
        return {
            Change.BROKEN: (False, True),
            Change.FIXED: (True, False),
            Change.BOTH_WRONG: (True, True),
            Change.BOTH_RIGHT: (False, False),
        }[self]
