"""An upload on its way in: choose a file, map its columns, check, confirm. One page that shows the state it is in."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from evalhub.evalsets.checking import map_again, start_check
from evalhub.evalsets.files.faults import UploadError
from evalhub.evalsets.forms import ConfirmForm, FileForm, MappingForm
from evalhub.evalsets.importing import importer_of
from evalhub.evalsets.models import EvalSet, Upload
from evalhub.evalsets.receiving import receive
from evalhub.evalsets.storing import cancel, confirm
from evalhub.evalsets.tasks import check_upload_task, clear_upload_task, import_upload_task
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.web.rendering import wants_fragment

State, Purpose = Upload.State, Upload.Purpose
COLUMNS_SHOWN = 40


@require_http_methods(["GET", "POST"])
@for_role(Role.ADMIN)
def upload_samples(request: MemberRequest, project: Project) -> HttpResponseBase:
    return take_file(request, project, Purpose.PRODUCTION_SAMPLES, {}, {"purpose": Purpose.PRODUCTION_SAMPLES})


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def upload_examples(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    eval_set = get_object_or_404(EvalSet.objects.in_project(project), pk=pk)
    context = {"purpose": Purpose.EXAMPLES, "eval_set": eval_set}
    return take_file(request, project, Purpose.EXAMPLES, {"eval_set": eval_set.pk}, context)


def take_file(
    request: MemberRequest, project: Project, purpose: Upload.Purpose, target: dict[str, Any], context: dict[str, Any]
) -> HttpResponseBase:
    form = FileForm(request)
    if request.method == "POST" and form.is_valid():
        upload = receive(project, purpose, form.cleaned_data["file"], target, request.user)
        return redirect("evalsets:upload", project.slug, upload.pk)
    return render(request, "evalsets/choose_file.html", context | {"form": form}, status=422 if form.errors else 200)


def upload_for(request: MemberRequest, project: Project, pk: int) -> Upload:
    """The upload, if this member may do what it is for."""
    upload = get_object_or_404(Upload.objects.in_project(project).select_related("project", "created_by"), pk=pk)
    if upload.purpose == Purpose.PRODUCTION_SAMPLES and not request.member.may(Role.ADMIN):
        raise PermissionDenied
    return upload


def show(request: MemberRequest, upload: Upload, status: int = 200, **more: Any) -> HttpResponseBase:
    eval_sets = EvalSet.objects.in_project(upload.project)
    context: dict[str, Any] = {
        "upload": upload,
        "start_url": start_page(upload),
        "eval_set": eval_sets.filter(pk=upload.target.get("eval_set")).first(),
    }
    if upload.state == State.RECEIVED:
        columns = upload.preview["columns"]
        context |= {
            "mapping_form": MappingForm(upload),
            "columns": columns[:COLUMNS_SHOWN],
            "rows": [first_cells(row, columns) for row in upload.preview["rows"]],
            "columns_hidden": max(0, len(columns) - COLUMNS_SHOWN),
        }
    elif upload.state == State.CHECKED:
        context["confirm_form"] = ConfirmForm(upload)
    elif upload.state == State.DONE:
        context["result_url"] = importer_of(upload).page()
    template = "evalsets/_upload.html" if wants_fragment(request) else "evalsets/upload.html"
    return render(request, template, context | more, status=status)


def first_cells(row: dict[str, Any], columns: list[str]) -> dict[str, Any]:
    cells = row.get("cells", {})
    return {**row, "cells": [cells.get(column, "") for column in columns[:COLUMNS_SHOWN]]}


def start_page(upload: Upload) -> str:
    """Where another file for the same purpose is chosen."""
    slug = upload.project.slug
    if upload.purpose == Purpose.EXAMPLES:
        return reverse("evalsets:upload_examples", args=[slug, upload.target["eval_set"]])
    if upload.purpose == Purpose.PRODUCTION_SAMPLES:
        return reverse("evalsets:upload_samples", args=[slug])
    if upload.purpose == Purpose.LABELS:
        return reverse("reviews:import_labels", args=[slug])
    return reverse("runs:upload", args=[slug])


@require_GET
@for_role(Role.LEAD)
def show_upload(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    upload = upload_for(request, project, pk)
    if upload.state == State.DONE and wants_fragment(request):
        # Who watched the import wants to see what came of it.
        messages.success(request, f"{upload.file_name} is imported.")
        return redirect(importer_of(upload).page())
    return show(request, upload)


@require_POST
@for_role(Role.LEAD)
def map_upload(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    upload = upload_for(request, project, pk)
    if upload.state != State.RECEIVED:
        return redirect("evalsets:upload", project.slug, pk)
    form = MappingForm(upload, request.POST)
    if not form.is_valid():
        return show(request, upload, 422, mapping_form=form)
    if start_check(upload, form.mapping):
        check_upload_task.delay_on_commit(upload.pk)
    return redirect("evalsets:upload", project.slug, pk)


@require_POST
@for_role(Role.LEAD)
def map_upload_again(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    map_again(upload_for(request, project, pk))
    return redirect("evalsets:upload", project.slug, pk)


@require_POST
@for_role(Role.LEAD)
def confirm_upload(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    upload = upload_for(request, project, pk)
    if upload.state != State.CHECKED:
        return redirect("evalsets:upload", project.slug, pk)
    form = ConfirmForm(upload, request.POST)
    if form.is_valid():
        answers = dict(form.cleaned_data)
        try:
            confirm(upload, leave_out_bad=answers.pop("leave_out_bad", False), options=answers)
        except UploadError as error:
            form.add_error(None, str(error))
        else:
            import_upload_task.delay_on_commit(upload.pk)
            return redirect("evalsets:upload", project.slug, pk)
    return show(request, upload, 422, confirm_form=form)


@require_POST
@for_role(Role.LEAD)
def cancel_upload(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    upload = upload_for(request, project, pk)
    if cancel(upload, request.user):
        clear_upload_task.delay_on_commit(upload.pk)
        messages.success(request, "The upload is thrown away. Nothing of it is kept.")
    else:
        messages.error(request, "The upload was over already, so there is nothing to cancel.")
    return redirect("evalsets:upload", project.slug, pk)
