"""Items that come into a round later: more for its reasons, or all outputs that a page lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from evalhub.errors import EvalHubError
from evalhub.exports.sources import NotThere
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.web.rendering import render_page_or_fragment
from reviews.making.adding import (
    Added,
    AddingError,
    Filtered,
    add_more,
    add_outputs,
    filtered,
    look_at_more,
    make_round_of,
    refuse_unless_reviewable,
    standing,
)
from reviews.making.adding_forms import MoreForm, OutputsForm
from reviews.making.preview import pace_of_project
from reviews.models import Round

# In the address or the form, but no filters of the page that lists the outputs.
NO_FILTERS = {*OutputsForm.base_fields, "csrfmiddlewaretoken", "kind", "format", "after", "before", "preview"}


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def add(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Draw more outputs for the reasons that the round was made for; “preview” adds nothing yet."""
    shown = get_object_or_404(Round.objects.in_project(project), pk=pk)
    form = MoreForm(request.POST or None, shown=shown, initial={"had": standing(shown)})
    looks_ahead = "preview" in request.POST
    context: dict[str, Any] = {"round": shown, "form": form}
    if request.method == "POST" and form.is_valid():
        if looks_ahead:
            context["seen"] = look_at_more(shown, form.more())
        else:
            try:
                added = add_more(shown, form.more(), request.user, form.cleaned_data["had"])
            except AddingError as error:
                form.add_error(None, str(error))
            else:
                tell(request, added)
                return redirect("reviews:round", project.slug, pk)
    if looks_ahead:
        context["faults"] = [fault for faults in form.errors.values() for fault in faults]
    status = 422 if form.errors and not request.htmx else 200
    return render_page_or_fragment(request, "reviews/add.html", "reviews/_more.html", context, status)


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def review_outputs(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Put all outputs that a page lists, by the filters of its address, into a round that is open or a new one."""
    try:
        # The form carries the filters as they were when it was shown: “the newest runs” are named in it.
        found = asked_for(project, request.POST if "kind" in request.POST else request.GET)
        count = found.count()
        refuse_unless_reviewable(count)
    except NotThere as error:
        raise Http404 from error
    except EvalHubError as error:
        return render(request, "reviews/add_outputs.html", {"error": error}, status=422)
    initial = {"name": f"{found.description}"[:100], "into": request.GET.get("into")}
    form = OutputsForm(request.POST or None, project=project, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            made, added = take_in(request, project, form, found)
        except AddingError as error:
            form.add_error("into", str(error))
        else:
            tell(request, added)
            return redirect("reviews:round", project.slug, made.pk)
    pace = pace_of_project(project)
    context = {"form": form, "found": found, "count": count, "time": pace.time_of(count), "pace": pace}
    return render(request, "reviews/add_outputs.html", context, status=422 if form.errors else 200)


@require_GET
@for_role(Role.LEAD)
def review_button(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Part of a page that lists outputs: the way to review all of them, with their number."""
    try:
        found = asked_for(project, request.GET)
        count = found.count()
    except NotThere as error:
        raise Http404 from error
    except EvalHubError:
        count = 0
    context = {"count": count, "query": request.GET.urlencode()}
    return render(request, "reviews/_review_button.html", context)


def asked_for(project: Project, parameters: QueryDict) -> Filtered:
    """Raises what ``adding.filtered`` raises."""
    given: Mapping[str, str] = {
        name: ",".join(map(str, values)) for name, values in parameters.lists() if name not in NO_FILTERS
    }
    return filtered(project, str(parameters.get("kind", "")), given)


def take_in(request: MemberRequest, project: Project, form: OutputsForm, found: Filtered) -> tuple[Round, Added]:
    outputs, runs = found.outputs(), found.runs()
    refuse_unless_reviewable(len(outputs))
    if into := form.cleaned_data["into"]:
        return into, add_outputs(into, outputs, runs, request.user)
    made = make_round_of(project, form.cleaned_data["name"], outputs, runs, request.user, **form.work())
    return made, Added(made.item_count, 0)


def tell(request: MemberRequest, added: Added) -> None:
    if added.new:
        items = f"{added.new:,} item{' is' if added.new == 1 else 's are'} added."
        messages.success(request, items + (f" {added.there:,} were in the round already." if added.there else ""))
    else:
        messages.info(request, "Nothing was added: all of these outputs are in the round already.")
