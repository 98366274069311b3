"""The checks of an eval set, and what they said of a run, of an output, and of the outputs behind a number."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from evalhub.checks.choosing import AddressError, chosen_runs, chosen_scores, read_wanted
from evalhub.checks.describing import cause_title, compares_with
from evalhub.checks.forms import CheckForm
from evalhub.checks.keeping import (
    NameTakenError,
    RetiredError,
    add_check,
    replace_check,
    retire_check,
    suggested_name,
)
from evalhub.checks.kinds import KINDS
from evalhub.checks.listing import choices_of, entry_of_score, entry_of_trial
from evalhub.checks.models import Check, Score
from evalhub.checks.rows import check_rows
from evalhub.checks.trials import newest_runs, outcome_counts, try_check
from evalhub.evalsets.models import EvalSet
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.runs.models import Output, Run
from evalhub.web.charts import bar_chart
from evalhub.web.paging import page_of
from evalhub.web.rendering import render_page_or_fragment

OUTPUTS_ON_A_PAGE = 20


@require_GET
@for_role(Role.LEAD)
def of_eval_set(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Part of an eval set's page: its checks, and what they say of the newest run of each candidate."""
    eval_set = get_object_or_404(EvalSet.objects.in_project(project), pk=pk)
    runs = newest_runs(eval_set)
    rows = check_rows(eval_set.checks.order_by("pk"), runs)
    context = {
        "eval_set": eval_set,
        "runs": runs,
        "rows": [row for row in rows if not row.check.retired_at],
        "retired": [row for row in rows if row.check.retired_at],
    }
    return render_page_or_fragment(request, "checks/of_eval_set.html", "checks/_of_eval_set.html", context)


