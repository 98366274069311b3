"""Candidates, and their runs: started, followed, paused, resumed, cancelled, retried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Field, Query

from evalhub.api import shapes
from evalhub.api.describing import candidate_shape, progress_shape, run_shapes
from evalhub.api.faults import not_found, wrong_state
from evalhub.api.holding import LEAD, KeyRequest
from evalhub.api.once import answer_once
from evalhub.api.paging import Cursor, page_of
from evalhub.api.v1 import candidates, runs
from evalhub.candidates.models import Candidate
from evalhub.evalsets.models import EvalSetVersion
from evalhub.projects.models import User
from evalhub.runs import pausing, starting
from evalhub.runs.models import Run
from evalhub.runs.progress import progress_of


class CandidatesAsked(Cursor):
    name: str | None = Field(None, max_length=100, description="Only the candidate of exactly this name.")


class RunsAsked(Cursor):
    version: int | None = Field(None, ge=1, le=2**63 - 1, description="Only runs of this version, by its id.")
    candidate: int | None = Field(None, ge=1, le=2**63 - 1, description="Only runs of this candidate, by its id.")
    state: Literal["running", "paused", "finished", "cancelled"] | None = Field(None, description="Only those.")


@candidates.get(
    "/candidates", auth=LEAD, response=shapes.CandidatePage, url_name="candidates", summary="List candidates"
)
def list_candidates(request: KeyRequest, asked: Query[CandidatesAsked]) -> shapes.CandidatePage:
    """Without those that are archived."""
    found = Candidate.objects.in_project(request.project).active()
    if asked.name is not None:
        found = found.filter(name=asked.name) if "\0" not in asked.name else found.none()
    rows, after = page_of(request, found, asked)
    return shapes.CandidatePage(items=[candidate_shape(row) for row in rows], next=after)


def runs_of(request: KeyRequest) -> QuerySet[Run]:
    rows = Run.objects.in_project(request.project)
    return rows.select_related("candidate", "version__eval_set", "started_by", "project")


@runs.get("/runs", auth=LEAD, response=shapes.RunPage, url_name="runs", summary="List runs")
def list_runs(request: KeyRequest, asked: Query[RunsAsked]) -> shapes.RunPage:
    """Latest first."""
    wanted = {"version": asked.version, "candidate": asked.candidate, "state": asked.state}
    found = runs_of(request).filter(**{name: value for name, value in wanted.items() if value is not None})
    rows, after = page_of(request, found, asked)
    return shapes.RunPage(items=run_shapes(rows, request.project), next=after)


@runs.post("/runs", auth=LEAD, response={201: shapes.StartedRuns}, url_name="runs", summary="Start runs")
def start_runs(request: KeyRequest, body: shapes.NewRuns) -> HttpResponse:
    """One run of the version for each candidate; all of them, or none if one cannot be started."""

    def work() -> shapes.StartedRuns:
        versions = EvalSetVersion.objects.in_project(request.project).listed().select_related("eval_set")
        started = starting.start_runs(
            get_object_or_404(versions, pk=body.version),
            candidates_of(request, body.candidates),
            body.repeats,
            request.user,
            budget=body.budget,
            reuses_outputs=body.reuses_outputs,
            accepts_unknown_cost=body.accepts_unknown_cost,
        )
        rows = runs_of(request).filter(pk__in=[run.pk for run in started]).order_by("pk")
        return shapes.StartedRuns(items=run_shapes(rows, request.project))

    return answer_once(request, work, 201)


def candidates_of(request: KeyRequest, ids: list[int]) -> list[Candidate]:
    """In the order of the ids; one that is not in the project is the same as one that is nowhere."""
    found = Candidate.objects.in_project(request.project).in_bulk(set(ids))
    if len(found) < len(set(ids)):
        raise not_found()
    return [found[pk] for pk in dict.fromkeys(ids)]


@runs.get("/runs/{int:pk}", auth=LEAD, response=shapes.RunProgress, url_name="run", summary="One run, as it moves")
def show_run(request: KeyRequest, pk: int) -> shapes.RunProgress:
    """How far it is, what it waits for, and what failed, by cause."""
    return progress_shape(progress_of(get_object_or_404(runs_of(request), pk=pk)), request.project)


def change(request: KeyRequest, pk: int, act: Callable[[Run, User], Any]) -> HttpResponse:
    def work() -> shapes.RunProgress:
        run = get_object_or_404(runs_of(request), pk=pk)
        try:
            act(run, request.user)
        except pausing.StateError as error:
            state = Run.objects.values_list("state", flat=True).get(pk=pk)  # the object tells what was tried
            raise wrong_state(str(error), state) from error
        return progress_shape(progress_of(get_object_or_404(runs_of(request), pk=pk)), request.project)

    return answer_once(request, work)


@runs.post("/runs/{int:pk}/pause", auth=LEAD, response=shapes.RunProgress, url_name="pause_run", summary="Pause a run")
def pause_run(request: KeyRequest, pk: int) -> HttpResponse:
    """No call begins any more; those in flight are still stored. From “running”."""
    return change(request, pk, pausing.pause_run)


@runs.post(
    "/runs/{int:pk}/resume", auth=LEAD, response=shapes.RunProgress, url_name="resume_run", summary="Resume a run"
)
def resume_run(request: KeyRequest, pk: int) -> HttpResponse:
    """From “paused”."""
    return change(request, pk, pausing.resume_run)


@runs.post(
    "/runs/{int:pk}/cancel", auth=LEAD, response=shapes.RunProgress, url_name="cancel_run", summary="Cancel a run"
)
def cancel_run(request: KeyRequest, pk: int) -> HttpResponse:
    """For good; what was answered stays. From “running” or “paused”."""
    return change(request, pk, pausing.cancel_run)


@runs.post(
    "/runs/{int:pk}/retry",
    auth=LEAD,
    response=shapes.RunProgress,
    url_name="retry_run",
    summary="Ask again for failed outputs",
)
def retry_run(request: KeyRequest, pk: int) -> HttpResponse:
    """Those that nobody has reviewed yet. From “finished”."""
    return change(request, pk, pausing.retry_failed)
