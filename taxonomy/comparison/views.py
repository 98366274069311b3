"""A candidate against the baseline, side by side."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import BadRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from evalhub.errors import EvalHubError
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.web.paging import whole
from taxonomy.comparison.changes import Change
from taxonomy.comparison.choosing import Choice, choose
from taxonomy.comparison.data import Comparison, ComparisonError, comparison_of
from taxonomy.comparison.figures import Figure
from taxonomy.comparison.pairs import pairs_of
from taxonomy.comparison.selecting import selection_of
from taxonomy.comparison.tables import table_of
from taxonomy.tree import Tree
from taxonomy.versions import tree_of

TOTAL_TITLES = {
    Change.BROKEN: "Broken: right before, wrong after",
    Change.FIXED: "Fixed: wrong before, right after",
    Change.BOTH_WRONG: "Both wrong",
    Change.BOTH_RIGHT: "Both right",
}
MODE_TITLES = {
    Change.BROKEN: "New: only the candidate has it",
    Change.FIXED: "Gone: only the baseline has it",
    Change.BOTH_WRONG: "Both have it",
    Change.BOTH_RIGHT: "Neither has it",
}


def asked_number(request: MemberRequest, name: str) -> int | None:
    """A whole number of the address; None if absent, a 400 page if it is something else."""
    text = request.GET.get(name)
    value = whole(text)
    if text and value is None:
        raise BadRequest(f"{name} must be a whole number")
    return value


def choice_of(request: MemberRequest, project: Project) -> Choice:
    asked = (asked_number(request, name) for name in ("version", "first", "second"))
    try:
        return choose(project, *asked)
    except EvalHubError as error:
        raise BadRequest(str(error)) from error


def asked_tree(request: MemberRequest, project: Project) -> Tree:
    try:
        return tree_of(project, asked_number(request, "as_of"))
    except EvalHubError as error:
        raise BadRequest(str(error)) from error


def chosen_figure(request: MemberRequest, comparison: Comparison) -> Figure | None:
    """The one that the address names; else that of the first headline; None where nothing can be compared."""
    asked = request.GET.get("figure", "")
    if found := comparison.figure(asked):
        return found
    return comparison.figure(comparison.headlines[0].figure)


def asked_change(request: MemberRequest) -> Change:
    change = request.GET.get("change") or Change.BROKEN
    if change not in set(Change):
        raise BadRequest("“change” must be broken, fixed, both_wrong or both_right.")
    return Change(change)


@require_GET
@for_role(Role.LEAD)
def comparison(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Two runs over one version: what gets worse, what gets better, and every pair of outputs behind it."""
    choice, change = choice_of(request, project), asked_change(request)
    place = asked_number(request, "after"), asked_number(request, "before")
    context: dict[str, Any] = {"choice": choice, "newest": None, "as_of": request.GET.get("as_of", "")}
    if choice.first and choice.second:
        tree = asked_tree(request, project)
        try:
            found = comparison_of(choice.first, choice.second, tree)
        except ComparisonError as error:
            context["refusal"] = str(error)
        else:
            context |= shown(request, project, found, change, place)
    return render(request, "taxonomy/comparison.html", context)


def shown(
    request: MemberRequest, project: Project, found: Comparison, change: Change, place: tuple[int | None, int | None]
) -> dict[str, Any]:
    """All that the page shows of a comparison. ``place``: after or before which key the pairs are listed."""
    alarms = [headline for headline in found.headlines if headline.kind in {"regression", "critical"}]
    modes = beside_each_other(found)
    newest = tree_of(project).number if request.GET.get("as_of") else found.tree.number
    return {
        "comparison": found,
        "alarms": alarms,
        "others": [headline for headline in found.headlines if headline not in alarms],
        "newest": newest if newest != found.tree.number else None,
        "totals": table_of(found, [total for total in found.totals if total.n], project.slug),
        "modes": table_of(found, [mode for mode in modes if mode.counts.first or mode.counts.second], project.slug),
        "unseen": table_of(
            found, [mode for mode in modes if not (mode.counts.first or mode.counts.second)], project.slug
        ),
        "weighted": [each for each in found.weighted if each.weighted],
        "figures": [figure for figure in (*found.totals, *found.modes) if figure.n],
        **side_by_side(request, project, found, change, place),
    }


def beside_each_other(found: Comparison) -> list[Figure]:
    """The modes in the order of the tree, what checks found of a type behind what people found of it."""
    place: dict[int | None, int] = {each.pk: number for number, (each, _) in enumerate(found.tree.rows)}
    shown = [mode for mode in found.modes if mode.n]
    return sorted(shown, key=lambda mode: (place.get(mode.subject.error_type, len(place)), mode.subject.is_own))


def side_by_side(
    request: MemberRequest, project: Project, found: Comparison, change: Change, place: tuple[int | None, int | None]
) -> dict[str, Any]:
    figure = chosen_figure(request, found)
    if figure is None:
        return {}
    selection = selection_of(figure.subject, found.plan)
    row = table_of(found, [figure], project.slug).rows[0]
    titles = TOTAL_TITLES if figure.subject.is_total else MODE_TITLES
    rest = request.GET.copy()
    for name in ("after", "before"):
        rest.pop(name, None)
    return {
        "figure": figure,
        "change": change,
        "changes": [(each, title, row.opened[each]) for each, title in titles.items()],
        "page": pairs_of(found.first, found.second, selection, change, *place),
        "parameters": rest.urlencode(),
    }
