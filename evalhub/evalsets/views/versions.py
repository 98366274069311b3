"""One version: its examples, its publication, its download."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_POST

from evalhub.evalsets.contents import blocks_of
from evalhub.evalsets.excerpts import expected_excerpt, request_excerpt
from evalhub.evalsets.models import EvalSetVersion, Example
from evalhub.evalsets.proposals import count_corrected
from evalhub.evalsets.publishing import ask_for_publication
from evalhub.evalsets.tasks import erase_version_task, publish_version_task
from evalhub.evalsets.versions import VersionError, delete_draft
from evalhub.evalsets.views.samples import PAGING, refuse_unknown
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.web.paging import page_of
from evalhub.web.rendering import render_page_or_fragment

LONGEST = 200


def version_for(project: Project, pk: int, *more: str) -> EvalSetVersion:
    versions = EvalSetVersion.objects.in_project(project).listed().select_related("eval_set", *more)
    return get_object_or_404(versions, pk=pk)


@require_GET
@for_role(Role.LEAD)
def show_version(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """The examples, part of them by tag or by a text in their id. While a worker has it in hand, only that is shown."""
    refuse_unknown(request, PAGING | {"tag", "key"})
    version = version_for(project, pk, "upload", "created_by", "published_by")
    tag, key = (text_of(request, name) for name in ("tag", "key"))
    examples = version.examples.all() if version.state != version.State.IMPORTING else Example.objects.none()
    if tag:
        examples = examples.filter(tags__contains=[tag])
    if key:
        examples = examples.filter(key__icontains=key)
    excerpts = examples.annotate(excerpt=request_excerpt(), expected_text=expected_excerpt())
    context = {
        "version": version,
        "eval_set": version.eval_set,
        "page": page_of(request, excerpts.defer("request", "expected", "metadata"), "position"),
        "tag": tag,
        "known_tags": [name for name, _ in version.facts.get("tags", []) if name.isprintable()],
        "key": key,
        "corrected": count_corrected(version),
    }
    return render_page_or_fragment(request, "evalsets/version.html", "evalsets/_version.html", context)


def text_of(request: MemberRequest, name: str) -> str:
    try:
        return str(forms.CharField(required=False, max_length=LONGEST).clean(request.GET.get(name, "")))
    except forms.ValidationError as error:
        raise BadRequest(f"{name} cannot be that.") from error


@require_GET
@for_role(Role.LEAD)
def show_example(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    examples = Example.objects.in_project(project).select_related("version__eval_set")
    example = get_object_or_404(examples, pk=pk)
    others = example.version.examples
    context = {
        "example": example,
        "version": example.version,
        "eval_set": example.version.eval_set,
        "previous": others.filter(position__lt=example.position).order_by("-position").only("pk").first(),
        "next": others.filter(position__gt=example.position).order_by("position").only("pk").first(),
    }
    return render(request, "evalsets/example.html", context)


@require_POST
@for_role(Role.LEAD)
def publish_version(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    try:
        version = ask_for_publication(version_for(project, pk), request.user)
    except VersionError as error:
        messages.error(request, str(error))
    else:
        if version.is_publishing:
            publish_version_task.delay_on_commit(pk)
        else:
            messages.success(request, f"{version} is published and frozen.")
    return redirect("evalsets:version", project.slug, pk)


@require_POST
@for_role(Role.LEAD)
def delete_version(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    version = version_for(project, pk)
    try:
        delete_draft(version, request.user)
    except VersionError as error:
        messages.error(request, str(error))
        return redirect("evalsets:version", project.slug, pk)
    erase_version_task.delay_on_commit(pk)
    messages.success(request, f"The draft {version} is deleted.")
    return redirect("evalsets:show", project.slug, version.eval_set_id)


@require_GET
@for_role(Role.LEAD)
def download_version(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """All examples as JSONL, byte for byte the same each time: what a published version's hash is taken over."""
    versions = EvalSetVersion.objects.in_project(project).readable().select_related("eval_set")
    version = get_object_or_404(versions, pk=pk)
    name = f"{slugify(version.eval_set.name)[:80] or 'eval-set'}-v{version.number}.jsonl"
    return StreamingHttpResponse(
        blocks_of(version),
        content_type="application/x-ndjson",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
