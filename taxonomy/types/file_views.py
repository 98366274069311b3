"""Taxonomies that come from elsewhere, and go there: starters, import, export."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Member, Project, Role, User
from taxonomy.types.change_views import Asked, answer, posted
from taxonomy.types.changes import Change
from taxonomy.types.documents import DocumentError
from taxonomy.types.editing import types_of
from taxonomy.types.file_forms import ImportForm
from taxonomy.types.files import as_json, as_yaml, read_taxonomy, wanted_from
from taxonomy.types.forms import WhyForm
from taxonomy.types.starters import starter, starters
from taxonomy.types.taking_in import TakeIn

FORMATS = {"yaml": ("application/yaml", as_yaml), "json": ("application/json", as_json)}


@require_GET
@for_role(Role.LEAD)
def show_starters(request: MemberRequest, project: Project) -> HttpResponseBase:
    """What there is to begin with, and how much of each the project has."""
    codes = {each.code for each in types_of(project).values()}
    rows = [
        {"starter": found, "missing": sum(each.code not in codes for each in found.file.types)} for found in starters()
    ]
    return render(request, "taxonomy/taxonomy_starters.html", {"rows": rows})


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def add_starter(request: MemberRequest, project: Project, name: str) -> HttpResponseBase:
    found = starter(name)
    if found is None:
        raise Http404
    codes = {each.code for each in types_of(project).values()}
    asked = Asked(
        title=f"Add the starter “{found.file.title}”",
        lead="What your project does not have yet is added, by code. What is there stays as it is.",
        verb="Add what is missing",
        form=WhyForm(posted(request)),
        change=lambda: found.change,
        fields="taxonomy/_taxonomy_starter.html",
        tab="starters",
        is_ready=True,
        more={"types": [(each, each.code in codes, 1 if each.parent else 0) for each in found.file.types]},
    )
    return answer(request, project, asked)


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def import_taxonomy(request: MemberRequest, project: Project) -> HttpResponseBase:
    """A file in YAML or JSON: read, shown with all that it would change, and taken over when that is confirmed."""
    form = ImportForm(posted(request), request.FILES if request.method == "POST" else None)
    more: dict[str, object] = {}
    change: Change | None = None
    if request.method == "POST" and form.is_valid():
        try:
            change, more = read_change(project, form)
        except DocumentError as error:
            for fault in error.shown:
                form.add_error("file", fault)

    def asked_for() -> Change:
        assert change is not None  # a form with faults is not valid
        return change

    asked = Asked(
        title="Import and export",
        lead="Error types of the file whose code is there already become as the file says. The others are added.",
        verb="Take it over",
        form=form,
        change=asked_for,
        fields="taxonomy/_taxonomy_import_fields.html",
        tab="files",
        shows_differences=True,
        more=more,
    )
    return answer(request, project, asked)


def read_change(project: Project, form: ImportForm) -> tuple[Change, dict[str, object]]:
    """Raises DocumentError."""
    content = form.content()
    file = form.cleaned_data.get("file")
    found = read_taxonomy(content, file.name if file else "")
    members = Member.objects.filter(project=project).select_related("user")
    wanted, remarks = wanted_from(found, {member.user.email.lower(): member.user_id for member in members})
    retires = form.cleaned_data["rest"] == "retire"
    change = TakeIn("a file", wanted, changes=True, retires=retires)
    text = content.decode("utf-8-sig")
    return change, {"remarks": remarks, "text": text, "rest": form.cleaned_data["rest"], "has_read": True}


@require_GET
@for_role(Role.LEAD)
def export_taxonomy(request: MemberRequest, project: Project, format: str) -> HttpResponseBase:
    """The error types as a file, retired ones too; it is read again exactly."""
    if format not in FORMATS:
        raise Http404
    kind, write = FORMATS[format]
    types = types_of(project)
    owners = User.objects.filter(pk__in={each.owner for each in types.values() if each.owner})
    text = write(types, {person.pk: person.email for person in owners})
    name = f"error-types-{project.slug}.{format}"
    return HttpResponse(
        text, content_type=f"{kind}; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
