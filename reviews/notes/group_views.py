"""What a lead does with a whole group of notes: name it, merge it, dissolve it, turn it into an error type."""

from __future__ import annotations

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from evalhub.errors import EvalHubError
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.web.paging import whole
from evalhub.web.rendering import wants_fragment
from evalhub.web.templatetags.ui import address, number
from reviews.models import NoteGroup
from reviews.notes import grouping, turning
from reviews.notes.asking import Asked
from reviews.notes.board_views import Said, notes, show_board
from reviews.notes.forms import GroupForm, TurnForm
from reviews.notes.judging import preview_of
from taxonomy.models import ErrorType


def page_of_group(project: Project, group: NoteGroup | int) -> str:
    return address("reviews:board", project.slug, group=group if isinstance(group, int) else group.pk)


def group_of(project: Project, pk: int) -> NoteGroup:
    found = NoteGroup.objects.in_project(project).select_related("error_type", "changed_by", "project")
    return get_object_or_404(found, pk=pk)


@require_POST
@for_role(Role.LEAD)
def change_note_group(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Name and define a group."""
    group = group_of(project, pk)
    form = GroupForm(request.POST, instance=NoteGroup(project=project))
    fault = ""
    if form.is_valid():
        said = form.cleaned_data
        try:
            grouping.change_group(
                group, said["name"], said["definition"], said["severity"], request.POST.get("saw", ""), request.user
            )
            messages.success(request, "Saved.")
            return redirect(page_of_group(project, pk))
        except grouping.GroupingError as error:
            fault = str(error)
    group = group_of(project, pk)
    again = Said(fault, form=form, saw=grouping.version_of(group))
    return show_board(request, project, Asked(place=str(pk), group=group), again, status=422)


@require_POST
@for_role(Role.LEAD)
def merge_note_group(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Put all its notes into another group."""
    group = group_of(project, pk)
    into = whole(request.POST.get("into"))
    if into is None:
        messages.error(request, "Choose the group that its notes go into.")
        return redirect(page_of_group(project, pk))
    try:
        other, count = grouping.merge_groups(group, into, request.user)
    except grouping.GroupingError as error:
        messages.error(request, str(error))
        return redirect(page_of_group(project, pk))
    messages.success(request, f"“{group}” is merged into “{other}”: {notes(count).lower()} came to it.")
    return redirect(page_of_group(project, other))


@require_POST
@for_role(Role.LEAD)
def dissolve_note_group(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Drop the group; its notes wait outside of groups again."""
    group = group_of(project, pk)
    try:
        count = grouping.dissolve_group(group, request.user)
    except grouping.GroupingError as error:
        messages.error(request, str(error))
        return redirect(page_of_group(project, pk))
    messages.success(request, f"“{group}” is dissolved: {notes(count).lower()} of it now in no group.")
    return redirect("reviews:board", project.slug)


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def turn_note_group(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Turn a group into an error type, new or there already: what that would do, and the form that does it."""
    group = group_of(project, pk)
    form = TurnForm(request.POST or None, group=group)
    fault = ""
    if request.method == "POST" and (group.error_type or form.is_valid()):
        try:
            turned = turning.turn_group(group, group.error_type or form.error_type(), request.user)
            messages.success(request, sentence_of(turned))
            return redirect(page_of_group(project, pk))
        except EvalHubError as error:  # of the groups, or of the taxonomy
            fault = str(error)
    error_type = group.error_type or chosen_type(request, project, form)
    context = {
        "group": group,
        "form": form,
        "fault": fault,
        "error_type": error_type,
        "preview": preview_of(group, error_type),
    }
    is_part = wants_fragment(request) and request.method == "GET"
    template = "reviews/_notes_preview.html" if is_part else "reviews/notes_turn.html"
    return render(request, template, context, status=422 if fault or form.errors else 200)


def chosen_type(request: MemberRequest, project: Project, form: TurnForm) -> ErrorType | None:
    """The error type that the form has chosen at present; None for a new one."""
    given = request.POST if request.method == "POST" else request.GET
    if "into" not in given:
        return form.initial["into"]
    types = ErrorType.objects.in_project(project).active()
    key = whole(given["into"])
    return types.filter(pk=key).first() if key is not None else None


def sentence_of(turned: turning.Turned) -> str:
    labels = f"{number(turned.labels)} label{'' if turned.labels == 1 else 's'}"
    sentence = f"{labels} {'carries' if turned.labels == 1 else 'carry'} “{turned.error_type}” now."
    if turned.carrying:
        sentence += f" {number(turned.carrying)} had it already."
    if turned.refused:
        reasons = ", ".join(f"{number(count)} {why}" for why, count in turned.refused.items())
        sentence += f" Left as they were: {reasons}."
    return sentence


@require_POST
@for_role(Role.LEAD)
def take_note_group_back(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Take the error type from the labels again."""
    group = group_of(project, pk)
    try:
        back = turning.take_back(group, request.user)
    except grouping.GroupingError as error:
        messages.error(request, str(error))
        return redirect(page_of_group(project, pk))
    labels = "label is as it was" if back.labels == 1 else "labels are as they were"
    sentence = f"Taken back: {number(back.labels)} {labels}."
    if back.changed:
        sentence += f" {number(back.changed)} changed by their reviewers since stay as those said."
    if back.closed:
        sentence += f" {number(back.closed)} of closed rounds stay too."
    messages.success(request, f"{sentence} The error type “{back.error_type}” stays; retire it if nobody needs it.")
    return redirect(page_of_group(project, pk))
