"""Review rounds, and the desk at which reviewers label."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import Count, Exists, OuterRef, Q
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from evalhub.evalsets.models import EvalSetVersion
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.runs.models import Run
from evalhub.web.paging import page_of, whole
from evalhub.web.rendering import render_page_or_fragment, wants_fragment
from reviews.forms import LabelForm, RoundForm
from reviews.labelling import NotYours, record_label, undo_label
from reviews.models import Label, Reason, ReviewItem, Round
from reviews.queue import claim_item, claim_next_item, waiting_for
from reviews.reading import read_item, type_choices
from reviews.rounds import close_round, plan_round, reopen_round
from reviews.tasks import fill_round_task
from taxonomy.models import ErrorType

STUCK = timedelta(seconds=60)


def rounds_with_counts(project: Project) -> Any:
    settled = Q(items__status__in=[ReviewItem.Status.SETTLED, ReviewItem.Status.CONTESTED])
    return Round.objects.in_project(project).annotate(
        item_count=Count("items"), done_count=Count("items", filter=settled)
    )


def home_context(request: MemberRequest, project: Project) -> dict[str, Any]:
    mine_of_item = Label.objects.filter(item=OuterRef("items__pk"), reviewer=request.user)
    waits = Q(items__status__in=ReviewItem.WANTING, closed_at=None) & ~Q(Exists(mine_of_item))
    rounds = list(rounds_with_counts(project).annotate(waiting=Count("items", filter=waits)).order_by("-pk")[:50])
    mine = Label.objects.filter(reviewer=request.user, item__round__project=project)
    today = mine.filter(changed_at__gte=timezone.now() - timedelta(hours=24)).count()
    return {
        "rounds": rounds,
        "mine": mine.count(),
        "today": today,
        "next": next((r for r in rounds if r.waiting), None),
    }


@require_GET
@for_role(Role.REVIEWER)
def home(request: MemberRequest, project: Project) -> HttpResponseBase:
    return render(request, "reviews/home.html", home_context(request, project))


@require_GET
@for_role(Role.REVIEWER)
def summary(request: MemberRequest, project: Project) -> HttpResponseBase:
    return render(request, "reviews/_summary.html", home_context(request, project))


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def new_round(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Choose a version that has runs, then the runs, the reasons and the people's part."""
    versions = (
        EvalSetVersion.objects.in_project(project).filter(runs__isnull=False).distinct().select_related("eval_set")
    )
    versions = versions.order_by("-pk")
    wanted = whole(request.POST.get("version") or request.GET.get("version"))
    version = get_object_or_404(versions, pk=wanted) if wanted else versions.first()
    if version is None:
        return render(request, "reviews/new.html", {"version": None})
    chosen = [
        run.pk for run in Run.objects.in_project(project).filter(version=version).exclude(state=Run.State.CANCELLED)
    ]
    initial = {"name": f"{version}: disagreements", "runs": chosen}
    form = RoundForm(request.POST or None, project=project, version=version, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        keep = ("guidelines", "is_blind", "labels_wanted", "seed")
        planned = plan_round(
            project, data["name"], data["runs"], data["wanted"], request.user, **{name: data[name] for name in keep}
        )
        fill_round_task.delay_on_commit(planned.pk)
        return redirect("reviews:round", project.slug, planned.pk)
    context = {"form": form, "versions": versions, "version": version}
    return render(request, "reviews/new.html", context, status=422 if form.errors else 200)


@require_GET
@for_role(Role.LEAD)
def show_round(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """How far the round is, by candidate and by person, and its items."""
    shown = get_object_or_404(rounds_with_counts(project), pk=pk)
    status = request.GET.get("status", "")
    if status and status not in ReviewItem.Status:
        raise BadRequest("status is not known")
    items = ReviewItem.objects.filter(round=shown).select_related("output__example", "output__run__candidate")
    page = page_of(request, (items.filter(status=status) if status else items).prefetch_related("labels__reviewer"))
    statuses = dict(ReviewItem.objects.filter(round=shown).order_by().values_list("status").annotate(Count("pk")))
    people = (
        Label.objects.filter(item__round=shown)
        .values("reviewer__name")
        .annotate(labels=Count("pk"), failed=Count("pk", filter=Q(outcome="fail")))
        .order_by("-labels")
    )
    context = {
        "round": shown,
        "runs": shown.runs.select_related("candidate", "version__eval_set"),
        "wanted": [(Reason(key).label, count) for key, count in shown.selection.get("wanted", {}).items()],
        "statuses": [(choice, statuses.get(choice, 0)) for choice in ReviewItem.Status],
        "status": status,
        "people": people,
        "page": page,
        "is_stuck": not shown.filled_at and timezone.now() - shown.created_at > STUCK,
    }
    return render_page_or_fragment(request, "reviews/round.html", "reviews/_round.html", context)


@require_POST
@for_role(Role.LEAD)
def change_round(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Close, open again, or choose the outputs once more when the worker that should have done it was lost."""
    changed = get_object_or_404(Round.objects.in_project(project), pk=pk)
    action = request.POST.get("action")
    if action == "close":
        close_round(changed, request.user)
    elif action == "reopen":
        reopen_round(changed, request.user)
    elif action == "fill" and not changed.filled_at:
        fill_round_task.delay_on_commit(changed.pk)
    return redirect("reviews:round", project.slug, pk)


def show_item(
    request: MemberRequest,
    project: Project,
    item: ReviewItem | None,
    open_round: Round,
    form: LabelForm | None = None,
    previous: int | None = None,
) -> HttpResponseBase:
    """The desk with this item, or with the sentence that nothing waits."""
    reading = read_item(item, request.user) if item else None
    if form and form.is_bound:
        chosen = {key for text in request.POST.getlist("error_types") if (key := whole(text)) is not None}
    else:
        chosen = reading.own_types if reading else set()
    labelled = Label.objects.filter(item__round=open_round, reviewer=request.user)
    waiting = waiting_for(open_round, request.user)
    context = {
        "round": open_round,
        "reading": reading,
        "item": item,
        "choices": type_choices(list(ErrorType.objects.in_project(project).active())),
        "chosen": chosen,
        "form": form,
        "note": form.data.get("note", "")
        if form
        else (reading.own_label.note if reading and reading.own_label else ""),
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
    return show_item(request, project, item_for(project, item.pk) if item else None, open_round)


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
    form = LabelForm(request.POST, project=project)
    if not form.is_valid():
        return show_item(request, project, item, item.round, form)
    data = form.cleaned_data
    if changed_elsewhere(request, item, data):
        form.add_error(None, "You labelled this item meanwhile, in another tab. Press again to replace that label.")
        return show_item(request, project, item, item.round, form)
    try:
        record_label(item, request.user, data["outcome"], data["error_types"], data["note"])
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
        request, project, item_for(project, following.pk) if following else None, item.round, previous=item.pk
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
