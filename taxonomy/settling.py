"""How a verdict comes to be, and how it is taken back."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from evalhub.projects.models import User
from evalhub.runs.models import Output
from taxonomy.models import ErrorType, Finding, Verdict


@transaction.atomic
def record_verdict(
    output: Output,
    outcome: str,
    error_types: Collection[ErrorType] = (),
    inclusion_probability: float | None = None,
    decided_by: User | None = None,
    why: str = "",
) -> Verdict:
    """Settle an output, replacing an earlier verdict on it, with one finding for each error type.

    ``inclusion_probability`` (0 to 1) is the chance that the output had of being chosen for review; None: not known.
    ``decided_by`` and ``why``: who settled it over the labels, and what they said; nobody where labels agreed.
    """
    verdict, _ = Verdict.objects.update_or_create(
        output=output,
        defaults={
            "run_id": output.run_id,
            "outcome": outcome,
            "inclusion_probability": inclusion_probability,
            "settled_at": timezone.now(),
            "decided_by": decided_by,
            "why": why,
        },
    )
    verdict.findings.exclude(error_type__in=error_types).delete()
    Finding.objects.bulk_create(
        [Finding(verdict=verdict, error_type=error_type, run_id=output.run_id) for error_type in error_types],
        ignore_conflicts=True,
    )
    return verdict


def withdraw_verdict(output: Output) -> None:
    """The output is open again: its labels no longer say one thing, or there are none."""
    Verdict.objects.filter(output=output).delete()
