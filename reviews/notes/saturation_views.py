"""The saturation curve: has enough been read?"""

from __future__ import annotations

from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.web.paging import whole
from reviews.models import NoteGroup, ReviewItem, Round
from reviews.notes.board import notes_in, waiting
from reviews.notes.saturation import QUIET, READ_FIRST, items_with, reading_of
from reviews.notes.steps import step_chart
from taxonomy.models import ErrorType

ROWS = 100


@require_GET
@for_role(Role.LEAD)
def saturation(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Kinds of error by items read, of a round or of all."""
    shown = round_asked(request, project)
    reading = reading_of(project, shown)
    name = f"Kinds of error met, by items read: {reading.kinds} in {reading.read}"
    chart = step_chart(name, [arrival.place for arrival in reading.arrivals], max(1, reading.read))
    context = {
        "round": shown,
        "rounds": Round.objects.in_project(project).filter(is_practice=False),
        "reading": reading,
        "chart": chart,
        "marks": list(zip(reading.arrivals, chart.steps, strict=True)),
        "left": waiting(notes_in(project, shown)).count(),
        "read_first": READ_FIRST,
        "quiet_wanted": QUIET,
    }
    return render(request, "reviews/notes_saturation.html", context)


@require_GET
@for_role(Role.LEAD)
def kind_items(request: MemberRequest, project: Project, kind: str, pk: int) -> HttpResponseBase:
    """The items that tell of one kind of error: those that the table of the curve counts."""
    shown = round_asked(request, project)
    found = {"type": ErrorType.objects.in_project(project), "group": NoteGroup.objects.in_project(project)}[kind]
    named = get_object_or_404(found, pk=pk)
    rows = items_with(project, shown, (kind, pk))
    after = whole(request.GET.get("after")) or 0
    ahead = [(place, item) for place, item in rows if place > after][: ROWS + 1]
    items = ReviewItem.objects.select_related("output__example", "round").in_bulk([item for _, item in ahead[:ROWS]])
    context = {
        "round": shown,
        "named": named,
        "is_group": kind == "group",
        "count": len(rows),
        "rows": [(place, items[item]) for place, item in ahead[:ROWS]],
        "after": ahead[ROWS - 1][0] if len(ahead) > ROWS else None,
    }
    return render(request, "reviews/notes_kind.html", context)


def round_asked(request: MemberRequest, project: Project) -> Round | None:
    key = whole(request.GET.get("round"))
    rounds = Round.objects.in_project(project).filter(is_practice=False)
    return get_object_or_404(rounds, pk=key) if key is not None else None
