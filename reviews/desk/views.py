"""The desk at which reviewers label, as it is shown: one item after the other, any item, what comes next."""

from __future__ import annotations

from typing import Any, NoReturn

from django.contrib import messages
from django.db.models import Exists, F, OuterRef, Window
from django.db.models.functions import RowNumber
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.web.paging import whole
from evalhub.web.rendering import render_page_or_fragment
from reviews.calibration.meetings import Feedback, feedback_on
from reviews.calibration.practice import practice_before
from reviews.desk.deferring import deferred_in
from reviews.desk.drafts import drafts_in
from reviews.desk.items import bare_item, whole_item
from reviews.desk.own_items import history_of, item_numbered, labels_in, standing_in, why_returned
from reviews.labelling import version_of
from reviews.models import Label, Round, Seat
from reviews.queue import claim_item, claim_next_item
from reviews.reading.item import Reading, read_item
from reviews.saying_forms import SayingForm, saying_context

MOST_LISTED = 50


def show_item(
    request: MemberRequest,
    project: Project,
    shown: Round,
    item: Any | None = None,
    *,
    form: SayingForm | None = None,
    is_lost: bool = False,
    ahead_of: int | None = None,
    feedback: Feedback | None = None,
    blocked: str = "",
    put_off: int | None = None,
    is_jump: bool = False,
) -> HttpResponseBase:
    """The desk with this item of ``item_for``, or with the sentence why there is none: ``blocked``, or none waits.

    ``form``: a refused one. ``is_lost``: the item is not theirs any more. ``ahead_of``: the item that the person
    labels before this page, which is held ready, is shown. ``feedback``: on the label before, in practice.
    ``put_off``: the item that they put off last, if that is what undo takes back. ``is_jump``: out of turn.
    """
    is_ahead = ahead_of is not None
    reading = read_item(item, request.user, has_label=item.has_label) if item else None
    own = reading.own_label if reading else None
    standing = standing_in(shown, request.user, item.pk if item else 0, own.changed_at if own else None)
    context = {
        "round": shown,
        "item": item,
        "reading": reading,
        "own": own,
        "saw": version_of(own),
        "done": standing.done + is_ahead,
        "left": max(0, standing.left - is_ahead),
        "previous": ahead_of or standing.previous,
        "is_lost": is_lost,
        "feedback": feedback,
        "blocked": blocked,
        "put_off": put_off,
        "is_jump": is_jump,
        "url": reverse("reviews:item", args=[project.slug, item.pk]) if item and own else None,
        **(about(request, project, item, reading, form) if item and reading else {}),
    }
    status = 422 if form and not form.is_valid() else 200
    return render_page_or_fragment(request, "reviews/desk.html", "reviews/_desk.html", context, status=status)


def about(
    request: MemberRequest, project: Project, item: Any, reading: Reading, form: SayingForm | None
) -> dict[str, Any]:
    """What the form shows of the item, and what happened to it before: the person's own part of it only."""
    own, draft = reading.own_label, item.draft
    hides_types = item.round.hides_types
    said = saying_context(
        project, draft if draft is not None else own, form, getattr(reading, "steps", ()), hides_types
    )
    return {
        **said,
        "has_draft": draft is not None and not form,
        "returned": why_returned(item, request.user) if draft is not None and own is None else None,
        "history": history_of(item, request.user) if own else [],
    }


def item_for(project: Project, pk: int, request: MemberRequest) -> Any:
    """As ``items.whole_item``; 404 where there is none."""
    return whole_item(project, pk, request.user) or not_there()


def bare_item_for(project: Project, pk: int, request: MemberRequest) -> Any:
    """As ``items.bare_item``; 404 where there is none."""
    return bare_item(project, pk, request.user) or not_there()


def not_there() -> NoReturn:
    raise Http404


def round_for(project: Project, pk: int, request: MemberRequest) -> Any:
    """The round, whether the person ``may_label`` in it, and whether they have begun (``has_begun``)."""
    seats = Seat.objects.filter(round=OuterRef("pk"), reviewer=request.user, labels__gt=0)
    named = Round.reviewers.through.objects.filter(round=OuterRef("pk"))
    rounds = Round.objects.in_project(project).annotate(
        may_label=Exists(named.filter(user=request.user)) | ~Exists(named), has_begun=Exists(seats)
    )
    return get_object_or_404(rounds, pk=pk)


