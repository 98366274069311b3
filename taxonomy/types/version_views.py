"""The versions of the taxonomy: who changed what, when and why; and what is different between two of them."""

from __future__ import annotations

from django.core.exceptions import BadRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.web.paging import page_of, whole
from taxonomy.models import TaxonomyVersion
from taxonomy.tree import Tree
from taxonomy.types.differences import differences
from taxonomy.types.history import names_of_people
from taxonomy.versions import VersionError, newest_number, tree_of


@require_GET
@for_role(Role.REVIEWER)
def versions(request: MemberRequest, project: Project) -> HttpResponseBase:
    rows = TaxonomyVersion.objects.filter(project=project).select_related("made_by").defer("tree")
    newest = newest_number(project)
    context = {"page": page_of(request, rows, "-number"), "newest": newest, "before": newest - 1}
    return render(request, "taxonomy/taxonomy_versions.html", context)


@require_GET
@for_role(Role.REVIEWER)
def version(request: MemberRequest, project: Project, number: int) -> HttpResponseBase:
    """One version: its tree, and what is different from the one before, or from “?against=”."""
    versions = TaxonomyVersion.objects.filter(project=project)
    shown = get_object_or_404(versions.select_related("made_by"), number=number)
    against = whole(request.GET.get("against"))
    against = number - 1 if against is None else against
    try:
        other = tree_of(project, against) if against else Tree(0, [])
    except VersionError as error:
        raise BadRequest(str(error)) from error
    old, new = sorted((Tree(number, shown.tree), other), key=lambda tree: tree.number)
    context = {
        "shown": shown,
        "tree": [(each, depth) for each, depth in Tree(number, shown.tree).rows if not each.is_retired],
        "old": old.number,
        "new": new.number,
        "differences": differences(old, new, names_of_people((old, new))),
        "numbers": [each for each in versions.order_by("-number").values_list("number", flat=True) if each != number],
        "newest": newest_number(project),
    }
    return render(request, "taxonomy/taxonomy_version.html", context)
