"""Prove that every verdict is what people said, and what checks that are certain found."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reviews.proving import Fault, batches_of_outputs, look_through, mend

NAMED = 20  # outputs of a fault


class Command(BaseCommand):
    help = "Derive every verdict again from labels and scores, and name the outputs whose stored one differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--mend", action="store_true", help="write the derived verdicts over the stored ones")

    def handle(self, *args: Any, mend: bool, **options: Any) -> None:
        checked, wrong = prove(mends=mend)
        if not wrong:
            self.stdout.write(f"{checked} verdicts agree with their labels, and with what checks found.")
        elif mend:
            self.stdout.write(f"{len(wrong)} mended.")
        else:
            raise CommandError("\n".join([*sentences(checked, wrong), "Use --mend."]))


def prove(*, mends: bool) -> tuple[int, dict[int, Fault]]:
    """How many verdicts there are or should be, and what was wrong with which outputs'."""
    checked, wrong = 0, dict[int, Fault]()
    for outputs in batches_of_outputs():
        count, faults = look_through(outputs)
        checked += count
        wrong |= faults
        if mends and faults:
            mend(faults)
    return checked, wrong


def sentences(checked: int, wrong: dict[int, Fault]) -> list[str]:
    found = {fault: [output for output, its in wrong.items() if its == fault] for fault in Fault}
    return [
        f"{len(outputs)} of {checked} verdicts {fault}: outputs {', '.join(map(str, sorted(outputs)[:NAMED]))}."
        for fault, outputs in found.items()
        if outputs
    ]
