"""The outputs of a run: the list, and one of them."""

from __future__ import annotations

from django.db.models.functions import Left
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.runs.forms import OutputFilterForm
from evalhub.runs.models import Output, Run
from evalhub.runs.narrowing import narrowed, was_lost
from evalhub.web.paging import page_of

EXCERPT_CHARACTERS = 300


@require_GET
@for_role(Role.LEAD)
def list_outputs(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """A run's outputs in the order they came, narrowed to answers, failures, or failures of one cause."""
    runs = Run.objects.in_project(project).select_related("candidate", "version__eval_set")
    run = get_object_or_404(runs, pk=pk)
    failed = run.outputs.exclude(error_cause="")
    causes = sorted(failed.values_list("error_cause", flat=True).distinct())
    form = OutputFilterForm(causes, request.GET)
    show = form.cleaned_data["show"] if form.is_valid() else ""
    outputs = narrowed(run.outputs.select_related("example"), show)
    outputs = outputs.annotate(excerpt=Left("text", EXCERPT_CHARACTERS), was_lost=was_lost())
    outputs = outputs.defer("text", "raw", "example__request")
    context = {
        "run": run,
        "form": form,
        "page": page_of(request, outputs),
        "is_filtered": bool(show),
    }
    return render(request, "runs/outputs.html", context)


@require_GET
@for_role(Role.LEAD)
def show_output(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """One output beside what was asked and expected; its neighbours in the run are a key away."""
    outputs = Output.objects.in_project(project).select_related(
        "example__version__eval_set", "run__candidate", "run__version__eval_set"
    )
    output = get_object_or_404(outputs.annotate(was_lost=was_lost()), pk=pk)
    siblings = Output.objects.filter(run=output.run_id)
    context = {
        "output": output,
        "run": output.run,
        "example": output.example,
        "original": original_of(output, project),
        "previous": siblings.filter(pk__lt=pk).order_by("-pk").values_list("pk", flat=True).first(),
        "next": siblings.filter(pk__gt=pk).order_by("pk").values_list("pk", flat=True).first(),
        "others": Output.objects.filter(example=output.example_id)
        .exclude(pk=pk)
        .select_related("run__candidate")
        .only("error_cause", "repeat", "run__repeats", "run__candidate__name")
        .order_by("-run_id", "repeat")[:20],
    }
    return render(request, "runs/output.html", context)


def original_of(output: Output, project: Project) -> Output | None:
    """The output that this one was taken over from, if it was and that is there still."""
    if output.reused_from is None:
        return None
    return Output.objects.in_project(project).filter(pk=output.reused_from).only("run_id").first()
