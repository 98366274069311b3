"""Contested items settled by a lead, one after the other: what people said side by side, still without the model."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from evalhub.errors import EvalHubError
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.web.paging import whole
from evalhub.web.rendering import render_page_or_fragment, wants_fragment
from reviews.deciding.contested import (
    as_taken,
    before,
    contested_in,
    decided_in,
    labels_of,
    lines_of,
    neighbour,
    next_contested,
    other_leads,
    page_in_order,
    settle,
    version_of,
    voices_of,
)
from reviews.labelling import NotYours, take_decision_back
from reviews.models import Decision, ReviewItem, Round
from reviews.reading.item import read_item
from reviews.saying_forms import SayingForm, saying_context
from reviews.status import Status

SHOWN = ("contested", "decided")
UNFINISHED = (Status.WAITING, Status.IN_REVIEW, Status.CLOSED)


@require_GET
@for_role(Role.LEAD)
def contested(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """The contested items of a round with what each person said; or those settled by a decision."""
    shown = get_object_or_404(Round.objects.in_project(project), pk=pk)
    part = request.GET.get("show", SHOWN[0])
    if part not in SHOWN:
        raise BadRequest("The address does not say which items to show.")
    items = contested_in(shown) if part == SHOWN[0] else decided_in(shown)
    items = items.select_related("output__example", "decision__decided_by")
    items = items.defer("output__text", "output__raw", "output__tool_calls", "output__example__request")
    items = items.prefetch_related("labels__reviewer", "labels__error_types", "decision__error_types")
    first = next_contested(shown, request.user)
    others = blocked_by(project, first, request) if first else []
    context = {
        "round": shown,
        "show": part,
        "page": page_in_order(request, shown, items),
        "counts": {"contested": contested_in(shown).count(), "decided": decided_in(shown).count()},
        "first": None if others else first,
        "others": others,
        "me": request.user.pk,
    }
    return render_page_or_fragment(request, "reviews/contested.html", "reviews/_contested.html", context)


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def decide(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """One item as on the desk, with all its labels; settled by taking one over or by saying something else."""
    item = item_for(project, pk)
    if request.method == "GET":
        if item.status in UNFINISHED and not Decision.objects.filter(item=item).exists():
            messages.info(request, "This item is not contested: it waits for labels, and they stay hidden until then.")
            return redirect("reviews:contested", project.slug, item.round_id)
        return show_item(request, project, item)
    if blocked_by(project, item, request):
        return show_item(request, project, item, status=409)
    labels = labels_of(item)
    taken = whole(request.POST.get("take"))
    form = SayingForm(request.POST, project=project, hides_types=item.round.hides_types)
    if taken is None:
        if not form.is_valid():
            return show_item(request, project, item, form)
        said, correction = form.assessment, form.cleaned_data["correction"]
    else:
        label = next((each for each in labels if each.pk == taken), None)
        if label is None:
            return refuse(request, project, item, form, "That label was taken back meanwhile. Choose another.")
        said, correction = as_taken(label, request.POST.get("note", "")[:10_000]), None
    try:
        settle(item, request.user, said, request.POST.get("saw", ""), correction)
    except EvalHubError as error:
        return refuse(request, project, item, form, str(error))
    return go_on(request, project, item, said.outcome)


def refuse(
    request: MemberRequest, project: Project, item: ReviewItem, form: SayingForm, sentence: str
) -> HttpResponseBase:
    """The page again with the sentence, and with everything that was said."""
    form.full_clean()
    form.errors.clear()
    form.add_error(None, sentence)
    return show_item(request, project, item_for(project, item.pk), form)


def go_on(request: MemberRequest, project: Project, item: ReviewItem, outcome: str) -> HttpResponseBase:
    """The next contested item, or, when none is left, the list of those decided."""
    messages.success(request, f"Settled as {outcome}.")
    following = next_contested(item.round, request.user, item)
    if following is None or blocked_by(project, following, request):
        list_url = reverse("reviews:contested", args=[project.slug, item.round_id])
        url = list_url if following else f"{list_url}?show=decided"
        return HttpResponseClientRedirect(url) if wants_fragment(request) else redirect(url)
    url = reverse("reviews:decide", args=[project.slug, following.pk])
    if not wants_fragment(request):
        return redirect(url)
    answer = show_item(request, project, item_for(project, following.pk))
    answer.headers["HX-Push-Url"] = url
    return answer


def item_for(project: Project, pk: int) -> ReviewItem:
    items = ReviewItem.objects.in_project(project)
    return get_object_or_404(items.select_related("round", "output__example", "output__run__candidate"), pk=pk)


def blocked_by(project: Project, item: ReviewItem, request: MemberRequest) -> list[str]:
    """The names of those who settle it in this person's place, who labelled it themselves; none: they may."""
    if not item.labels.filter(reviewer=request.user).exists():
        return []
    return [str(lead) for lead in other_leads(project, item, request.user)]


def show_item(
    request: MemberRequest,
    project: Project,
    item: ReviewItem,
    form: SayingForm | None = None,
    status: int = 200,
) -> HttpResponseBase:
    reading = read_item(item, request.user)
    labels = labels_of(item)
    decision = Decision.objects.filter(item=item).select_related("decided_by").first()
    contested_items = contested_in(item.round)
    mine = Decision.objects.filter(item__round=item.round, decided_by=request.user).exclude(item=item)
    context = {
        "round": item.round,
        "item": item,
        "reading": reading,
        "voices": voices_of(labels),
        "lines": lines_of(labels, project, item.round.hides_types),
        "outcomes_differ": len({label.outcome for label in labels}) > 1,
        "decision": decision,
        "saw": version_of(labels, decision),
        "is_contested": item.status == Status.CONTESTED,
        "number": contested_items.filter(before(item)).count() + 1,
        "of": contested_items.count(),
        "next": neighbour(item),
        "previous": neighbour(item, backwards=True),
        "last_decided": mine.order_by("-decided_at", "-pk").values_list("item_id", flat=True).first(),
        "labelled_it": (labelled_it := any(label.reviewer_id == request.user.pk for label in labels)),
        "blocked_by": blocked_by(project, item, request) if labelled_it else [],
        **saying_context(project, decision, form, reading.steps, item.round.hides_types),
    }
    status = 422 if form and form.errors else status
    return render_page_or_fragment(request, "reviews/decide.html", "reviews/_decide.html", context, status=status)


@require_POST
@for_role(Role.LEAD)
def take_back(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """The labels count again; the item is shown, to be settled another way."""
    item = item_for(project, pk)
    try:
        was_decided = take_decision_back(item, request.user)
    except NotYours as error:
        messages.error(request, str(error))
    else:
        if was_decided:
            messages.info(request, "The decision is taken back. The labels count again.")
        else:
            messages.info(request, "Somebody took this decision back already.")
    return redirect("reviews:decide", project.slug, item.pk)
