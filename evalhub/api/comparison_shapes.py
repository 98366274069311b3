"""What is answered about a run beside its baseline. Shares go from 0 to 1; differences are the run minus baseline."""

from __future__ import annotations

from typing import Any

from ninja import Field, Schema
from pydantic import ConfigDict

EXAMPLE: dict[str, Any] = {
    "run": 12,
    "run_name": "new-model",
    "baseline": 7,
    "baseline_name": "old-model",
    "version": 3,
    "version_name": "Inbox v2",
    "taxonomy_version": 5,
    "headlines": [
        {
            "kind": "regression",
            "text": "Better overall, by the checks (72.0 % right against 70.0 %), but “Invalid JSON” (found by checks) "
            "rose from 2.1 % to 6.0 %: 24 outputs more, p = 0.0004 after correction.",
        }
    ],
    "right": {
        "baseline": {"count": 420, "n": 600, "share": 0.7, "low": 0.662, "high": 0.735, "is_at_most": False},
        "run": {"count": 432, "n": 600, "share": 0.72, "low": 0.683, "high": 0.754, "is_at_most": False},
        "difference": {
            "value": 0.02,
            "low": -0.012,
            "high": 0.052,
            "p": 0.25,
            "adjusted_p": 0.25,
            "pairs": 600,
            "baseline_only": 60,
            "run_only": 72,
        },
    },
    "modes": [
        {
            "error_type": 4,
            "code": "invalid_json",
            "name": "Invalid JSON",
            "severity": "major",
            "source": "check",
            "is_retired": False,
            "baseline": {"count": 13, "n": 600, "share": 0.021, "low": 0.012, "high": 0.036, "is_at_most": False},
            "run": {"count": 36, "n": 600, "share": 0.06, "low": 0.044, "high": 0.082, "is_at_most": False},
            "difference": {
                "value": 0.039,
                "low": 0.018,
                "high": 0.061,
                "p": 0.0002,
                "adjusted_p": 0.0004,
                "pairs": 600,
                "baseline_only": 4,
                "run_only": 27,
            },
            "standing": "worse",
            "is_hidden": True,
            "pairs_needed": None,
        }
    ],
    "page": "/p/support-inbox/breakdown/report/?first=7&second=12&as_of=5",
}


class Rate(Schema):
    """How many of how many, with the 95 % interval of the share."""

    count: int
    n: int = Field(description="Outputs that somebody looked at; 0: there is no share.")
    share: float | None
    low: float | None
    high: float | None
    is_at_most: bool = Field(description="None was seen: say “at most high”.")


class Difference(Schema):
    """Between two runs on the same examples. Of an error, above 0 is worse."""

    value: float
    low: float
    high: float
    p: float = Field(description="Of the exact paired test.")
    adjusted_p: float = Field(description="After Holm's correction; of critical types and totals the same as p.")
    pairs: int = Field(description="Outputs of both runs for the same example and repeat.")
    baseline_only: int = Field(description="Pairs in which only the baseline's output has it.")
    run_only: int = Field(description="Pairs in which only the run's output has it.")


class RightShare(Schema):
    """Right by the checks: an output that passes every active check; a missing answer is wrong."""

    baseline: Rate
    run: Rate
    difference: Difference | None = Field(description="Of the share that is right: above 0 is better.")


class FailureMode(Schema):
    """An error type as people, or as checks found it, with the types below it."""

    error_type: int
    code: str
    name: str
    severity: str = Field(description="minor, major or critical.")
    source: str = Field(description="people or check.")
    is_retired: bool
    baseline: Rate
    run: Rate
    difference: Difference | None = Field(description="null: no pair of outputs was looked at.")
    standing: str = Field(
        description="worse, better or cannot_tell; not_tested: no pairs, or the same pairs as a type below it."
    )
    is_hidden: bool = Field(description="It is worse, and the total is not.")
    pairs_needed: int | None = Field(description="With cannot_tell: about how many pairs it would take to tell.")


class Headline(Schema):
    kind: str = Field(description="regression, critical, total, improvement, cannot_tell or nothing.")
    text: str


class Comparison(Schema):
    """A run beside a baseline over the same eval set version."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    run: int
    run_name: str
    baseline: int
    baseline_name: str
    version: int
    version_name: str
    taxonomy_version: int
    headlines: list[Headline]
    right: RightShare
    modes: list[FailureMode]
    page: str = Field(description="Path of the report's page.")
