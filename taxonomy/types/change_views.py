"""Changes that touch what labels count as: looked at first, then confirmed. They all work without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.web.paging import whole
from evalhub.web.templatetags.ui import address
from taxonomy.models import ErrorType, TaxonomyVersion
from taxonomy.tree import TreeType
from taxonomy.types.changes import Change, GoBack, Move, Restore, Retire
from taxonomy.types.editing import Done, OutdatedError, carry_out, going_back, types_of
from taxonomy.types.forms import MergeForm, MoveForm, SplitForm, WhyForm
from taxonomy.types.planning import TaxonomyError, common_words
from taxonomy.types.previews import preview_of, token_of
from taxonomy.versions import VersionError, newest_number


@dataclass
class Asked:
    """What a page of a change is made of. ``change``: what the valid form asks for; may raise TaxonomyError.

    ``is_ready``: nothing has to be asked before the preview. ``shown``: the type that the page is about, if it is one.
    ``shows_differences``: more may change than its sentence says.
    """

    title: str
    lead: str
    verb: str
    form: WhyForm
    change: Callable[[], Change]
    fields: str = ""
    tab: str = ""
    shows_differences: bool = False
    is_ready: bool = False
    shown: TreeType | None = None
    done: Callable[[Done], str] | None = None
    more: dict[str, Any] = field(default_factory=dict)


def answer(request: MemberRequest, project: Project, asked: Asked) -> HttpResponseBase:
    """The form; with what it asks for, a preview; and with the token of that preview the change is made."""
    context: dict[str, Any] = {"asked": asked, "form": asked.form, **asked.more}
    status = 200
    if (request.method == "POST" or asked.is_ready) and (request.method == "GET" or asked.form.is_valid()):
        try:
            change = asked.change()
            if "confirm" in request.POST:
                if request.POST.get("token") == token_of(change):
                    return make(request, project, asked, change)
                context["outdated"] = "This is another change than the one you looked at. Look again, then confirm."
                status = 409
            context["preview"] = preview_of(project, change)
        except OutdatedError as error:
            context["outdated"], status = str(error), 409
            context["preview"] = preview_of(project, asked.change())
        except (TaxonomyError, VersionError) as error:
            context["refusal"], status = str(error), 422
    elif request.method == "POST":
        status = 422
    return render(request, "taxonomy/type_change.html", context, status=status)


def make(request: MemberRequest, project: Project, asked: Asked, change: Change) -> HttpResponseBase:
    seen = whole(request.POST.get("seen"))
    done = carry_out(project, change, request.user, asked.form.cleaned_data["why"], seen)
    if done is None:
        messages.info(request, "Nothing has changed.")
        return redirect("taxonomy:error_types", project.slug)
    messages.success(request, f"{done.version.change} This is version {done.version.number}.")
    return redirect(asked.done(done) if asked.done else address("taxonomy:error_types", project.slug))


def posted(request: MemberRequest) -> QueryDict | None:
    """What was sent, though it be nothing; None where the page is only opened."""
    return request.POST if request.method == "POST" else None


def type_asked_for(project: Project, pk: int) -> TreeType:
    get_object_or_404(ErrorType.objects.in_project(project), pk=pk)
    return types_of(project)[pk]


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def move(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    moved = type_asked_for(project, pk)
    form = MoveForm(posted(request), types=types_of(project), moved=moved)
    asked = Asked(
        title=f"Move “{moved.name}”",
        lead="What stands below it moves along.",
        verb="Move it",
        form=form,
        change=lambda: Move(pk, form.cleaned_data["parent"]),
        fields="taxonomy/_type_move_fields.html",
        shown=moved,
    )
    return answer(request, project, asked)


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def merge(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Several types into one; “?type=” ticks some of them to begin with."""
    chosen = [key for text in request.GET.getlist("type") if (key := whole(text)) is not None]
    types = types_of(project)
    known = {"types": chosen, **common_words(types, chosen)}
    form = MergeForm(posted(request), project=project, types=types, initial=known)
    asked = Asked(
        title="Merge error types",
        lead="Where the cause is the same, one type is enough. The merged ones leave the reviewers' list.",
        verb="Merge them",
        form=form,
        change=form.change,
        fields="taxonomy/_type_merge_fields.html",
    )
    return answer(request, project, asked)


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def split(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    parted = type_asked_for(project, pk)
    data = request.POST.copy() if request.method == "POST" else None
    adds_part = data is not None and "more" in data
    if data is not None and adds_part:
        data["parts-TOTAL_FORMS"] = str(min((whole(data.get("parts-TOTAL_FORMS")) or 0) + 1, 8))
    form = SplitForm(data, project=project, split=parted)
    asked = Asked(
        title=f"Split “{parted.name}”",
        lead="Where the causes differ, name them apart. It becomes a heading; reviewers choose one of those below it.",
        verb="Split it",
        form=form,
        change=form.change,
        fields="taxonomy/_type_split_fields.html",
        shown=parted,
        done=lambda done: after_split(project, parted),
        more={"parts": form.parts},
    )
    if adds_part:
        return render(
            request, "taxonomy/type_change.html", {"asked": asked, "form": form, "is_new": True, **asked.more}
        )
    return answer(request, project, asked)


def after_split(project: Project, parted: TreeType) -> str:
    """The outputs that need a second look."""
    return address("taxonomy:type_outputs", project.slug, parted.pk, own="yes", source="people")


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def retire(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    retired = type_asked_for(project, pk)
    asked = Asked(
        title=f"Retire “{retired.name}”",
        lead="It leaves the reviewers' list. Labels and findings that carry it keep it, and it stays in the figures.",
        verb="Retire it",
        form=WhyForm(posted(request)),
        change=lambda: Retire(pk),
        is_ready=True,
        shown=retired,
    )
    return answer(request, project, asked)


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def restore(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    restored = type_asked_for(project, pk)
    asked = Asked(
        title=f"Restore “{restored.name}”",
        lead="It is offered to reviewers again, and counts by itself where it was merged.",
        verb="Restore it",
        form=WhyForm(posted(request)),
        change=lambda: Restore(pk),
        is_ready=True,
        shown=restored,
    )
    return answer(request, project, asked)


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def go_back(request: MemberRequest, project: Project, number: int) -> HttpResponseBase:
    """Back to an older version by a new one that says the same; the last but one is an undo."""
    get_object_or_404(TaxonomyVersion, project=project, number=number)
    is_undo = number == newest_number(project) - 1

    def change() -> GoBack:
        return going_back(project, number)

    asked = Asked(
        title="Undo the last change" if is_undo else f"Go back to version {number}",
        lead="The error types say again what they said then. Those added since are retired, not deleted.",
        verb="Undo it" if is_undo else "Go back",
        form=WhyForm(posted(request)),
        change=change,
        is_ready=True,
        shows_differences=True,
    )
    return answer(request, project, asked)