@require_GET
@for_role(Role.LEAD)
def new(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Choose the kind of check."""
    eval_set = get_object_or_404(EvalSet.objects.in_project(project), pk=pk)
    kinds = [(kind, compares_with(kind)) for kind in KINDS.values()]
    return render(request, "checks/new.html", {"eval_set": eval_set, "kinds": kinds})


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def add(request: MemberRequest, project: Project, pk: int, kind: str) -> HttpResponseBase:
    """Set a check of this kind up; with ``try`` show what it would say, without storing anything."""
    eval_set = get_object_or_404(EvalSet.objects.in_project(project).select_related("project"), pk=pk)
    if kind not in KINDS:
        raise Http404
    taken = list(eval_set.checks.active().values_list("name", flat=True))
    name = suggested_name(KINDS[kind].title, taken)
    form = CheckForm(request.POST or None, kind=KINDS[kind], taken=taken, name=name)
    if request.method == "POST" and form.is_valid() and "try" not in request.POST:
        try:
            check = add_check(eval_set, kind, form.cleaned_data["name"], form.parameters, request.user)
        except NameTakenError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, f"“{check}” is added. It now scores the outputs that are there.")
            return redirect("evalsets:show", project.slug, eval_set.pk)
    return show_form(request, eval_set, form)


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def edit(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Retire a check and add another in its place, since a check never changes."""
    checks = Check.objects.in_project(project).active().select_related("eval_set__project")
    check = get_object_or_404(checks.filter(kind__in=KINDS), pk=pk)
    eval_set = check.eval_set
    taken = list(eval_set.checks.active().exclude(pk=pk).values_list("name", flat=True))
    form = CheckForm(
        request.POST or None, kind=KINDS[check.kind], taken=taken, name=check.name, parameters=check.parameters
    )
    if request.method == "POST" and form.is_valid() and "try" not in request.POST:
        try:
            replace_check(check, form.cleaned_data["name"], form.parameters, request.user)
        except NameTakenError as error:
            form.add_error("name", str(error))
        except RetiredError as error:
            messages.error(request, str(error))
            return redirect("evalsets:show", project.slug, eval_set.pk)
        else:
            messages.success(
                request, "Saved as another check, which now scores the outputs. The scores before it stay."
            )
            return redirect("evalsets:show", project.slug, eval_set.pk)
    return show_form(request, eval_set, form, check)


def show_form(
    request: MemberRequest, eval_set: EvalSet, form: CheckForm, check: Check | None = None
) -> HttpResponseBase:
    """The form; below a good one that was sent, what the check would say of outputs that are there."""
    context: dict[str, Any] = {"eval_set": eval_set, "form": form, "kind": form.kind, "check": check}
    if form.is_bound and not form.errors:
        tried = Check(eval_set=eval_set, kind=form.kind.code, parameters=form.parameters)
        trials = try_check(tried)
        entries = [entry_of_trial(tried, trial.output, trial.judgement) for trial in trials]
        context |= {"was_tried": True, "entries": entries, "counts": outcome_counts(trials)}
    form.focus_first_fault()
    status = 422 if form.errors else 200
    return render_page_or_fragment(request, "checks/form.html", "checks/_form.html", context, status)


@require_POST
@for_role(Role.LEAD)
def retire(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    check = get_object_or_404(Check.objects.in_project(project).select_related("eval_set__project"), pk=pk)
    try:
        retire_check(check, request.user)
        messages.success(request, f"“{check}” is retired. Its scores stay.")
    except RetiredError as error:
        messages.error(request, str(error))
    return redirect("evalsets:show", project.slug, check.eval_set_id)


@require_GET
@for_role(Role.LEAD)
def run_scores(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Part of a run's page: what each check said of its outputs. Asks again while there are outputs to score."""
    run = get_object_or_404(Run.objects.in_project(project).select_related("version", "candidate"), pk=pk)
    rows = check_rows(Check.objects.filter(eval_set=run.version.eval_set_id), [run])
    active = [row for row in rows if not row.check.retired_at]
    outputs = run.outputs.count()
    scored = min((row.tally.scored for row in active), default=outputs)
    bars = [row.bar(reverse("checks:outputs", args=[project.slug])) for row in active]
    context = {
        "run": run,
        "rows": active,
        "retired": [row for row in rows if row.check.retired_at and row.tally.scored],
        "output_count": outputs,
        "scored_count": scored,
        "is_moving": run.state == Run.State.RUNNING or scored < outputs,
        "chart": bar_chart("Share of the outputs that passed each check", [("", bars)], top=1.0),
    }
    return render_page_or_fragment(request, "checks/run_scores.html", "checks/_run_scores.html", context)


@require_GET
@for_role(Role.LEAD)
def output_scores(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Part of an output's page: what each check said of it."""
    output = get_object_or_404(Output.objects.in_project(project).select_related("run__version"), pk=pk)
    said = {score.by_id: score for score in Score.objects.filter(output=output)}
    checks = Check.objects.filter(eval_set=output.run.version.eval_set_id)
    rows = [(check, said.get(check.pk)) for check in checks if check.pk in said or not check.retired_at]
    rows.sort(key=lambda row: row[0].retired_at is not None)
    context = {
        "output": output,
        "rows": [(check, score, cause_title(check, score.cause) if score else "") for check, score in rows],
    }
    return render_page_or_fragment(request, "checks/output_scores.html", "checks/_output_scores.html", context)


@require_GET
@for_role(Role.LEAD)
def outputs(request: MemberRequest, project: Project) -> HttpResponseBase:
    """The outputs behind a number: by run, check, outcome and cause."""
    try:
        wanted = read_wanted(request.GET)
    except AddressError as error:
        raise BadRequest(str(error)) from error
    check = None
    if wanted.check is not None:
        check = get_object_or_404(Check.objects.in_project(project).select_related("eval_set"), pk=wanted.check)
    runs = chosen_runs(project, wanted, check)
    if wanted.runs and len(runs) < len(wanted.runs):
        raise Http404
    page = page_of(request, chosen_scores(runs, wanted), size=OUTPUTS_ON_A_PAGE)
    context = {
        "page": page,
        "entries": [entry_of_score(score) for score in page.rows],
        "runs": runs,
        "wanted": wanted,
        "check": check,
        **choices_of(project, runs, wanted),
    }
    return render(request, "checks/outputs.html", context)
