"""Eval sets and their versions."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Field, Query

from evalhub.api import shapes
from evalhub.api.describing import eval_set_shapes, version_shape
from evalhub.api.faults import at, not_understood, wrong_state
from evalhub.api.holding import LEAD, KeyRequest
from evalhub.api.once import answer_once
from evalhub.api.paging import Cursor, page_of
from evalhub.api.v1 import eval_sets
from evalhub.evalsets.forms import EvalSetForm
from evalhub.evalsets.models import EvalSet, EvalSetVersion
from evalhub.evalsets.publishing import ask_for_publication
from evalhub.evalsets.tasks import publish_version_task
from evalhub.evalsets.versions import VersionError
from evalhub.projects.trail import record_event


class EvalSetsAsked(Cursor):
    name: str | None = Field(None, max_length=100, description="Only the eval set of exactly this name.")


class VersionsAsked(Cursor):
    number: int | None = Field(None, ge=1, le=2**31 - 1, description="Only the version of this number.")


@eval_sets.get("/eval-sets", auth=LEAD, response=shapes.EvalSetPage, url_name="eval_sets", summary="List eval sets")
def list_eval_sets(request: KeyRequest, asked: Query[EvalSetsAsked]) -> shapes.EvalSetPage:
    """Each with its newest version and its newest published one."""
    found = EvalSet.objects.in_project(request.project)
    if asked.name is not None:
        found = found.filter(name=asked.name) if "\0" not in asked.name else found.none()
    rows, after = page_of(request, found, asked)
    return shapes.EvalSetPage(items=eval_set_shapes(rows, request.project), next=after)


@eval_sets.post(
    "/eval-sets", auth=LEAD, response={201: shapes.EvalSet}, url_name="eval_sets", summary="Make an eval set"
)
def make_eval_set(request: KeyRequest, body: shapes.NewEvalSet) -> HttpResponse:
    """Empty at first: upload examples for it. Two eval sets of a project cannot have the same name."""

    def work() -> shapes.EvalSet:
        form = EvalSetForm(body.model_dump(), project=request.project)
        if not form.is_valid():
            raise not_understood(*(at(f"body.{name}", str(faults[0])) for name, faults in form.errors.items()))
        eval_set = form.save()
        record_event(request.project, request.user, "made the eval set", eval_set)
        return eval_set_shapes([eval_set], request.project)[0]

    return answer_once(request, work, 201)


@eval_sets.get("/eval-sets/{int:pk}", auth=LEAD, response=shapes.EvalSet, url_name="eval_set", summary="One eval set")
def show_eval_set(request: KeyRequest, pk: int) -> shapes.EvalSet:
    """With its newest version and its newest published one."""
    eval_set = get_object_or_404(EvalSet.objects.in_project(request.project), pk=pk)
    return eval_set_shapes([eval_set], request.project)[0]


@eval_sets.get(
    "/eval-sets/{int:pk}/versions",
    auth=LEAD,
    response=shapes.VersionPage,
    url_name="versions",
    summary="List the versions of an eval set",
)
def list_versions(request: KeyRequest, pk: int, asked: Query[VersionsAsked]) -> shapes.VersionPage:
    """Drafts, published ones, and those that are being imported."""
    eval_set = get_object_or_404(EvalSet.objects.in_project(request.project), pk=pk)
    found = EvalSetVersion.objects.filter(eval_set=eval_set).listed().select_related("eval_set")
    if asked.number is not None:
        found = found.filter(number=asked.number)
    rows, after = page_of(request, found, asked)
    return shapes.VersionPage(items=[version_shape(row, request.project) for row in rows], next=after)


def version_of(request: KeyRequest, pk: int) -> EvalSetVersion:
    versions = EvalSetVersion.objects.in_project(request.project).listed().select_related("eval_set")
    return get_object_or_404(versions, pk=pk)


@eval_sets.get("/versions/{int:pk}", auth=LEAD, response=shapes.Version, url_name="version", summary="One version")
def show_version(request: KeyRequest, pk: int) -> shapes.Version:
    """Its state, its number of examples and, once published, its hash. Its examples are an export."""
    return version_shape(version_of(request, pk), request.project)


@eval_sets.post(
    "/versions/{int:pk}/publish", auth=LEAD, response=shapes.Version, url_name="publish", summary="Publish a version"
)
def publish_version(request: KeyRequest, pk: int) -> HttpResponse:
    """Freeze a draft for good. A large one is hashed by a worker first: is_publishing until then."""

    def work() -> shapes.Version:
        before = version_of(request, pk)
        try:
            version = ask_for_publication(before, request.user)
        except VersionError as error:
            state = "empty" if before.state == EvalSetVersion.State.DRAFT else before.state
            raise wrong_state(str(error), state) from error
        if version.is_publishing:
            publish_version_task.delay_on_commit(pk)
        return version_shape(version_of(request, pk), request.project)

    return answer_once(request, work)
