"""Loads the demo project the way a team would: uploads, a published version, candidates, runs, a review round.

Each step looks whether it is done, so a start that was cut short goes on where it stopped. The work itself is done by
the workers that run beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.db.models import Count, Sum

from demo.people import join_people, make_people
from demo.rounds import load_rounds
from demo.samples import read_samples, read_taxonomy
from evalhub.candidates.models import Candidate, Endpoint
from evalhub.checks.models import Check, Score
from evalhub.checks.shares import shares_right
from evalhub.checks.tasks import score_check_task
from evalhub.errors import EvalHubError
from evalhub.evalsets.checking import start_check
from evalhub.evalsets.files.mapping import mapping_from_json
from evalhub.evalsets.models import EvalSet, EvalSetVersion, ProductionSample, Upload
from evalhub.evalsets.receiving import receive
from evalhub.evalsets.storing import confirm
from evalhub.evalsets.tasks import check_upload_task, import_upload_task
from evalhub.projects.joining import found_project
from evalhub.projects.models import Project, User
from evalhub.runs.models import Output, Run
from evalhub.runs.starting import start_runs
from evalhub.web.templatetags.ui import duration, money, percent
from taxonomy.models import CheckMeaning, ErrorType
from taxonomy.versions import record_change

PROJECT = "Tandem & Tide support inbox"
DESCRIPTION = "Messages of an invented bicycle shop, sorted into JSON or answered by a tool call"
EVAL_SET = "Inbox, labelled by the support team"
BASELINE = "rules-2025"
# model, price of a million input and output tokens in US dollars: as invented as the shop
MODELS = (
    ("rules-2025", "0.05", "0.10"),
    ("bayes-small", "0.15", "0.60"),
    ("bayes-large", "1.00", "4.00"),
    ("nearest", "0.30", "1.20"),
)
FIELDS = ("intent", "priority", "order_id", "refund_amount", "language")
# name, kind, parameters
CHECKS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("JSON without a fence", "valid_json", {"fence": "report"}),
    ("Fields as the team agreed", "json_fields", {"fields": list(FIELDS)}),
    ("Right tool call", "tool_calls", {}),
)
# What failing them means for certain: the name of the check, its causes, the code of the error type
MEANINGS = (
    ("JSON without a fence", ("json_in_fence", "text_around_json"), "fenced_json"),
    ("JSON without a fence", ("cut_off_json", "invalid_json"), "invalid_json"),
    ("Fields as the team agreed", ("wrong_field:intent",), "wrong_intent"),
    ("Fields as the team agreed", ("wrong_field:language",), "wrong_language"),
    ("Right tool call", ("call_not_needed",), "call_not_needed"),
    ("Right tool call", ("missing_call",), "missing_call"),
    ("Right tool call", ("missing_argument", "wrong_argument", "arguments_not_json"), "wrong_arguments"),
)
PATIENCE = 180  # seconds that one step may take


class DemoError(EvalHubError):
    """The demo could not be loaded."""


def load_demo(endpoint_url: str) -> None:
    """Bring the demo project to where every page has something to show. Safe to repeat."""
    people = make_people()
    project = Project.objects.filter(name=PROJECT).first() or found_project(people[0], PROJECT, DESCRIPTION)
    join_people(project, people)
    load_taxonomy(project)
    load_production_samples(project, people[0])
    version = load_eval_set(project, people[0])
    load_checks(version.eval_set)
    candidates = load_candidates(project, endpoint_url)
    if not demo_runs():
        start_runs(version, candidates, 1, people[1])
    wait_until(runs_finished, "the demo's runs")
    wait_until(scores_are_there, "the checks' scores")
    load_rounds(project, demo_runs(), people[1:])


@transaction.atomic
def load_taxonomy(project: Project) -> None:
    """Put the demo's error types in the place of the starter's."""
    rows = read_taxonomy()
    if ErrorType.objects.filter(project=project, code=rows[0]["code"]).exists():
        return
    ErrorType.objects.filter(project=project).delete()
    made: dict[str, ErrorType] = {}
    for position, row in enumerate(rows, start=1):
        made[row["code"]] = ErrorType.objects.create(
            project=project, position=position, **(row | {"parent": made[row["parent"]] if row["parent"] else None})
        )
    record_change(project, "The support team's own error types.", None)


def as_file(rows: list[dict[str, object]], name: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, b"".join(orjson.dumps(row) + b"\n" for row in rows))


def upload(project: Project, purpose: str, file: SimpleUploadedFile, target: dict[str, Any], user: User) -> None:
    """One file on its whole way, as the upload pages lead it; a worker does the work."""
    received = receive(project, purpose, file, target, user)
    start_check(received, mapping_from_json(received.mapping))
    check_upload_task.delay_on_commit(received.pk)
    wait_for_upload(received, Upload.State.CHECKED)
    confirm(received, leave_out_bad=False, options=target)
    import_upload_task.delay_on_commit(received.pk)
    wait_for_upload(received, Upload.State.DONE)


def wait_for_upload(received: Upload, state: str) -> None:
    def arrived() -> bool:
        received.refresh_from_db()
        if received.state == Upload.State.REFUSED:
            raise DemoError(f"The demo's file was refused: {received.refusal}")
        return bool(received.state == state)

    wait_until(arrived, f"the upload of {received.file_name}")


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            raise DemoError(f"{what[0].upper()}{what[1:]} took more than {PATIENCE} s. The log above may say why.")
        time.sleep(0.2)  # the workers are at it


def load_production_samples(project: Project, admin: User) -> None:
    if ProductionSample.objects.filter(project=project).exists():
        return
    rows = [
        {key: value for key, value in sample.items() if not key.startswith("expected")} for sample in read_samples()
    ]
    upload(project, Upload.Purpose.PRODUCTION_SAMPLES, as_file(rows, "inbox-september-october.jsonl"), {}, admin)


def load_eval_set(project: Project, admin: User) -> EvalSetVersion:
    eval_set, _ = EvalSet.objects.get_or_create(
        project=project,
        name=EVAL_SET,
        defaults={"description": "Six weeks of messages, each with the answer that the support team agreed on."},
    )
    if not eval_set.versions.filter(state=EvalSetVersion.State.PUBLISHED).exists():
        keep = ("id", "input", "expected_kind", "expected", "tags", "customer", "metadata")
        rows = [{key: sample[key] for key in keep} for sample in read_samples()]
        target = {"eval_set": eval_set.pk, "publish": True}
        upload(project, Upload.Purpose.EXAMPLES, as_file(rows, "inbox-labelled.jsonl"), target, admin)
    return EvalSetVersion.objects.select_related("eval_set").get(eval_set=eval_set, number=1)


@transaction.atomic
def load_checks(eval_set: EvalSet) -> None:
    if eval_set.checks.exists():
        return
    made = {
        name: Check.objects.create(eval_set=eval_set, name=name, kind=kind, parameters=parameters)
        for name, kind, parameters in CHECKS
    }
    types = {error_type.code: error_type for error_type in ErrorType.objects.filter(project=eval_set.project_id)}
    CheckMeaning.objects.bulk_create(
        CheckMeaning(by=made[name], cause=cause, error_type=types[code])
        for name, causes, code in MEANINGS
        for cause in causes
    )
    for check in made.values():
        score_check_task.delay_on_commit(check.pk)


def load_candidates(project: Project, endpoint_url: str) -> list[Candidate]:
    endpoint, _ = Endpoint.objects.get_or_create(
        project=project, name="Demo endpoint", defaults={"base_url": endpoint_url, "max_in_flight": 16}
    )
    if endpoint.base_url != endpoint_url:
        Endpoint.objects.filter(pk=endpoint.pk).update(base_url=endpoint_url)
    return [
        Candidate.objects.get_or_create(
            project=project,
            name=name,
            defaults={
                "endpoint": endpoint,
                "model": name,
                "temperature": 0,
                "input_price": Decimal(input_price),
                "output_price": Decimal(output_price),
                "is_baseline": name == BASELINE,
            },
        )[0]
        for name, input_price, output_price in MODELS
    ]


def demo_runs() -> list[Run]:
    """The runs that this module started: the oldest of its candidates on its version. Later ones are people's own."""
    runs = Run.objects.filter(
        project__name=PROJECT,
        version__eval_set__name=EVAL_SET,
        version__number=1,
        candidate__name__in=[name for name, _, _ in MODELS],
    )
    return list(runs.select_related("candidate").order_by("pk")[: len(MODELS)])


def runs_finished() -> bool:
    runs = demo_runs()
    return bool(runs) and all(run.is_over for run in runs)


def scores_are_there() -> bool:
    """Whether the demo's checks have looked at the demo's runs. What people ran and added since is not waited for."""
    runs = demo_runs()
    checks = Check.objects.active().filter(
        eval_set__project__name=PROJECT, eval_set__name=EVAL_SET, name__in=[name for name, _, _ in CHECKS]
    )
    outputs = Output.objects.filter(run__in=runs).count()
    return Score.objects.filter(run__in=runs, by__in=checks).count() >= outputs * checks.count()


def summary_lines() -> list[str]:
    """One line a candidate: outputs, share right, cost, time."""
    runs = demo_runs()
    shares = shares_right(runs)
    lines = []
    for run in runs:
        done = run.outputs.aggregate(count=Count("pk"), cost=Sum("cost"))
        share = shares[run.pk]
        right = percent(share.right / share.counted if share.counted else None)
        seconds = (run.finished_at - run.created_at) if run.finished_at else None
        lines.append(
            f"{run.candidate.name:<12} {done['count']:>4} outputs   {right:>7} right   {money(done['cost']):>8}   "
            f"{duration(seconds)}"
        )
    return lines
