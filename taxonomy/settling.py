"""How a verdict comes to be, and how it is taken back."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from evalhub.projects.models import User
from evalhub.runs.models import Output
from taxonomy.models import Finding, Verdict

SETTLED = ["outcome", "inclusion_probability", "settled_at", "decided_by", "why"]


@transaction.atomic
def record_verdict(
    output: Output,
    outcome: str,
    error_types: Collection[int] = (),
    inclusion_probability: float | None = None,
    decided_by: User | None = None,
    why: str = "",
) -> Verdict:
    """Settle an output, replacing an earlier verdict on it, with one finding for each error type (keys).

    ``inclusion_probability`` (0 to 1) is the chance that the output had of being chosen for review; None: not known.
    ``decided_by`` and ``why``: who settled it over the labels, and what they said; nobody where labels agreed.
    """
    verdict = Verdict(
        output=output,
        run_id=output.run_id,
        outcome=outcome,
        inclusion_probability=inclusion_probability,
        settled_at=timezone.now(),
        decided_by=decided_by,
        why=why,
    )
    Verdict.objects.bulk_create([verdict], update_conflicts=True, unique_fields=["output"], update_fields=SETTLED)
    Finding.objects.filter(verdict=verdict).exclude(error_type__in=error_types).delete()
    Finding.objects.bulk_create(
        [Finding(verdict=verdict, error_type_id=error_type, run_id=output.run_id) for error_type in error_types],
        ignore_conflicts=True,
    )
    return verdict


def withdraw_verdict(output: Output) -> None:
    """The output is open again: its labels no longer say one thing, or there are none."""
    Verdict.objects.filter(output=output).delete()
