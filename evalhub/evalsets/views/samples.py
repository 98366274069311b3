"""The pool of production samples."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import BadRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from evalhub.evalsets.excerpts import request_excerpt
from evalhub.evalsets.forms import PoolForm
from evalhub.evalsets.models import ProductionSample, Upload
from evalhub.evalsets.patience import TooSlow, bounded
from evalhub.evalsets.pool import PoolFilter, count_part, facts_of_pool
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.web.paging import page_of

PAGING = {"after", "before"}
PARTS = set(PoolForm.base_fields)
PATIENCE_SECONDS = 8
LONG_COLUMNS = ("request", "answer", "tool_calls", "digest")


def refuse_unknown(request: MemberRequest, known: set[str]) -> None:
    """Answer 400 to an address with parameters that no link of ours has, or with one twice."""
    if not request.GET.keys() <= known or any(len(values) > 1 for _, values in request.GET.lists()):
        raise BadRequest("The address has parameters that this page does not know.")


@require_GET
@for_role(Role.LEAD)
def list_samples(request: MemberRequest, project: Project) -> HttpResponseBase:
    refuse_unknown(request, PAGING | PARTS)
    facts = facts_of_pool(project)
    form = PoolForm(facts, request.GET)
    if not form.is_valid() and form.errors.keys() != {"field"}:
        raise BadRequest("The filter has a value that cannot be.")
    found: dict[str, Any] = {}
    if form.is_valid():
        try:
            found = part_of_pool(request, project, form.part())
        except TooSlow as error:
            form.add_error(None, str(error))
    context = {
        "form": form,
        "facts": facts,
        "is_filtered": any(request.GET.get(name) for name in PARTS),
        "uploads": Upload.objects.waiting_in(project, Upload.Purpose.PRODUCTION_SAMPLES),
    }
    return render(request, "evalsets/samples.html", context | found, status=422 if form.errors else 200)


def part_of_pool(request: MemberRequest, project: Project, part: PoolFilter) -> dict[str, Any]:
    """The page of samples that was asked for, and how many fit. Raises TooSlow."""
    samples = part.apply(ProductionSample.objects.in_pool(project))
    excerpts = samples.annotate(excerpt=request_excerpt()).defer(*LONG_COLUMNS)
    if not part:
        return {"page": page_of(request, excerpts, "-pk")}
    with bounded(PATIENCE_SECONDS):
        return {"page": page_of(request, excerpts, "-pk"), "count": count_part(samples)}


@require_GET
@for_role(Role.LEAD)
def show_sample(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    pool = ProductionSample.objects.in_pool(project)
    sample = get_object_or_404(pool.select_related("upload"), pk=pk)
    context = {
        "sample": sample,
        "older": pool.filter(pk__lt=pk).order_by("-pk").values_list("pk", flat=True).first(),
        "newer": pool.filter(pk__gt=pk).order_by("pk").values_list("pk", flat=True).first(),
        "examples": sample.examples.select_related("version__eval_set").order_by("-pk")[:20],
        "same": count_part(pool.filter(digest=sample.digest).exclude(pk=pk)),
    }
    return render(request, "evalsets/sample.html", context)
