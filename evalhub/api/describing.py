"""Rows as the shapes that are answered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Q, Sum
from django.urls import reverse

from evalhub.api import shapes
from evalhub.candidates.models import Candidate
from evalhub.evalsets.models import EvalSet, EvalSetVersion, Upload
from evalhub.projects.models import Project
from evalhub.runs.figures import Figures, figures_of
from evalhub.runs.models import Run
from evalhub.runs.progress import Progress
from reviews.models import ReviewItem, Round


def version_shape(version: EvalSetVersion, project: Project) -> shapes.Version:
    return shapes.Version(
        id=version.pk,
        eval_set=version.eval_set_id,
        eval_set_name=version.eval_set.name,
        number=version.number,
        state=version.state,
        is_publishing=version.is_publishing,
        example_count=version.example_count,
        content_hash=version.content_hash,
        note=version.note,
        created_at=version.created_at,
        published_at=version.published_at,
        page=reverse("evalsets:version", args=[project.slug, version.pk]),
    )


def eval_set_shapes(eval_sets: Iterable[EvalSet], project: Project) -> list[shapes.EvalSet]:
    """All with their newest versions, in two queries."""
    listed = list(eval_sets)
    versions = EvalSetVersion.objects.filter(eval_set__in=[each.pk for each in listed]).listed()
    newest = versions.select_related("eval_set").order_by("eval_set_id", "-number").distinct("eval_set_id")
    latest = {version.eval_set_id: version_shape(version, project) for version in newest}
    published = {version.eval_set_id: version_shape(version, project) for version in newest.published()}
    return [
        shapes.EvalSet(
            id=each.pk,
            name=each.name,
            description=each.description,
            created_at=each.created_at,
            latest=latest.get(each.pk),
            latest_published=published.get(each.pk),
            page=reverse("evalsets:show", args=[project.slug, each.pk]),
        )
        for each in listed
    ]


def candidate_shape(candidate: Candidate) -> shapes.Candidate:
    return shapes.Candidate(
        id=candidate.pk,
        name=candidate.name,
        model=candidate.model,
        is_baseline=candidate.is_baseline,
        is_called=candidate.endpoint_id is not None,
        input_price=candidate.input_price,
        output_price=candidate.output_price,
    )


def upload_shape(upload: Upload, project: Project) -> shapes.Upload:
    version = EvalSetVersion.objects.select_related("eval_set").filter(upload=upload).first()
    unit = upload.report.get("unit") or upload.preview.get("unit") or "Line"
    return shapes.Upload(
        id=upload.pk,
        purpose=upload.purpose,
        state=upload.state,
        file_name=upload.file_name,
        size=upload.size,
        refusal=upload.refusal,
        columns=upload.preview.get("columns", []),
        mapping={name: value for name, value in upload.mapping.items() if name != "purpose"},
        problems=upload.preview.get("problems", []),
        rows_done=upload.rows_done,
        bytes_done=upload.bytes_done,
        rows_good=upload.rows_good,
        rows_bad=upload.rows_bad,
        errors=[row_error(error, unit) for error in upload.errors],
        error_counts=upload.report.get("error_counts", {}),
        notes=upload.report.get("notes", {}),
        version=version_shape(version, project) if version else None,
        run=Run.objects.filter(upload=upload).values_list("pk", flat=True).first(),
        round=labelled_round(upload, project),
        page=reverse("evalsets:upload", args=[project.slug, upload.pk]),
    )


def labelled_round(upload: Upload, project: Project) -> shapes.Round | None:
    """Where the labels of an upload went, once they are there."""
    if upload.purpose != Upload.Purpose.LABELS or upload.state != Upload.State.DONE:
        return None
    key = upload.target.get("round") or upload.target.get("made_round")
    found = Round.objects.in_project(project).filter(pk=key).first()
    if found is None:
        return None
    contested, settled = Q(status=ReviewItem.Status.CONTESTED), Q(status=ReviewItem.Status.SETTLED)
    labels = Sum("label_count", default=0)
    sums = found.items.aggregate(
        labels=labels, contested=Count("pk", filter=contested), settled=Count("pk", filter=settled)
    )
    return shapes.Round(
        id=found.pk,
        name=found.name,
        is_closed=found.closed_at is not None,
        items=found.item_count,
        page=reverse("reviews:round", args=[project.slug, found.pk]),
        **sums,
    )


def row_error(error: dict[str, Any], unit: str) -> shapes.RowError:
    return shapes.RowError(**error, sentence=f"{unit} {error['line']:,}: {error['reason']}")


def run_shapes(runs: Iterable[Run], project: Project) -> list[shapes.Run]:
    listed = list(runs)
    figures = figures_of(listed)
    return [shapes.Run(**run_fields(run, figures[run.pk], project)) for run in listed]


def run_fields(run: Run, figures: Figures, project: Project) -> dict[str, Any]:
    return {
        "id": run.pk,
        "candidate": run.candidate_id,
        "candidate_name": run.candidate.name,
        "version": run.version_id,
        "version_name": str(run.version),
        "source": run.source,
        "state": run.state,
        "state_reason": run.state_reason,
        "repeats": run.repeats,
        "planned": run.planned_outputs,
        "stored": figures.stored,
        "failed": figures.failed,
        "cost": figures.cost,
        "budget": run.budget,
        "reuses_outputs": run.reuses_outputs,
        "created_at": run.created_at,
        "finished_at": run.finished_at,
        "page": reverse("runs:show", args=[project.slug, run.pk]),
    }


def progress_shape(progress: Progress, project: Project) -> shapes.RunProgress:
    return shapes.RunProgress(
        **run_fields(progress.run, progress.figures, project),
        rate=progress.rate,
        seconds_left=progress.seconds_left,
        waits_for=progress.standing.sentence,
        needs_help=progress.standing.needs_help,
        failures=[
            shapes.Failure(cause=each.cause, name=each.name, count=each.count, error=each.example.error)
            for each in progress.failures
        ],
    )
