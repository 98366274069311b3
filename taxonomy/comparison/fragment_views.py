"""Parts of the comparison's page that are fetched when it is there; each is a page of its own too."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.runs.models import Run
from evalhub.web.paging import page_of, whole
from evalhub.web.rendering import render_page_or_fragment
from taxonomy.comparison.choosing import Choice
from taxonomy.comparison.data import ComparisonError, comparison_of
from taxonomy.comparison.figures import Subject
from taxonomy.comparison.plan import plan_for
from taxonomy.comparison.selecting import selection_of
from taxonomy.comparison.slices import where_it_fails
from taxonomy.comparison.transitions import outputs_between, parsed_step, transitions_of
from taxonomy.comparison.views import asked_number, asked_tree, choice_of, chosen_figure
from taxonomy.tree import Tree


def two_runs(request: MemberRequest, project: Project) -> tuple[Choice, Run, Run]:
    choice = choice_of(request, project)
    if choice.first is None or choice.second is None:
        raise Http404("There are not two runs to compare.")
    return choice, choice.first, choice.second


def default_subject(request: MemberRequest, first: Run, second: Run, tree: Tree) -> Subject | None:
    """Of the figure that the page of the comparison shows when none is asked for."""
    try:
        figure = chosen_figure(request, comparison_of(first, second, tree))
    except ComparisonError as error:
        raise BadRequest(str(error)) from error
    return figure.subject if figure else None


@require_GET
@for_role(Role.LEAD)
def concentration(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Whether the failures of one figure are systematic: in every repeat, and in which slices."""
    choice, first, second = two_runs(request, project)
    tree = asked_tree(request, project)
    plan = plan_for(first, tree)
    subject = plan.subject(request.GET.get("figure", "")) or default_subject(request, first, second, tree)
    context: dict[str, Any] = {"choice": choice, "subject": subject}
    if subject is not None:
        selection = selection_of(subject, plan)
        context["runs"] = [where_it_fails(run, selection) for run in (second, first)]
    return render_page_or_fragment(request, "taxonomy/comparison_slices.html", "taxonomy/_slices.html", context)


@require_GET
@for_role(Role.LEAD)
def transitions(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Last good step against first failing step, for both runs."""
    choice, first, second = two_runs(request, project)
    found = transitions_of([first, second])
    lines = [
        (row, [(column, [(run, found.count(row, column, run)) for run in (first, second)]) for column in found.columns])
        for row in found.rows
    ]
    context = {
        "choice": choice,
        "first": first,
        "second": second,
        "columns": found.columns,
        "lines": lines,
        "totals": [(run, found.total(run)) for run in (first, second)],
    }
    return render_page_or_fragment(
        request, "taxonomy/comparison_transitions.html", "taxonomy/_transitions.html", context
    )


@require_GET
@for_role(Role.LEAD)
def transition_outputs(request: MemberRequest, project: Project) -> HttpResponseBase:
    """The outputs behind one figure of the matrix of steps."""
    runs = Run.objects.in_project(project).select_related("candidate", "version__eval_set")
    run = get_object_or_404(runs, pk=asked_number(request, "run"))
    before, after = (parsed_step(request.GET.get(name, "")[:300]) for name in ("last_good", "first_failing"))
    found = outputs_between(run, before, after)
    context = {
        "run": run,
        "before": before,
        "after": after,
        "count": found.count(),
        "page": page_of(request, found.select_related("example", "verdict")),
        "first": whole(request.GET.get("first")),
        "second": whole(request.GET.get("second")),
    }
    return render(request, "taxonomy/transition_outputs.html", context)
