"""Rows for tests, in one line each: a published version, a candidate, a run with its outputs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils import timezone

from evalhub.candidates.models import Candidate
from evalhub.checks.models import Check, Score
from evalhub.evalsets.models import EvalSet, EvalSetVersion, Example
from evalhub.projects.models import Member, Project, Role, User
from evalhub.runs.models import Output, Run
from reviews.assessment import Assessment
from reviews.counting import count_items
from reviews.models import ReviewItem, Round
from reviews.queue import claim_next_item
from taxonomy.models import ErrorType


def admin_of(project: Project) -> User:
    return Member.objects.filter(project=project, role=Role.ADMIN).earliest("pk").user


def make_version(
    project: Project, examples: int | Sequence[Mapping[str, Any]] = 3, name: str = "Inbox", published: bool = True
) -> EvalSetVersion:
    """A version with these examples, or with so many that ask for a number and expect it."""
    rows = examples if not isinstance(examples, int) else [numbered(n) for n in range(1, examples + 1)]
    eval_set, _ = EvalSet.objects.get_or_create(project=project, name=name)
    version = EvalSetVersion.objects.create(
        eval_set=eval_set,
        number=eval_set.versions.count() + 1,
        state=EvalSetVersion.State.DRAFT,
        example_count=len(rows),
        created_by=admin_of(project),
    )
    Example.objects.bulk_create(
        Example(version=version, position=position, digest=hashlib.sha256(repr(row).encode()).digest(), **row)
        for position, row in enumerate(rows, start=1)
    )
    if published:
        version.state, version.published_at = EvalSetVersion.State.PUBLISHED, timezone.now()
        version.content_hash = hashlib.sha256(repr(rows).encode()).hexdigest()
        version.save()
    return version


def numbered(n: int) -> dict[str, Any]:
    request = {"messages": [{"role": "user", "content": f"Say the number {n}."}]}
    return {"key": f"example-{n}", "request": request, "expected_kind": "text", "expected": str(n)}


def make_candidate(project: Project, name: str = "small-model", **fields: Any) -> Candidate:
    return Candidate.objects.create(project=project, name=name, **fields)


def make_run(
    version: EvalSetVersion, candidate: Candidate | str = "small-model", answers: Sequence[str] | None = None
) -> Run:
    """A finished run whose outputs are these texts in the examples' order; without them, the expected ones."""
    project = version.eval_set.project
    if isinstance(candidate, str):
        candidate = Candidate.objects.filter(project=project, name=candidate).first() or make_candidate(
            project, candidate
        )
    examples = list(version.examples.all())
    run = Run.objects.create(
        project=project,
        version=version,
        candidate=candidate,
        source=Run.Source.UPLOADED,
        state=Run.State.FINISHED,
        planned_outputs=len(examples),
        started_by=admin_of(project),
        finished_at=timezone.now(),
    )
    texts = [str(example.expected) for example in examples] if answers is None else answers
    Output.objects.bulk_create(
        Output(run=run, example=example, text=text) for example, text in zip(examples, texts, strict=True)
    )
    return run


def make_check(version: EvalSetVersion, name: str = "Equal", kind: str = "equals", **parameters: Any) -> Check:
    return Check.objects.create(eval_set=version.eval_set, name=name, kind=kind, parameters=parameters)


def make_score(output: Output, check: Check, passed: bool, cause: str = "different") -> Score:
    outcome = Score.Outcome.PASSED if passed else Score.Outcome.FAILED
    return Score.objects.create(
        output=output, by=check, run=output.run, outcome=outcome, cause="" if passed else cause, message=""
    )


def make_round(run: Run, labels_wanted: int = 1, name: str = "Disagreements") -> Round:
    """A filled round with every output of the run."""
    made = Round.objects.create(
        project=run.project,
        name=name,
        labels_wanted=labels_wanted,
        selection={"wanted": {}, "seed": "s"},
        created_by=run.started_by,
        filled_at=timezone.now(),
    )
    made.runs.add(run)
    ReviewItem.objects.bulk_create(
        ReviewItem(
            round=made,
            output=output,
            reasons=["failed_check"],
            inclusion_probability=0.5,
            order=number,
            labels_wanted=labels_wanted,
        )
        for number, output in enumerate(run.outputs.order_by("pk"))
    )
    count_items(made.pk)
    made.refresh_from_db()
    return made


def claim_next(made: Round, person: User) -> ReviewItem | None:
    """The next item for the person, as a row; None when nothing waits for them."""
    claimed = claim_next_item(made, person)
    return ReviewItem.objects.get(pk=claimed) if claimed else None


def assessed(outcome: str, error_types: Iterable[ErrorType] = (), note: str = "", **rest: Any) -> Assessment:
    """What somebody says of an output; ``rest``: severity, fault, failing_step."""
    return Assessment(outcome, frozenset(error_type.pk for error_type in error_types), note, **rest)
