"""Rows on their way out: asked for, prepared by a worker where they are many, fetched as a file."""

from __future__ import annotations

from django.conf import settings
from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404

from evalhub.api import shapes
from evalhub.api.faults import wrong_state
from evalhub.api.holding import REVIEWER, KeyRequest, require
from evalhub.api.once import answer_once
from evalhub.api.v1 import exports
from evalhub.exports import making
from evalhub.exports.models import Export
from evalhub.exports.sources import TABLES, source_of

TYPES = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8", "json": "application/json"}
FILE_ANSWER = {
    "responses": {
        200: {
            "description": "The file.",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    }
}


def formats_told() -> str:
    """The formats that only some kinds have."""
    kinds = {kind: [each for each in source_of(kind).formats if each not in TABLES] for kind in settings.EXPORTS}
    return "; ".join(f"{kind}: also {' and '.join(formats)}" for kind, formats in kinds.items() if formats)


def filters_told() -> str:
    """What each kind can be filtered by, as its source says it."""
    return "; ".join(f"{kind}: {', '.join(source_of(kind).filters)}" for kind in settings.EXPORTS)


@exports.post(
    "/exports",
    auth=REVIEWER,
    response={201: shapes.Export},
    url_name="exports",
    summary="Ask for an export",
    description="The filters are those in the address of the page that shows the same rows; of scores more than one "
    f"run, joined by commas. A small export is done at once. Filters by kind: {filters_told()}. "
    f"Formats: {', '.join(TABLES)}; {formats_told()}.",
)
def ask_for_export(request: KeyRequest, body: shapes.NewExport) -> HttpResponse:
    """Small exports are done at once, others by a worker."""

    def work() -> shapes.Export:
        require(request.holder, source_of(body.kind).needed_role)
        return export_shape(making.ask_for_export(request.project, request.user, body.kind, body.format, body.filters))

    return answer_once(request, work, 201)


def export_of(request: KeyRequest, pk: int) -> Export:
    """The export, if the key's person asked for it and the key may do so still."""
    export = get_object_or_404(Export.objects.of_person(request.project, request.user), pk=pk)
    require(request.holder, source_of(export.kind).needed_role)
    return export


@exports.get("/exports/{int:pk}", auth=REVIEWER, response=shapes.Export, url_name="export", summary="One export")
def show_export(request: KeyRequest, pk: int) -> shapes.Export:
    """How far it is. Only the person who asked for it finds it."""
    return export_shape(export_of(request, pk))


@exports.get(
    "/exports/{int:pk}/file",
    auth=REVIEWER,
    url_name="export_file",
    summary="Fetch the file of an export",
    openapi_extra=FILE_ANSWER,
)
def download_export(request: KeyRequest, pk: int) -> FileResponse:
    """Once its state is “done”; files are kept for some days."""
    export = export_of(request, pk)
    if not export.is_done:
        raise wrong_state(f"This export is not “done” but “{export.state}”, so there is no file.", export.state)
    content_type = TYPES.get(export.ending, "application/octet-stream")
    return FileResponse(making.open_export(export), as_attachment=True, filename=export.name, content_type=content_type)


def export_shape(export: Export) -> shapes.Export:
    return shapes.Export(
        id=export.pk,
        kind=export.kind,
        format=export.format,
        filters=export.filters,
        state=export.state,
        rows_done=export.rows_done,
        rows_total=export.rows_total,
        size=export.bytes,
        name=export.name,
        error=export.error,
        created_at=export.created_at,
        finished_at=export.finished_at,
    )
