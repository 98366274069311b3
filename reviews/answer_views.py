"""What people do at the desk: label, undo, put off, begin to say something, leave."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from evalhub.errors import EvalHubError
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.web.rendering import wants_fragment
from reviews.answering import LabelledElsewhere, answer_item
from reviews.calibration import feedback_on
from reviews.deferring import defer_item
from reviews.desk_views import item_for, may_label_item, show_item
from reviews.drafts import hold_on, keep_draft
from reviews.labelling import NotYours, undo_label
from reviews.models import ReviewItem
from reviews.progress import may_label
from reviews.queue import claim_item, claim_next_item, leave_item
from reviews.saying_forms import SayingForm, said_in, whole_or_none


def answered(project: Project, pk: int) -> ReviewItem:
    """The item that something is said of, without its texts."""
    return get_object_or_404(ReviewItem.objects.in_project(project).select_related("round"), pk=pk)


@require_POST
@for_role(Role.REVIEWER)
def label(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Save a label and go on to the next item. What does not fit is said beside the form, with everything kept.

    ``saw_label``: the version of the person's label that the page showed. ``ahead``: the item that it shows already.
    """
    item = answered(project, pk)
    form = SayingForm(request.POST, project=project, hides_types=item.round.hides_types)
    is_lost = False
    if form.is_valid():
        try:
            answer_item(item, request.user, form.cleaned_data, request.POST.get("saw_label", ""))
        except EvalHubError as error:
            form.add_error(None, str(error))
            is_lost = isinstance(error, NotYours) and not isinstance(error, LabelledElsewhere)
    if not form.is_valid():
        shown = item_for(project, pk, request)
        return show_item(request, project, shown.round, shown, form=form, is_lost=is_lost)
    messages.success(request, "Saved as pass." if form.cleaned_data["outcome"] == "pass" else "Saved as fail.")
    return go_on(request, project, item)


def go_on(request: MemberRequest, project: Project, item: ReviewItem) -> HttpResponseBase:
    """The item after this one; after the one that the page shows already, if it says so."""
    shown = item.round
    if not wants_fragment(request):
        query = f"?labelled={item.pk}" if shown.is_practice else ""
        return redirect(reverse("reviews:desk", args=[project.slug, shown.pk]) + query)
    feedback = feedback_on(item, request.user)
    if shown.closed_at or not may_label(shown, request.user):
        blocked = "closed" if shown.closed_at else "not_named"
        return show_item(request, project, shown, feedback=feedback, blocked=blocked)
    ahead = whole_or_none(request.POST.get("ahead", ""))
    if ahead:
        hold_on(ahead, request.user, begins=True)
    found = claim_next_item(shown, request.user, besides=ahead or 0)
    following = item_for(project, found, request) if found else None
    return show_item(request, project, shown, following, is_ahead=bool(ahead), feedback=feedback)


@require_POST
@for_role(Role.REVIEWER)
def undo(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Take one's own label back and show the item again, filled in with what the label said."""
    item = answered(project, pk)
    try:
        taken_back = undo_label(item, request.user)
    except NotYours as error:
        messages.error(request, str(error))
        return redirect("reviews:item", project.slug, pk)
    said = "Your label is taken back." if taken_back else "There is no label of yours here to take back."
    messages.info(request, said)
    item.refresh_from_db()
    if not may_label_item(item, request) or not claim_item(pk, request.user):
        return redirect("reviews:desk", project.slug, item.round_id)
    if not wants_fragment(request):
        return redirect("reviews:item", project.slug, pk)
    shown = item_for(project, pk, request)
    return show_item(request, project, shown.round, shown)


@require_POST
@for_role(Role.REVIEWER)
def defer(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Put the item off, with a reason, and go on to the next one."""
    item = answered(project, pk)
    if defer_item(item, request.user, request.POST.get("reason", "")):
        messages.success(request, "Put off. It comes back to you after the others; “Jump to” lists it.")
    else:
        messages.info(request, "You labelled this item already, so there is nothing to put off.")
    return go_on(request, project, item)


@require_POST
@for_role(Role.REVIEWER)
def draft(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Keep what somebody has typed so far. 204; 205 when it came too late, after their label."""
    item = answered(project, pk)
    said = {name: value for name, value in said_in(request.POST).items() if name != "outcome"}
    kept = keep_draft(item, request.user, said, request.POST.get("saw_label", ""))
    return HttpResponse(status=204 if kept else 205)


@require_POST
@for_role(Role.REVIEWER)
def leave(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Give an item back that was held ready and never read."""
    item = answered(project, pk)
    leave_item(item.pk, request.user)
    return HttpResponse(status=204)
