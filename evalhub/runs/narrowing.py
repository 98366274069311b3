"""Which outputs of a run are listed, and exported: answers, failures, what was taken over, what may be paid twice."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from evalhub.runs.causes import CAUSES
from evalhub.runs.models import LostCall, Output

# What ?show= may say besides “cause:” and a cause.
SHOWN = {"": "all", "answered": "answered", "failed": "failed", "reused": "reused", "lost": "possibly paid twice"}


def is_known(show: str) -> bool:
    kind, _, cause = show.partition(":")
    return show in SHOWN or (kind == "cause" and cause in CAUSES)


def narrowed(outputs: QuerySet[Output], show: str) -> QuerySet[Output]:
    """Narrow outputs to what ``show`` says, a word of ``SHOWN`` or such as “cause:timeout”; "" leaves all."""
    kind, _, cause = show.partition(":")
    if kind == "answered":
        return outputs.filter(error_cause="")
    if kind == "failed":
        return outputs.exclude(error_cause="")
    if kind == "reused":
        return outputs.filter(reused_from__isnull=False)
    if kind == "lost":
        return outputs.filter(was_lost())
    return outputs.filter(error_cause=cause) if kind == "cause" else outputs


def was_lost() -> Exists:
    """Whether a call for the output was lost with its worker, so that it may have been paid twice."""
    same = {name: OuterRef(name) for name in ("run_id", "example_id", "repeat")}
    return Exists(LostCall.objects.filter(**same))
