"""What an item's page leaves out because it is long: fetched when somebody opens it."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.web.rendering import render_page_or_fragment
from reviews.models import ReviewItem
from reviews.reading.item import Reading, passages_of, read_item, stretch_of


@require_GET
@for_role(Role.REVIEWER)
def show_part(request: MemberRequest, project: Project, pk: int, part: str) -> HttpResponseBase:
    """One text, stretch of steps or difference of an item, whole; for leads, and for whom the item was given to."""
    items = ReviewItem.objects.in_project(project).select_related("round", "output__example", "output__run__candidate")
    item = get_object_or_404(items, pk=pk)
    if not (request.member.may(Role.LEAD) or was_given_to(item, request)):
        raise Http404
    reading = read_item(item, request.user)
    context = {
        "reading": reading,
        "item": item,
        "round": item.round,
        "part": part,
        "title": title_of(part),
        **content_of(reading, part),
    }
    return render_page_or_fragment(request, "reviews/reading/part.html", "reviews/reading/_part.html", context)


def was_given_to(item: ReviewItem, request: MemberRequest) -> bool:
    return any(given.filter(reviewer=request.user).exists() for given in (item.claims, item.labels, item.deferrals))


def content_of(reading: Reading, part: str) -> dict[str, Any]:
    """What the part of this name holds, for its template. Raises Http404 for a name that the item does not have."""
    if part == "tools" and reading.conversation.tools:
        return {"tools": reading.conversation.tools}
    if stretch := stretch_of(reading, part):
        return {"steps": stretch.steps}
    differences = (reading.difference, reading.other_difference)
    if difference := next((found for found in differences if found and found.part == part), None):
        return {"difference": difference}
    # What an endpoint sent when it failed may name the model.
    is_hidden = part.endswith("-from-endpoint") and reading.item.round.is_blind
    passage = passages_of(reading).get(part)
    if passage is None or is_hidden:
        raise Http404
    return {"passage": passage}


def title_of(part: str) -> str:
    """“steps-2-15” → “Steps 2 to 15”, for the page that stands alone."""
    kind, *numbers = part.split("-")
    if kind == "steps":
        return f"Steps {' to '.join(numbers)}"
    return {"tools": "Tools offered", "difference": "Difference"}.get(kind, "The whole text")
