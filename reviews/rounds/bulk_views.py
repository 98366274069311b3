"""What a lead does with all items of a round that fit the page's filters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role, User
from evalhub.web.templatetags.ui import address, number
from reviews.models import Round
from reviews.rounds import bulk
from reviews.rounds.forms import BulkForm
from reviews.rounds.narrowing import narrowed
from reviews.rounds.views import MANY, filters_of


@require_POST
@for_role(Role.LEAD)
def change_items(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Do it to all items that fit the address's filters, and say how many were changed and how many could not be."""
    shown = get_object_or_404(Round.objects.in_project(project), pk=pk)
    given = filters_of(request)
    form = BulkForm(request.POST, bulk.people_of(shown))
    back = redirect(address("reviews:round", project.slug, pk, **given) + "#items")
    if not form.is_valid():
        messages.error(request, " ".join(str(sentence) for faults in form.errors.values() for sentence in faults))
        return back
    said = form.cleaned_data
    if not said["sure"] and (count := narrowed(shown, given).count()) > MANY:
        messages.error(request, f"That would change {number(count)} items. Tick that you mean all of them.")
        return back
    try:
        changed = done(shown, given, said, request.user)
    except bulk.BulkError as error:
        messages.error(request, str(error))
        return back
    tell(request, said, changed)
    return back


def done(shown: Round, given: Mapping[str, str], said: Mapping[str, Any], actor: User) -> bulk.Changed:
    action = said["action"]
    if action == "assign":
        return bulk.assign_items(shown, given, said["people"], actor)
    if action == "return":
        return bulk.return_labels(shown, given, said["note"], actor)
    if action == "add":
        return bulk.add_label(shown, given, actor, said["planned"])
    return bulk.close_items(shown, given, actor) if action == "close" else bulk.open_items(shown, given, actor)


def tell(request: MemberRequest, said: Mapping[str, Any], changed: bulk.Changed) -> None:
    sentence = f"{items(changed.count)} {happened(said, changed.count)}."
    if changed.refused:
        reasons = ", ".join(f"{number(count)} ({why})" for why, count in changed.refused.most_common())
        sentence += f" Not changed: {reasons}."
    (messages.success if changed.count else messages.warning)(request, sentence)


def items(count: int) -> str:
    return "No item" if not count else f"{number(count)} item{'s' if count > 1 else ''}"


def happened(said: Mapping[str, Any], count: int) -> str:
    were = "are" if count > 1 else "is"
    people = " and ".join(person.name for person in said["people"]) or "everyone"
    return {
        "assign": f"{were} now for {people}",
        "return": f"{were} returned to those who labelled",
        "add": f"{'want' if count > 1 else 'wants'} one more label",
        "close": f"{were} closed",
        "open": f"{were} open again",
    }[said["action"]]
