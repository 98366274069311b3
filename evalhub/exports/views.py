"""Exports: asked for from the page whose rows they hold, listed for the person who asked, downloaded, thrown away."""

from __future__ import annotations

from django.contrib import messages
from django.http import FileResponse, Http404, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from evalhub.exports.making import ask_for_export, cancel_export, open_export, throw_away
from evalhub.exports.models import Export
from evalhub.exports.preparing import KEPT_FOR
from evalhub.exports.sources import ExportError, NotThere
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.web.paging import page_of
from evalhub.web.rendering import render_page_or_fragment

# Fields of the form that are no filters, and parts of a page's address that say where in the list one is.
NO_FILTERS = {"csrfmiddlewaretoken", "kind", "format", "after", "before"}
TYPES = {
    Export.Format.JSONL: "application/x-ndjson",
    Export.Format.CSV: "text/csv; charset=utf-8",
    Export.Format.PARQUET: "application/vnd.apache.parquet",
    Export.Format.LABEL_STUDIO: "application/json",
    Export.Format.OPENINFERENCE: "application/x-ndjson",
}


@require_GET
@for_role(Role.LEAD)
def list_exports(request: MemberRequest, project: Project) -> HttpResponseBase:
    """The person's own exports; asks again while one of them is being prepared."""
    page = page_of(request, Export.objects.of_person(project, request.user), "-pk")
    context = {
        "page": page,
        "is_moving": any(export.is_moving for export in page.rows),
        "kept_days": KEPT_FOR.days,
    }
    return render_page_or_fragment(request, "exports/list.html", "exports/_list.html", context)


@require_POST
@for_role(Role.LEAD)
def new(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Export the rows of a page: a few are sent as the answer, many are prepared by a worker."""
    kind, format = request.POST.get("kind", ""), request.POST.get("format", "")
    try:
        export = ask_for_export(project, request.user, kind, format, filters_of(request.POST))
    except NotThere as error:
        raise Http404 from error
    except ExportError as error:
        return render(request, "exports/refused.html", {"error": error}, status=422)
    if export.is_done:
        return file_of(export)
    if export.is_moving:
        messages.success(request, "The export is being prepared. You may leave this page; the work goes on.")
    else:
        messages.error(request, export.error)
    return redirect("exports:list", project.slug)


def filters_of(form: QueryDict) -> dict[str, str]:
    """The filters in a form, as in the address of its page; what stands there more than once is joined by commas."""
    return {name: ",".join(map(str, values)) for name, values in form.lists() if name not in NO_FILTERS}


@require_GET
@for_role(Role.LEAD)
def download(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    export = own_export(request, project, pk)
    try:
        return file_of(export)
    except ExportError as error:
        messages.error(request, str(error))
        return redirect("exports:list", project.slug)


@require_POST
@for_role(Role.LEAD)
def cancel(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    if cancel_export(own_export(request, project, pk)):
        messages.success(request, "Cancelled.")
    else:
        messages.info(request, "This export was over already.")
    return redirect("exports:list", project.slug)


@require_POST
@for_role(Role.LEAD)
def throw(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    throw_away(own_export(request, project, pk))
    messages.success(request, "The export is thrown away.")
    return redirect("exports:list", project.slug)


def own_export(request: MemberRequest, project: Project, pk: int) -> Export:
    """Another person's export is as little there as one that never was."""
    return get_object_or_404(Export.objects.of_person(project, request.user), pk=pk)


def file_of(export: Export) -> FileResponse:
    """The finished file as an attachment, whose name holds words of ours and ids only. Raises ExportError."""
    content_type = TYPES[Export.Format(export.format)]
    return FileResponse(open_export(export), as_attachment=True, filename=export.name, content_type=content_type)
