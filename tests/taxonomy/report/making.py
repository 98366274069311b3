"""A project in which two candidates can be reported on: checks that mean error types, people's verdicts, a round."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from evalhub.checks.models import Check
from evalhub.checks.scoring import score_run
from evalhub.projects.models import Project
from evalhub.runs.models import Output, Run
from taxonomy.meanings.finding import find_by_checks
from taxonomy.models import CheckMeaning, ErrorType
from taxonomy.settling import Settled, record_verdicts
from taxonomy.versions import record_change
from tests.making import admin_of, make_candidate, make_check, make_round, make_run, make_version

EXAMPLES = 40


@dataclass(frozen=True)
class Compared:
    project: Project
    first: Run
    second: Run
    wrong: ErrorType
    broken: ErrorType
    invented: ErrorType
    equal: Check
    valid: Check


@transaction.atomic
def make_compared(
    project: Project, name: str = "new-model", baseline: str = "old-model", cluster_size: int = 0
) -> Compared:
    """Two runs over 40 examples that expect JSON.

    By the check “Valid JSON” 2 answers of the first are broken, and 14 of the second; of those that are valid 10 and 2
    are not as expected. People settled the first and the last 20 of both runs: 9 failed in the first, 8 with “Not as
    expected”; in the second 6, three with “Not as expected” and two, elsewhere right, with the critical “Made up”.
    """
    rows = [
        {
            "key": f"example-{n}",
            "request": {"messages": [{"role": "user", "content": f"The number {n} as JSON."}]},
            "expected_kind": "json",
            "expected": {"number": n},
            "cluster": f"customer {n // cluster_size}" if cluster_size else "",
        }
        for n in range(1, EXAMPLES + 1)
    ]
    version = make_version(project, rows)
    first = make_run(version, make_candidate(project, baseline, is_baseline=True), answers(2, 10))
    second = make_run(version, make_candidate(project, name), answers(14, 2))
    wrong = make_type(project, "not-as-expected", "Not as expected")
    broken = make_type(project, "no-json", "No JSON")
    invented = make_type(project, "made-up", "Made up", "critical")
    record_change(project, "Own types.", admin_of(project))
    equal, valid = make_check(version, "As expected", "equals"), make_check(version, "Valid JSON", "valid_json")
    CheckMeaning.objects.create(by=valid, cause="", error_type=broken)
    for run in (first, second):
        score_run(run)
        find_by_checks(run)
    settle(first, {1: [], **{n: [wrong.pk] for n in range(23, 31)}})
    settle(second, {1: [], **{n: [wrong.pk] for n in (23, 24, 25)}, **{n: [invented.pk] for n in (38, 39)}})
    make_round(first, name="What failed")
    return Compared(project, first, second, wrong, broken, invented, equal, valid)


def make_type(project: Project, code: str, name: str, severity: str = "major") -> ErrorType:
    position = ErrorType.objects.filter(project=project).count() + 1
    return ErrorType.objects.create(project=project, code=code, name=name, severity=severity, position=position)


def answers(broken: int, different: int) -> list[str]:
    """The first so many are no JSON, the next so many have another number, the rest are as expected."""
    return [
        "no number" if n <= broken else f'{{"number": {-n if n <= broken + different else n}}}'
        for n in range(1, EXAMPLES + 1)
    ]


def settle(run: Run, failed: dict[int, list[int]]) -> None:
    """People settle the outputs for the first and the last 20 examples: these fail, with these error types."""
    outputs = {output.example.position: output.pk for output in run.outputs.select_related("example")}
    record_verdicts(
        [
            Settled(outputs[n], "fail" if n in failed else "pass", failed.get(n, ()), 0.5 if n > 30 else 1.0)
            for n in (1, *range(21, EXAMPLES + 1))
        ]
    )


@transaction.atomic
def change_taxonomy(made: Compared) -> None:
    """By hand: merge, rename, move, retire and add."""
    admin = admin_of(made.project)
    made.wrong.name, made.wrong.severity = "Not the right value", "critical"
    made.wrong.save()
    record_change(made.project, "Renamed.", admin)
    made.invented.parent = made.wrong
    made.invented.save()
    record_change(made.project, "Moved.", admin)


def repeat_outputs(made: Compared) -> None:
    """Ask every example once more: the second run answers half of them otherwise."""
    for run in (made.first, made.second):
        Run.objects.filter(pk=run.pk).update(repeats=2, planned_outputs=2 * EXAMPLES)
        Output.objects.bulk_create(
            Output(run=run, example=each.example, repeat=2, text=each.text if each.example.position % 4 else "none")
            for each in run.outputs.select_related("example")
        )
        run.refresh_from_db()
        score_run(run)
        find_by_checks(run)
        last = run.outputs.filter(repeat=2, example__position__gt=30).order_by("pk")
        record_verdicts(
            [
                Settled(output.pk, "fail" if number % 3 else "pass", [made.wrong.pk] if number % 3 else [], 0.5)
                for number, output in enumerate(last)
            ]
        )
