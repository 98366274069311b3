"""Whether verdicts are what people said and what checks found: each derived again, and compared with what is stored."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from django.db import connection, transaction

from evalhub.runs.models import Output
from reviews.settling import derive_verdicts, settled_by_people
from taxonomy.models import Source, Verdict
from taxonomy.settling import Settled, Types, types_by_checks

BATCH = 2_000  # outputs

STORED = """
SELECT verdict.output_id, verdict.source, verdict.outcome, found.people, found.checks, verdict.inclusion_probability,
    verdict.failing_step, verdict.decided_by_id, verdict.why,
    ARRAY(SELECT error_type_id FROM taxonomy_finding WHERE verdict_id = verdict.id AND source = 'people' ORDER BY 1),
    ARRAY(SELECT error_type_id FROM taxonomy_finding WHERE verdict_id = verdict.id AND source = 'check' ORDER BY 1),
    (verdict.run_id, verdict.example_id, verdict.repeat) = (output.run_id, output.example_id, output.repeat)
    AND NOT EXISTS (SELECT FROM taxonomy_finding WHERE verdict_id = verdict.id AND run_id <> output.run_id)
FROM taxonomy_verdict AS verdict JOIN taxonomy_findingset AS found ON found.id = verdict.found_id
JOIN runs_output AS output ON output.id = verdict.output_id
WHERE verdict.output_id = ANY(%(outputs)s)
"""


class Fault(StrEnum):
    """What is wrong with verdicts, in words behind how many."""

    LABELS = "differ from their labels"
    CHECKS = "differ from what checks found"
    FINDINGS = "have other findings than they count"
    PLACE = "name another run, example or repeat than their output"


class Said(NamedTuple):
    """All that a verdict says."""

    source: str
    outcome: str
    people: Types
    checks: Types
    inclusion_probability: float | None
    failing_step: int | None
    decided_by: int | None
    why: str

    @property
    def by_people(self) -> tuple[Any, ...] | None:
        """What of it is people's; None where they settled nothing."""
        return None if self.source != Source.PEOPLE else (self.outcome, self.people, *self[4:])


def batches_of_outputs() -> Iterator[list[int]]:
    """The keys of all outputs, rising."""
    last = 0
    while keys := list(Output.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        yield keys
        last = keys[-1]


def derived(outputs: Collection[int]) -> dict[int, Said]:
    """The verdicts that these outputs should have, by labels and scores alone."""
    by_checks = types_by_checks(outputs)
    found = {
        output: as_said(Settled(output, "fail", (), None), Source.CHECK, types) for output, types in by_checks.items()
    }
    for each in settled_by_people(outputs):
        checks = by_checks.get(each.output, ()) if each.outcome == Verdict.Outcome.FAIL else ()
        found[each.output] = as_said(each, Source.PEOPLE, checks)
    return found


def as_said(settled: Settled, source: Source, checks: Types) -> Said:
    people = tuple(sorted(set(settled.error_types)))
    rest = (settled.inclusion_probability, settled.failing_step, settled.decided_by, settled.why)
    return Said(str(source), str(settled.outcome), people, checks, *rest)


def look_through(outputs: Sequence[int]) -> tuple[int, dict[int, Fault]]:
    """How many of the outputs have a verdict, or should have one; and what is wrong with which."""
    should, faults, seen = derived(outputs), {}, set()
    with connection.cursor() as cursor:
        cursor.execute(STORED, {"outputs": list(outputs)})
        rows = cursor.fetchall()
    for row in rows:
        output, source, outcome, people, checks, *rest, people_rows, check_rows, has_its_place = row
        seen.add(output)
        said = Said(source, outcome, tuple(people), tuple(checks), *rest)
        if fault := fault_of(said, should.get(output)):
            faults[output] = fault
        elif (people, checks) != (people_rows, check_rows):
            faults[output] = Fault.FINDINGS
        elif not has_its_place:
            faults[output] = Fault.PLACE
    for output in should.keys() - seen:
        faults[output] = Fault.LABELS if should[output].by_people else Fault.CHECKS
    return len(should.keys() | seen), faults


def fault_of(stored: Said, should: Said | None) -> Fault | None:
    if stored.by_people != (should.by_people if should else None):
        return Fault.LABELS
    return None if stored == should else Fault.CHECKS


@transaction.atomic
def mend(outputs: Collection[int]) -> None:
    """Write the verdicts that these outputs should have in place of those that are there."""
    # In one order, as whoever settles outputs does.
    list(Output.objects.select_for_update(no_key=True).filter(pk__in=outputs).order_by("pk").values_list("pk"))
    Verdict.objects.filter(output__in=outputs).delete()
    derive_verdicts(outputs)
