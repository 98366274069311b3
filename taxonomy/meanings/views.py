"""What checks mean, for leads to see and change; and who says what of an output."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Q
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.module_loading import import_string
from django.views.decorators.http import require_GET, require_http_methods

from evalhub.checks.models import Check
from evalhub.evalsets.models import EvalSet
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.runs.models import Output
from taxonomy.meanings.changing import change_meanings, effects_of
from taxonomy.meanings.forms import MeaningsForm
from taxonomy.meanings.notes import how_far
from taxonomy.meanings.reading import found_by_checks, meanings_of
from taxonomy.models import ErrorType, Source, Verdict


@require_GET
@for_role(Role.LEAD)
def meanings(request: MemberRequest, project: Project) -> HttpResponseBase:
    """The eval sets with checks, and how many of those mean something."""
    active = Q(checks__retired_at=None)
    eval_sets = EvalSet.objects.in_project(project).annotate(
        check_count=Count("checks", filter=active, distinct=True),
        meaning_count=Count("checks", filter=active & Q(checks__meanings__isnull=False), distinct=True),
    )
    context = {"eval_sets": eval_sets.filter(check_count__gt=0).order_by("name", "pk")}
    return render(request, "taxonomy/meanings.html", context)


@require_GET
@for_role(Role.LEAD)
def meanings_of_set(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """For each active check of an eval set and each of its causes: the error type that a failure is."""
    eval_set = get_object_or_404(EvalSet.objects.in_project(project), pk=pk)
    context = {"eval_set": eval_set, "meanings": meanings_of(eval_set), "how_far": how_far(eval_set)}
    return render(request, "taxonomy/meanings_of_set.html", context)


@require_GET
@for_role(Role.LEAD)
def meanings_progress(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """How far the findings follow what the checks mean now. Asks again until they do."""
    eval_set = get_object_or_404(EvalSet.objects.in_project(project), pk=pk)
    context = {"eval_set": eval_set, "how_far": how_far(eval_set)}
    return render(request, "taxonomy/_meanings_progress.html", context)


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def change_check_meanings(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Say what a check means; with ``preview`` show how many outputs gain or lose a finding, without storing it."""
    checks = Check.objects.in_project(project).active().select_related("eval_set__project")
    check = get_object_or_404(checks, pk=pk)
    found = meanings_of(check.eval_set, check)
    form = MeaningsForm(request.POST or None, found.checks[0], project)
    context: dict[str, Any] = {"check": check, "eval_set": check.eval_set, "form": form, "runs": found.runs}
    if request.method == "POST" and form.is_valid():
        if "preview" not in request.POST:
            if change_meanings(check, form.wanted, request.user):
                messages.success(
                    request, f"Saved. Findings of “{check}” now follow, in the outputs that are there too."
                )
            else:
                messages.info(request, "Nothing was changed: the check means that already.")
            return redirect("taxonomy:meanings_of_set", project.slug, check.eval_set_id)
        context |= {"was_previewed": True, "effects": effects_of(check, form.wanted)}
    return render(request, "taxonomy/meanings_of_check.html", context, status=422 if form.errors else 200)


@require_GET
@for_role(Role.LEAD)
def output_verdict(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Part of an output's page: what people settled, and what checks that are certain found beside it."""
    output = get_object_or_404(Output.objects.in_project(project), pk=pk)
    verdicts = Verdict.objects.filter(output=output).select_related("decided_by")
    verdict = verdicts.prefetch_related("findings__error_type").first()
    is_by_people = verdict is not None and verdict.source == Source.PEOPLE
    by_check = found_by_checks(output.pk)
    types = ErrorType.objects.in_bulk([key for _, key in by_check])
    context = {
        "verdict": verdict,
        "is_by_people": is_by_people,
        "people": import_string(settings.WHO_SETTLED)(output.pk) if is_by_people else [],
        "by_people": [each.error_type for each in verdict.findings.all() if each.source == Source.PEOPLE]
        if verdict
        else [],
        "by_check": [(name, types[key]) for name, key in by_check],
    }
    return render(request, "taxonomy/_output_verdict.html", context)
