"""The saturation curve: has enough been read?"""

from __future__ import annotations

from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.web.paging import whole
from reviews.models import Round
from reviews.notes.board import notes_in, waiting
from reviews.notes.saturation import QUIET, READ_FIRST, reading_of
from reviews.notes.steps import step_chart


@require_GET
@for_role(Role.LEAD)
def saturation(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Kinds of error by items read, of a round or of all."""
    rounds = Round.objects.in_project(project).filter(is_practice=False)
    key = whole(request.GET.get("round"))
    shown = get_object_or_404(rounds, pk=key) if key is not None else None
    reading = reading_of(project, shown)
    name = f"Kinds of error met, by items read: {reading.kinds} in {reading.read}"
    chart = step_chart(name, [arrival.place for arrival in reading.arrivals], max(1, reading.read))
    context = {
        "round": shown,
        "rounds": rounds,
        "reading": reading,
        "chart": chart,
        "marks": list(zip(reading.arrivals, chart.steps, strict=True)),
        "left": waiting(notes_in(project, shown)).count(),
        "read_first": READ_FIRST,
        "quiet_wanted": QUIET,
    }
    return render(request, "reviews/notes_saturation.html", context)
