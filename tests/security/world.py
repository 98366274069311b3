"""One of everything in a project, for tests that walk all pages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.db import transaction
from django.utils import timezone

from evalhub.candidates.models import Endpoint
from evalhub.evalsets.corrections import propose_correction
from evalhub.evalsets.files.staging import preview_file
from evalhub.evalsets.models import ProductionSample, Upload
from evalhub.evalsets.pool import facts_of_upload
from evalhub.evalsets.receiving import limits
from evalhub.exports.making import ask_for_export
from evalhub.projects.joining import invite
from evalhub.projects.keys import make_key
from evalhub.projects.models import ApiKey, Invitation, Member, Project, Role, User
from evalhub.runs.models import Run
from reviews.calibration.known import mark_known
from reviews.labelling import decide, record_label
from reviews.models import Label
from reviews.notes.grouping import make_group, put
from taxonomy.models import ErrorType
from taxonomy.types.examples import add_example
from taxonomy.versions import record_change
from tests.making import admin_of, assessed, make_candidate, make_check, make_round, make_run, make_score, make_version
from tests.people import make_member


@dataclass(frozen=True)
class World:
    """Keys of the objects that addresses name."""

    slug: str
    member: int
    invitation: int
    api_key: int
    upload: int
    sample: int
    eval_set: int
    version: int
    example: int
    endpoint: int
    candidate: int
    archived_candidate: int
    run: int
    output: int
    other_run: int
    check: int
    error_type: int
    retired_type: int
    type_example: int
    round: int
    item: int
    labelled_item: int
    item_part: str
    correction: int
    contested_item: int
    decided_item: int
    known_answer: int
    note_group: int
    export: int
    token: str = "no-such-token"
    check_kind: str = "equals"
    upload_purpose: str = "examples"
    outputs_kind: str = "outputs"


def make_world(project: Project, text: str = "plain") -> World:
    """Fill a project with one of everything. ``text`` is put wherever text comes from outside."""
    admin = admin_of(project)
    member = Member.objects.get(user=make_member(project, f"Member{project.pk}", Role.REVIEWER), project=project)
    invite(project, Role.LEAD, admin, note=text[:100])
    make_key(Member.objects.get(user=admin, project=project), text[:100], Role.LEAD)
    rows = [
        {
            "key": f"{text[:150]}-{number}",
            "request": {
                "messages": [
                    {"role": "system", "content": text},
                    {"role": "user", "content": f"{text} {number}"},
                ]
            },
            "expected_kind": "text",
            "expected": text,
            "tags": [text[:200]],
            "cluster": text[:200],
            "metadata": {text: text},
        }
        for number in (1, 2)
    ]
    version = make_version(project, rows, name=text[:100])
    endpoint = Endpoint.objects.create(project=project, name=text[:100], base_url="http://127.0.0.1:9/v1")
    candidate = make_candidate(
        project, text[:100], endpoint=endpoint, model=text[:200], system_prompt=text, is_baseline=True
    )
    archived = make_candidate(project, f"old {text}"[:100], archived_at=timezone.now())
    run = make_run(version, candidate, [text, f"{text} and more"])
    other_run = make_run(version, f"other {text}"[:100], [f"{text} again", ""])
    make_version(project, rows[:1], name=text[:100])
    check = make_check(version, name=text[:100])
    outputs = list(run.outputs.order_by("pk"))
    for output in outputs:
        score = make_score(output, check, passed=False, cause="different_text")
        score.message = text
        score.save()
    error_type = ErrorType.objects.in_project(project).active().earliest("pk")
    error_type.name, error_type.definition = text[:80], text
    error_type.save()
    retired = ErrorType.objects.create(project=project, code="old", name="Old", position=99, retired_at=timezone.now())
    with transaction.atomic():
        record_change(project, text, admin, text)
    example = add_example(error_type, outputs[0], True, text[:500], admin)
    review_round = make_round(run, name=text[:100])
    review_round.guidelines = text
    review_round.save()
    labelled, waiting = review_round.items.order_by("order")
    record_label(labelled, admin, assessed("fail", [error_type], text))
    contested, decided = make_contested(project, other_run, [member.user, admin], text)
    pool = make_upload(project, text, Upload.Purpose.PRODUCTION_SAMPLES, Upload.State.DONE)
    sample = ProductionSample.objects.create(
        project=project,
        upload=pool,
        key=text[:200],
        request=rows[0]["request"],
        answer=text,
        model=text[:200],
        tags=[text[:200]],
        cluster=text[:200],
        metadata={text: text},
        digest=b"0" * 32,
    )
    pool.facts = facts_of_upload(pool)
    pool.save()
    return World(
        slug=project.slug,
        member=member.pk,
        invitation=Invitation.objects.get(project=project).pk,
        api_key=ApiKey.objects.get(project=project).pk,
        upload=make_upload(project, text).pk,
        sample=sample.pk,
        eval_set=version.eval_set_id,
        version=version.pk,
        example=version.examples.earliest("position").pk,
        endpoint=endpoint.pk,
        candidate=candidate.pk,
        archived_candidate=archived.pk,
        run=run.pk,
        output=outputs[0].pk,
        other_run=other_run.pk,
        check=check.pk,
        error_type=error_type.pk,
        retired_type=retired.pk,
        type_example=example.pk,
        round=review_round.pk,
        item=waiting.pk,
        labelled_item=labelled.pk,
        item_part="answer",
        correction=propose_correction(version.examples.earliest("position"), admin, text, f"{text} corrected").pk,
        contested_item=contested,
        decided_item=decided,
        known_answer=mark_known(outputs[0], admin, assessed("fail", [error_type], text)).pk,
        note_group=make_note_group(project, contested, text),
        export=ask_for_export(project, admin, "outputs", "csv", {"run": str(run.pk)}).pk,
    )


def make_contested(project: Project, run: Run, people: list[User], text: str) -> tuple[int, int]:
    """Keys of two items of which these two people said different things; the second one is settled by a decision."""
    contested = make_round(run, labels_wanted=2, name=text[:100])
    first, second = contested.items.order_by("order")
    for item in (first, second):
        record_label(item, people[0], assessed("pass", note=text))
        record_label(item, people[1], assessed("fail", note=text))
    decide(second, people[1], assessed("fail", note=text))
    return first.pk, second.pk


def make_note_group(project: Project, item: int, text: str) -> int:
    """The key of a group of notes in which that of the item's label that fails waits."""
    admin = admin_of(project)
    group, _ = make_group(project, text[:80], admin)
    group.definition = text
    group.save()
    put(project, {Label.objects.get(item=item, outcome="fail").pk: None}, group.pk, admin)
    return group.pk


def make_upload(
    project: Project, text: str, purpose: str = Upload.Purpose.EXAMPLES, state: str = Upload.State.RECEIVED
) -> Upload:
    """A file, by default one of examples that waits for its mapping; its name, its column and its cell are the text."""
    return Upload.objects.create(
        project=project,
        purpose=purpose,
        state=state,
        file_name=text[:255],
        size=100,
        target={"eval_set": project.eval_sets.earliest("pk").pk},
        created_by=admin_of(project),
        **preview_of(text),
    )


@cache
def preview_of(text: str) -> dict[str, Any]:
    """What the first look at such a file keeps; each look is a process of its own, so one for each text."""
    import orjson

    with NamedTemporaryFile(suffix=".jsonl") as file:
        file.write(orjson.dumps({"input": text, text: text}) + b"\n")
        file.flush()
        preview = preview_file(Path(file.name), "x.jsonl", Upload.Purpose.EXAMPLES, limits())
    return {"preview": preview.to_json(), "mapping": preview.mapping}
