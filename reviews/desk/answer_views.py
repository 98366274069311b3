"""What people do at the desk: label, undo, put off, begin to say something, leave."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from evalhub.errors import EvalHubError
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.web.rendering import wants_fragment
from reviews.calibration.meetings import feedback_on
from reviews.desk.answering import answer_item
from reviews.desk.deferring import defer_item
from reviews.desk.drafts import hold_on, keep_draft
from reviews.desk.views import bare_item_for, item_for, may_have, show_item
from reviews.labelling import NotYours, undo_label
from reviews.queue import claim_item, claim_next_item, leave_item
from reviews.saying_forms import SayingForm, said_in, whole_or_none

NOT_NAMED = "You are not among the people of this round, so its items do not wait for you. A lead can name you."


@require_POST
@for_role(Role.REVIEWER)
def label(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Save a label and go on to the next item. What does not fit is said beside the form, with everything kept.

    ``saw_label``: the version of the person's label that the page showed. ``ahead``: the item that it shows already.
    """
    item = bare_item_for(project, pk, request)
    form = SayingForm(request.POST, project=project, hides_types=item.round.hides_types)
    is_lost = form.is_valid() and not try_to_answer(request, item, form)
    if not form.is_valid():
        shown = item_for(project, pk, request)
        return show_item(request, project, shown.round, shown, form=form, is_lost=is_lost)
    messages.success(request, "Saved as pass." if form.cleaned_data["outcome"] == "pass" else "Saved as fail.")
    return go_on(request, project, item)


def try_to_answer(request: MemberRequest, item: Any, form: SayingForm) -> bool:
    """Record the label, or note in the form why not; false when the item is not this person's any more."""
    saw = request.POST.get("saw_label", "")
    try:
        if not may_have(item, request) and not item.labels.filter(reviewer=request.user).exists():
            raise NotYours(NOT_NAMED)
        answer_item(item, request.user, form.assessment, form.cleaned_data["correction"], saw)
    except NotYours as error:
        form.add_error(None, str(error))
        keep_draft(item, request.user, begun(request), saw)
        return False
    except EvalHubError as error:
        form.add_error(None, str(error))
    return True


def begun(request: MemberRequest) -> dict[str, Any]:
    """What was said so far, but the outcome: that is said last."""
    return {name: value for name, value in said_in(request.POST).items() if name != "outcome"}


def go_on(request: MemberRequest, project: Project, item: Any, is_put_off: bool = False) -> HttpResponseBase:
    """The item after this one; after the one that the page shows already, if it says so."""
    shown = item.round
    put_off = item.pk if is_put_off else None
    if not wants_fragment(request):
        query = f"?put_off={put_off}" if put_off else f"?labelled={item.pk}" if shown.is_practice else ""
        return redirect(reverse("reviews:desk", args=[project.slug, shown.pk]) + query)
    feedback = feedback_on(item, request.user)
    if shown.closed_at or not item.may_label:
        blocked = "closed" if shown.closed_at else "not_named"
        return show_item(request, project, shown, feedback=feedback, blocked=blocked)
    ahead = whole_or_none(request.POST.get("ahead", ""))
    if ahead:
        hold_on(ahead, request.user, begins=True)
    found = claim_next_item(shown, request.user, besides=ahead or 0)
    following = item_for(project, found, request) if found else None
    return show_item(request, project, shown, following, ahead_of=ahead or None, feedback=feedback, put_off=put_off)


@require_POST
@for_role(Role.REVIEWER)
def undo(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Take one's own label back and show the item again, filled in with what the label said."""
    item = bare_item_for(project, pk, request)
    try:
        taken_back = undo_label(item, request.user)
    except NotYours as error:
        messages.error(request, str(error))
        return redirect("reviews:item", project.slug, pk)
    said = "Your label is taken back." if taken_back else "There is no label of yours here to take back."
    messages.info(request, said)
    if not may_have(item, request) or not claim_item(pk, request.user):
        return redirect("reviews:desk", project.slug, item.round_id)
    if not wants_fragment(request):
        return redirect("reviews:item", project.slug, pk)
    shown = item_for(project, pk, request)
    return show_item(request, project, shown.round, shown)


@require_POST
@for_role(Role.REVIEWER)
def defer(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Put the item off, with a reason, and go on to the next one."""
    item = bare_item_for(project, pk, request)
    is_put_off = defer_item(item, request.user, request.POST.get("reason", ""))
    if is_put_off:
        messages.success(request, "Put off. It comes back to you after the others; “Jump to” lists it.")
    else:
        messages.info(request, "You labelled this item already, so there is nothing to put off.")
    return go_on(request, project, item, is_put_off)


@require_POST
@for_role(Role.REVIEWER)
def draft(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Keep what somebody has typed so far. 204; 205 when it came too late, after their label."""
    item = bare_item_for(project, pk, request)
    kept = keep_draft(item, request.user, begun(request), request.POST.get("saw_label", ""))
    return HttpResponse(status=204 if kept else 205)


@require_POST
@for_role(Role.REVIEWER)
def leave(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Give an item back that was held ready and never read."""
    item = bare_item_for(project, pk, request)
    leave_item(item.pk, request.user)
    return HttpResponse(status=204)
