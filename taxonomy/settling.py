"""How a verdict comes to be, and how it is taken back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

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


class Settled(NamedTuple):
    """A verdict to be: all by key, and as for ``record_verdict``."""

    output: int
    run: int
    outcome: str
    error_types: Collection[int]
    inclusion_probability: float | None
    decided_by: int | None = None
    why: str = ""


@transaction.atomic
def record_verdicts(settled: Sequence[Settled]) -> None:
    """As ``record_verdict``, for many outputs in a few statements. Each output occurs once."""
    now = timezone.now()
    verdicts = [
        Verdict(
            output_id=each.output,
            run_id=each.run,
            outcome=each.outcome,
            inclusion_probability=each.inclusion_probability,
            settled_at=now,
            decided_by_id=each.decided_by,
            why=each.why,
        )
        for each in settled
    ]
    Verdict.objects.bulk_create(verdicts, update_conflicts=True, unique_fields=["output"], update_fields=SETTLED)
    wanted = {
        (verdict.pk, error_type): verdict.run_id
        for verdict, each in zip(verdicts, settled, strict=True)
        for error_type in each.error_types
    }
    there = Finding.objects.filter(verdict__in=[verdict.pk for verdict in verdicts])
    kept = {(verdict, error_type): pk for pk, verdict, error_type in there.values_list("pk", "verdict", "error_type")}
    Finding.objects.filter(pk__in=[pk for tie, pk in kept.items() if tie not in wanted]).delete()
    Finding.objects.bulk_create(
        [
            Finding(verdict_id=verdict, error_type_id=error_type, run_id=run)
            for (verdict, error_type), run in wanted.items()
            if (verdict, error_type) not in kept
        ],
        ignore_conflicts=True,
    )


def withdraw_verdicts(outputs: Collection[int]) -> None:
    """As ``withdraw_verdict``, for many outputs by key."""
    Verdict.objects.filter(output__in=outputs).delete()
