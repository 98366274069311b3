"""What somebody says of an output, whole, as a value: of a label, a decision or a known answer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from reviews.models import Saying
from taxonomy.models import ErrorType


@dataclass(frozen=True)
class Assessment:
    """``error_types``: their keys. ``severity`` and ``fault``: as in Severity and Fault, “” when not said.
    ``failing_step``: the first that went wrong, from 1."""

    outcome: str
    error_types: frozenset[int] = frozenset()
    note: str = ""
    severity: str = ""
    fault: str = ""
    failing_step: int | None = None

    def as_said(self) -> dict[str, Any]:
        """As ``Saying.as_said``: the shape of drafts and of the history."""
        return {**self.values(), "error_types": sorted(self.error_types)}

    def values(self) -> dict[str, Any]:
        """All but the error types, by the names of the columns."""
        return {
            "outcome": self.outcome,
            "severity": self.severity,
            "fault": self.fault,
            "failing_step": self.failing_step,
            "note": self.note,
        }


def assessment_of(saying: Saying, error_types: Collection[ErrorType] | None = None) -> Assessment:
    """What a stored label, decision or known answer says; with these ``error_types`` in place of its own, if given."""
    types = saying.error_types.all() if error_types is None else error_types
    return Assessment(
        outcome=saying.outcome,
        error_types=frozenset(error_type.pk for error_type in types),
        note=saying.note,
        severity=saying.severity,
        fault=saying.fault,
        failing_step=saying.failing_step,
    )
