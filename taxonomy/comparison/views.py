"""Two candidates side by side."""

from __future__ import annotations

from django.core.exceptions import BadRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from taxonomy.breakdown.matrix import (
    compared_versions,
    newest_runs,
)
from taxonomy.breakdown.views import asked_number, chosen_version, figures_of
from taxonomy.comparison.pairs import PAGE_SIZE, Change, change_counts, pairs_of

CHANGE_TITLES = {
    Change.BROKEN: "Broken: right before, wrong after",
    Change.FIXED: "Fixed: wrong before, right after",
    Change.BOTH_WRONG: "Both wrong",
    Change.BOTH_RIGHT: "Both right",
}


@require_GET
@for_role(Role.LEAD)
def comparison(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Two candidates over one version: what the second fixes and breaks, and both sets of rates."""
    versions = compared_versions(project)
    version = chosen_version(request, versions)
    runs = newest_runs(version) if version else []
    if len(runs) < 2:
        return render(request, "taxonomy/comparison.html", {"versions": versions, "version": version, "runs": runs})
    by_key = {run.pk: run for run in runs}
    first = by_key.get(asked_number(request, "first") or 0, runs[0])
    second = by_key.get(asked_number(request, "second") or 0, next(run for run in runs if run != first))
    change = request.GET.get("change", Change.BROKEN)
    if change not in set(Change):
        raise BadRequest("change is not known")
    pairs = pairs_of(first, second, Change(change), asked_number(request, "after") or 0)
    context = {
        "versions": versions,
        "version": version,
        "all_runs": runs,
        "first": first,
        "second": second,
        "change_names": [
            (change, CHANGE_TITLES[change], count) for change, count in change_counts(first, second).items()
        ],
        "change": Change(change),
        "pairs": pairs,
        "after": pairs[-1].position if len(pairs) == PAGE_SIZE else None,
        **figures_of(project, [first, second]),
    }
    return render(request, "taxonomy/comparison.html", context)
