"""Which outputs of a run are listed, and exported: those of an answer, those of a failure."""

from __future__ import annotations

from django.db.models import QuerySet

from evalhub.runs.causes import CAUSES
from evalhub.runs.models import Output

# What ?show= may say besides “cause:” and a cause.
SHOWN = {"": "all", "answered": "answered", "failed": "failed"}


def is_known(show: str) -> bool:
    kind, _, cause = show.partition(":")
    return show in SHOWN or (kind == "cause" and cause in CAUSES)


def narrowed(outputs: QuerySet[Output], show: str) -> QuerySet[Output]:
    """Narrow outputs to what ``show`` says: “answered”, “failed” or “cause:timeout”; "" leaves all."""
    kind, _, cause = show.partition(":")
    if kind == "answered":
        return outputs.filter(error_cause="")
    if kind == "failed":
        return outputs.exclude(error_cause="")
    return outputs.filter(error_cause=cause) if kind == "cause" else outputs
