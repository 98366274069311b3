"""Known answers, practice rounds, and people held against what is known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from evalhub.errors import EvalHubError
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role, User
from evalhub.runs.models import Output
from evalhub.web.paging import page_of, whole
from evalhub.web.rendering import render_page_or_fragment, wants_fragment
from reviews.calibration.forms import PracticeForm
from reviews.calibration.known import known_answers, mark_known, proposed_answer, take_mark_back
from reviews.calibration.meetings import Meeting, Standing, meetings_of, standing_of
from reviews.calibration.practice import make_practice_round
from reviews.models import KnownAnswer, Round
from reviews.reading.item import read_item
from reviews.saying_forms import SayingForm, saying_context
from taxonomy.models import ErrorType

MOST_MEETINGS = 100


@require_GET
@for_role(Role.LEAD)
def known(request: MemberRequest, project: Project) -> HttpResponseBase:
    """The known answers, newest first, each with how often reviewers met it and agreed."""
    answers = known_answers(project).select_related("output__example", "output__run__candidate")
    page = page_of(request, answers.defer("output__raw", "output__text").prefetch_related("error_types"), "-pk")
    met: dict[int, list[Meeting]] = defaultdict(list)
    for meeting in meetings_of(project, outputs=[answer.output_id for answer in page.rows]):
        met[meeting.output].append(meeting)
    rows = [(answer, *parted(met[answer.output_id])) for answer in page.rows]
    practice = Round.objects.in_project(project).filter(is_practice=True).order_by("-pk")
    return render(request, "reviews/known.html", {"page": page, "rows": rows, "practice": practice[:20]})


def parted(meetings: Sequence[Meeting]) -> tuple[Standing, Standing]:
    """Those met blind and those met in practice, each added up."""
    blind = [meeting for meeting in meetings if not meeting.is_practice]
    return standing_of(blind), standing_of([meeting for meeting in meetings if meeting.is_practice])


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def mark(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Write down what is known of an output. What was settled is proposed."""
    outputs = Output.objects.in_project(project).select_related("example", "run__candidate", "run__project")
    output = get_object_or_404(outputs, pk=pk)
    answer = KnownAnswer.objects.filter(output=output).prefetch_related("error_types").first()
    form = SayingForm(request.POST, project=project) if request.method == "POST" else None
    if form and form.is_valid() and try_to_mark(output, request, form):
        messages.success(request, "The known answer is written down.")
        return redirect("reviews:known", project.slug)
    proposed = {} if answer else proposed_answer(output)
    item = output.review_items.order_by("-pk").select_related("round").first()
    if item:
        item.output = output
    context = {
        "output": output,
        "answer": answer,
        "is_proposed": bool(proposed),
        "reading": (reading := read_item(item, request.user) if item else None),
        **saying_context(project, answer or proposed, form, getattr(reading, "steps", ())),
    }
    return render(request, "reviews/known_answer.html", context, status=422 if form else 200)


def try_to_mark(output: Output, request: MemberRequest, form: SayingForm) -> bool:
    """Write it down, or note in the form why not: a correction of the expected answer may not fit."""
    try:
        mark_known(output, request.user, form.assessment, form.cleaned_data["correction"])
    except EvalHubError as error:
        form.add_error(None, str(error))
        return False
    return True


@require_POST
@for_role(Role.LEAD)
def unmark(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    take_mark_back(get_object_or_404(known_answers(project).select_related("output__example"), pk=pk), request.user)
    messages.success(request, "The output is an ordinary one again.")
    return redirect("reviews:known", project.slug)


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def practice(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Make a practice round of known answers."""
    form = PracticeForm(request.POST or None, project=project)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        made = make_practice_round(project, data["name"], list(data["known"]), request.user, data["guidelines"])
        messages.success(request, "The practice round is open. New reviewers begin with it.")
        return redirect("reviews:round", project.slug, made.pk)
    context = {"form": form, "has_known": known_answers(project).exists()}
    return render(request, "reviews/practice.html", context, status=422 if form.errors else 200)


@require_GET
@for_role(Role.LEAD)
def calibration(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Each person against the known answers; with ``?person=`` the items behind one person's figures."""
    met: dict[int, list[Meeting]] = defaultdict(list)
    for meeting in meetings_of(project):
        met[meeting.reviewer].append(meeting)
    people = list(User.objects.filter(pk__in=met).order_by("name", "pk"))
    wanted = whole(request.GET.get("person"))
    person = next((each for each in people if each.pk == wanted), None)
    context: dict[str, Any] = {"people": [(each, *parted(met[each.pk])) for each in people], "person": person}
    if person:
        context |= details_of(project, met[person.pk])
    return render(request, "reviews/calibration.html", context)


def details_of(project: Project, meetings: Sequence[Meeting]) -> dict[str, Any]:
    """One person's figures by error type, and their items: those that differ from what is known first."""
    ordered = sorted(meetings, key=lambda met: (met.is_right, not met.differs_in_types))[:MOST_MEETINGS]
    outputs = Output.objects.in_project(project).select_related("example").only("pk", "example__key")
    by_key = outputs.in_bulk([met.output for met in ordered])
    types = ErrorType.objects.in_project(project).in_bulk()
    standing = standing_of(meetings)
    return {
        "standing": standing,
        "types": [(types[key], tally) for key, tally in standing.types.items() if key in types],
        "meetings": [
            (met, by_key[met.output], names(types, met.said[1]), names(types, met.known[1])) for met in ordered
        ],
        "total": len(meetings),
    }


def names(types: dict[int, ErrorType], keys: frozenset[int]) -> list[str]:
    return sorted(types[key].name for key in keys if key in types)


@require_GET
@for_role(Role.REVIEWER)
def own_calibration(request: MemberRequest, project: Project) -> HttpResponseBase:
    """A person's own figures: totals of closed rounds, and the items of practice rounds, which had their feedback."""
    meetings = meetings_of(project, request.user, closed_only=True)
    blind, practised = parted(meetings)
    context: dict[str, Any] = {"blind": blind, "practised": practised}
    if not wants_fragment(request):
        context |= details_of(project, [met for met in meetings if met.is_practice])
    return render_page_or_fragment(request, "reviews/own_calibration.html", "reviews/_own_calibration.html", context)
