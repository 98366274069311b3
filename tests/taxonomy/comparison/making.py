"""Runs whose outputs were settled by people or found wrong by checks, in one line each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from django.db import transaction

from evalhub.checks.models import Check, Score
from evalhub.evalsets.models import EvalSetVersion
from evalhub.runs.models import Output, Run
from taxonomy.comparison.counting import Scoped, Tally
from taxonomy.comparison.figures import Figure, Subject, figure_of
from taxonomy.models import CheckMeaning, ErrorType
from taxonomy.settling import Settled, record_check_verdicts, record_verdicts
from taxonomy.versions import record_change
from tests.making import admin_of, make_check, make_run


@transaction.atomic
def make_type(project, name: str, parent: ErrorType | None = None, severity: str = "major") -> ErrorType:
    code = name.lower().replace(" ", "_")
    made = ErrorType.objects.create(
        project=project, code=code, name=name, parent=parent, severity=severity, position=ErrorType.objects.count()
    )
    record_change(project, f"Added {name}", admin_of(project))
    return made


def make_meaning(check: Check, error_type: ErrorType, cause: str = "") -> CheckMeaning:
    return CheckMeaning.objects.create(by=check, cause=cause, error_type=error_type)


def outputs_of(run: Run) -> list[Output]:
    return list(run.outputs.order_by("example__position", "repeat"))


def settle(run: Run, said: Sequence[Collection[ErrorType] | bool | None]) -> None:
    """By people, in the examples' order: the error types of a fail, True for a pass, None for nothing."""
    record_verdicts(
        [
            Settled(output.pk, "pass" if each is True else "fail", [t.pk for t in each or [] if each is not True], 1.0)
            if each is not True
            else Settled(output.pk, "pass", [], 1.0)
            for output, each in zip(outputs_of(run), said, strict=True)
            if each is not None
        ]
    )


def score(run: Run, check: Check, failed: Collection[int], skipped: Collection[int] = (), cause: str = "x") -> None:
    """The check's word on every output, by place from 0, and the findings that follow from it."""
    Score.objects.bulk_create(
        Score(
            output=output,
            by=check,
            run=run,
            outcome="skipped" if place in skipped else "failed" if place in failed else "passed",
            cause=cause if place in failed else "",
        )
        for place, output in enumerate(outputs_of(run))
    )
    by_people = set(run.verdicts.by_people().values_list("output_id", flat=True))
    record_check_verdicts([output.pk for output in outputs_of(run) if output.pk not in by_people])


def two_runs(version: EvalSetVersion, repeats: tuple[int, int] = (1, 1)) -> tuple[Run, Run]:
    """A baseline and a candidate that answered alike."""
    runs = (make_run(version, "old"), make_run(version, "new"))
    for run, count in zip(runs, repeats, strict=True):
        Output.objects.bulk_create(
            Output(run=run, example_id=output.example_id, text=output.text, repeat=repeat)
            for repeat in range(2, count + 1)
            for output in outputs_of(run)
        )
        run.repeats = count
        run.planned_outputs *= count
        run.save()
    baseline = runs[0].candidate
    baseline.is_baseline = True
    baseline.save()
    return runs


def checked(version: EvalSetVersion, name: str, error_type: ErrorType, failed: Mapping[Run, Collection[int]]) -> Check:
    """A check that means the error type, with its scores."""
    check = make_check(version, name)
    make_meaning(check, error_type)
    for run, places in failed.items():
        score(run, check, places)
    return check


def figure_made(subject: Subject, both: int, first_only: int, second_only: int, neither: int) -> Figure:
    """Of so many pairs, not yet judged."""
    scoped = Scoped(pairs=both + first_only + second_only + neither)
    scoped.sizes["", 1.0] = scoped.pairs
    return figure_of(subject, scoped, Tally(both, first_only, second_only), over_examples=False)
