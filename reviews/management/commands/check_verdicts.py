"""Prove that every verdict of people is what the labels say."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from evalhub.runs.models import Output
from reviews.models import ReviewItem
from reviews.status import Status
from reviews.verdicts import derive_verdict, verdict_by_labels
from taxonomy.models import Source, Verdict


class Command(BaseCommand):
    help = "Derive every verdict again from the labels, and name the outputs whose stored one differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--mend", action="store_true", help="write the derived verdicts over the stored ones")

    def handle(self, *args: Any, mend: bool, **options: Any) -> None:
        settled = ReviewItem.objects.filter(status=Status.SETTLED).values("output")
        outputs = Output.objects.filter(pk__in=settled) | Output.objects.filter(verdict__isnull=False)
        checked, wrong = 0, []
        for output in outputs.distinct("pk").order_by("pk").defer("text", "raw", "tool_calls").iterator(1000):
            checked += 1
            if stored_verdict(output) != verdict_by_labels(output.pk):
                wrong.append(output.pk)
                if mend:
                    derive_verdict(output.pk)
        if wrong and not mend:
            named = ", ".join(map(str, wrong[:20]))
            raise CommandError(
                f"{len(wrong)} of {checked} verdicts differ from their labels: outputs {named}. Use --mend."
            )
        self.stdout.write(f"{checked} verdicts agree with their labels." if not wrong else f"{len(wrong)} mended.")


def stored_verdict(output: Output) -> tuple[str, frozenset[int]] | None:
    """What people settled, as it is stored; what checks found besides is not theirs."""
    verdict = Verdict.objects.by_people().filter(output=output).first()
    if verdict is None:
        return None
    found = verdict.findings.filter(source=Source.PEOPLE).values_list("error_type", flat=True)
    return verdict.outcome, frozenset(found)
