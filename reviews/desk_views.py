"""The desk at which reviewers label: one item after the other."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_POST

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.web.rendering import render_page_or_fragment, wants_fragment
from reviews.labelling import NotYours, record_label, undo_label
from reviews.models import Label, ReviewItem, Round
from reviews.queue import claim_item, claim_next_item, labels_left
from reviews.reading import read_item
from reviews.saying_forms import SayingForm, saying_context


def show_item(
    request: MemberRequest,
    project: Project,
    item: ReviewItem | None,
    open_round: Round,
    form: SayingForm | None = None,
    previous: int | None = None,
) -> HttpResponseBase:
    """The desk with this item, or with the sentence that nothing waits."""
    reading = read_item(item, request.user) if item else None
    said = saying_context(project, reading.own_label if reading else None, form, hides_types=open_round.hides_types)
    labelled = Label.objects.filter(item__round=open_round, reviewer=request.user)
    waiting = labels_left(open_round)
    context = {
        "round": open_round,
        "reading": reading,
        "item": item,
        "note": said["said"].get("note", ""),
        **said,
        "done": (done := labelled.count()),
        "of": done + waiting,
        "previous": previous or last_labelled(open_round, request, item),
    }
    status = 422 if form and not form.is_valid() else 200
    return render_page_or_fragment(request, "reviews/desk.html", "reviews/_desk.html", context, status=status)


def last_labelled(open_round: Round, request: MemberRequest, item: ReviewItem | None) -> int | None:
    mine = Label.objects.filter(item__round=open_round, reviewer=request.user).order_by("-changed_at", "-pk")
    return (
        mine.exclude(item=item).values_list("item_id", flat=True).first()
        if item
        else mine.values_list("item_id", flat=True).first()
    )


def item_for(project: Project, pk: int) -> ReviewItem:
    items = ReviewItem.objects.in_project(project)
    return get_object_or_404(items.select_related("round", "output__example", "output__run__candidate"), pk=pk)


@require_GET
@for_role(Role.REVIEWER)
def desk(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """The next item of the round for this person."""
    open_round = get_object_or_404(Round.objects.in_project(project), pk=pk)
    is_open = open_round.filled_at and not open_round.closed_at
    item = claim_next_item(open_round, request.user) if is_open else None
    return show_item(request, project, item_for(project, item) if item else None, open_round)


@require_GET
@for_role(Role.REVIEWER)
def show_own(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """One item: to change one's own label, or to label it out of turn if it is free."""
    item = item_for(project, pk)
    if not item.labels.filter(reviewer=request.user).exists() and not claim_item(item.pk, request.user):
        messages.info(request, "This item is with somebody else, or has all its labels. Here is the next one.")
        return redirect("reviews:desk", project.slug, item.round_id)
    return show_item(request, project, item, item.round)


@require_POST
@for_role(Role.REVIEWER)
def label(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Save a label and go on to the next item. What does not fit is said beside the form, with everything kept."""
    item = item_for(project, pk)
    form = SayingForm(request.POST, project=project, hides_types=item.round.hides_types)
    if not form.is_valid():
        return show_item(request, project, item, item.round, form)
    data = form.cleaned_data
    if changed_elsewhere(request, item, data):
        form.add_error(None, "You labelled this item meanwhile, in another tab. Press again to replace that label.")
        return show_item(request, project, item, item.round, form)
    try:
        record_label(
            item,
            request.user,
            data["outcome"],
            data["error_types"],
            data["note"],
            severity=data["severity"],
            fault=data["fault"],
            failing_step=data["failing_step"],
        )
    except NotYours as error:
        form.add_error(None, str(error))
        return show_item(request, project, item, item.round, form)
    messages.success(request, "Saved as pass." if data["outcome"] == "pass" else "Saved as fail.")
    if not wants_fragment(request):
        return redirect("reviews:desk", project.slug, item.round_id)
    if item.round.closed_at:
        return show_item(request, project, None, item.round)
    following = claim_next_item(item.round, request.user)
    return show_item(
        request, project, item_for(project, following) if following else None, item.round, previous=item.pk
    )


def changed_elsewhere(request: MemberRequest, item: ReviewItem, data: dict[str, Any]) -> bool:
    """Whether the person has a label that this page did not show, and that says something else."""
    own = item.labels.filter(reviewer=request.user).prefetch_related("error_types").first()
    if own is None or request.POST.get("saw_label"):
        return False
    same_types = set(own.error_types.all()) == set(data["error_types"])
    return (own.outcome, own.note) != (data["outcome"], data["note"]) or not same_types


@require_POST
@for_role(Role.REVIEWER)
def undo(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Take one's own label back and show the item again."""
    item = item_for(project, pk)
    if not item.labels.filter(reviewer=request.user).exists():
        raise Http404
    try:
        undo_label(item, request.user)
    except NotYours as error:
        messages.error(request, str(error))
        return redirect("reviews:home", project.slug)
    messages.info(request, "Your label is taken back.")
    claim_item(item.pk, request.user)
    if not wants_fragment(request):
        return redirect("reviews:item", project.slug, item.pk)
    return show_item(request, project, item_for(project, item.pk), item.round)