@require_GET
@for_role(Role.REVIEWER)
def desk(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """The next item of the round for this person.

    ``?labelled=``: in practice, the item to give feedback on. ``?put_off=``: the item that they put off just now.
    """
    shown = round_for(project, pk, request)
    blocked = "" if shown.may_label else "not_named"
    if not blocked and (shown.closed_at or not shown.filled_at):
        blocked = "closed" if shown.closed_at else "not_filled"
    if not blocked and not shown.has_begun and (first := practice_before(shown, request.member)):
        return to_practice(request, first)
    found = None if blocked else claim_next_item(shown, request.user)
    feedback = None
    if shown.is_practice and (labelled := whole(request.GET.get("labelled"))) is not None:
        before = shown.items.filter(pk=labelled).first()
        feedback = feedback_on(before, request.user) if before else None
    item = item_for(project, found, request) if found else None
    put_off = whole(request.GET.get("put_off"))
    return show_item(request, project, shown, item, feedback=feedback, blocked=blocked, put_off=put_off)


@require_GET
@for_role(Role.REVIEWER)
def following(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """The desk as it will be after a label of this item, claimed and held ready by the page; 204: nothing follows."""
    item = bare_item_for(project, pk, request)
    shown = item.round
    if shown.closed_at or not shown.filled_at or not item.may_label:
        return HttpResponse(status=204)
    found = claim_next_item(shown, request.user, besides=item.pk)
    if not found:
        return HttpResponse(status=204)
    return show_item(request, project, shown, item_for(project, found, request), ahead_of=item.pk)


@require_GET
@for_role(Role.REVIEWER)
def show_own(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """One item: to change one's own label, or to label it out of turn if it is free."""
    item = item_for(project, pk, request)
    shown = item.round
    is_own = Label.objects.filter(item=item, reviewer=request.user).exists()
    if not is_own and (first := practice_before(shown, request.member)):
        return to_practice(request, first)
    if not is_own and not (may_have(item, request) and not shown.closed_at and claim_item(item.pk, request.user)):
        messages.info(request, "This item is not free for you: others hold it, or it has all its labels.")
        return redirect("reviews:desk", project.slug, shown.pk)
    feedback = feedback_on(item, request.user) if is_own else None
    blocked = "closed" if shown.closed_at else ""
    return show_item(request, project, shown, item, feedback=feedback, blocked=blocked, is_jump=not is_own)


def to_practice(request: MemberRequest, first: Round) -> HttpResponseBase:
    messages.info(request, f"New reviewers begin with practice. After “{first.name}” you go on to the other rounds.")
    return redirect("reviews:desk", request.project.slug, first.pk)


def may_have(item: Any, request: MemberRequest) -> bool:
    """Whether one of ``item_for`` or ``bare_item_for`` can be this person's at all."""
    return item.may_label or request.user.pk in item.assigned_to


@require_GET
@for_role(Role.REVIEWER)
def jump(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Where a person can go in a round: to an item by its number, to what they put off, began or labelled."""
    shown = round_for(project, pk, request)
    asked, fault = request.GET.get("number", "").strip(), ""
    if asked:
        number = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 10 else 0
        found = item_numbered(shown, request.user, number) if shown.may_label else None
        if found:
            return redirect("reviews:item", project.slug, found)
        fault = f"There is no item {asked} for you. Your labels come first, then what is free."
    numbered = labels_in(shown, request.user).annotate(number=Window(RowNumber(), order_by=("created_at", "pk")))
    context = {
        "round": shown,
        "asked": asked,
        "fault": fault,
        "done": standing_in(shown, request.user).done,
        "deferred": deferred_in(shown, request.user)[:MOST_LISTED],
        "drafts": drafts_in(shown, request.user)[:MOST_LISTED],
        "labels": numbered.order_by(F("changed_at").desc(), "-pk")[:MOST_LISTED],
    }
    return render(request, "reviews/jump.html", context, status=422 if fault else 200)
