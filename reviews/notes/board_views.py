"""The board of notes: reading them in an order that helps, and putting them into groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.web.paging import Page, page_of, whole
from evalhub.web.rendering import render_page_or_fragment, wants_fragment
from evalhub.web.templatetags.ui import address, number
from reviews.models import GroupedNote, Label
from reviews.notes import grouping
from reviews.notes.asking import ALL, ORDERS, Asked, asked_notes, asked_of
from reviews.notes.board import as_cards, notes_in, places_in, rounds_with_notes, waiting
from reviews.notes.forms import GroupForm
from reviews.notes.ordering import keys_most_like, keys_side_by_side, page_of_keys
from reviews.notes.words import marked
from taxonomy.models import ErrorType

CARDS = 60
CUT = 300
"""Characters of a note that stand on its card; the rest unfolds."""
FIRST_READ = 30
"""So many notes are to be read by people before an order may lead them."""
KEYS = 9


@dataclass(frozen=True)
class Card:
    """A note on the board. ``value``: its key and the group in which the page shows it as waiting, 0 for none."""

    label: Label
    value: str
    pieces: list[tuple[str, bool]]
    rest: str
    places: list[GroupedNote]
    is_chosen: bool


@dataclass(frozen=True)
class Said:
    """What the person sent that is shown to them again, with why: chosen notes, a name, the form of a group."""

    fault: str = ""
    chosen: Collection[int] = ()
    name: str = ""
    form: GroupForm | None = None
    saw: str = field(default="")


@require_GET
@for_role(Role.LEAD)
def board(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Notes that wait outside of groups, or those of a group, and the groups beside them."""
    return show_board(request, project, asked_of(project, request.GET))


@require_POST
@for_role(Role.LEAD)
def put_notes(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Put the chosen notes into a group, into a new one, or out of theirs."""
    asked = asked_of(project, request.GET)
    seen = seen_of(request)
    into, name = request.POST.get("into", "new"), request.POST.get("name", "")
    try:
        told = put_chosen(project, request, seen, into, name)
    except grouping.GroupingError as error:
        return show_board(request, project, asked, Said(str(error), seen, name), status=422)
    messages.success(request, told)
    if wants_fragment(request):
        return show_board(request, project, asked_of(project, request.GET))
    after = {key: request.GET.get(key) for key in ("after", "before")}
    return redirect(address("reviews:board", project.slug, **asked.query(), **after))


def put_chosen(project: Project, request: MemberRequest, seen: Mapping[int, int | None], into: str, name: str) -> str:
    """What happened, in a sentence. Raises GroupingError when nothing did."""
    if not seen:
        raise grouping.GroupingError("Choose notes first: tick them, or press x on each.")
    if into == "none":
        return told(grouping.put(project, seen, None, request.user), "in no group any more")
    if into == "new":
        group, is_new = grouping.make_group(project, name, request.user)
    else:
        group, is_new = grouping.present(project, whole(into) or 0), False
    done = grouping.put(project, seen, group.pk, request.user)
    return told(done, f"in the {'new ' if is_new else ''}group “{group}” now")


def told(done: grouping.Put, where: str) -> str:
    sentences = [f"{notes(done.count)} {'are' if done.count > 1 else 'is'} {where}."]
    if done.elsewhere == 1:
        sentences.append("1 note was moved by somebody else meanwhile, and stays where they put it.")
    elif done.elsewhere:
        sentences.append(
            f"{notes(done.elsewhere)} were moved by somebody else meanwhile, and stay where they put them."
        )
    if done.kept:
        stay = "stays, since its label carries" if done.kept == 1 else "stay, since their labels carry"
        sentences.append(f"{notes(done.kept)} {stay} the error type of the group. Take that back first.")
    if done.gone:
        sentences.append(f"{notes(done.gone)} {'are' if done.gone > 1 else 'is'} not there any more.")
    return " ".join(sentences)


def notes(count: int) -> str:
    return "No note" if not count else f"{number(count)} note{'s' if count > 1 else ''}"


def seen_of(request: MemberRequest) -> dict[int, int | None]:
    """The chosen notes, each with the group in which the page showed it."""
    seen: dict[int, int | None] = {}
    for value in request.POST.getlist("notes"):
        label, _, group = value.partition(":")
        key = whole(label)
        if key is not None:
            seen[key] = whole(group) or None
    return seen


def show_board(
    request: MemberRequest, project: Project, asked: Asked, said: Said | None = None, status: int = 200
) -> HttpResponse:
    said = said or Said()
    shown = asked_notes(project, asked)
    page = page_asked(request, project, asked)
    places, rounds = places_in(project), rounds_with_notes(project)
    total = notes_in(project).count()
    context: dict[str, Any] = {
        "asked": asked,
        "query": asked.query(),
        "said": said,
        "page": page,
        "cards": cards_of(page.rows, asked, said.chosen),
        "count": shown.count(),
        "total": total,
        "left": waiting(notes_in(project)).count(),
        "places": [(place, str(at) if at <= KEYS else "") for at, place in enumerate(places, start=1)],
        "place": next((place for place in places if asked.group and place.group.pk == asked.group.pk), None),
        "rounds": rounds,
        "names_rounds": not asked.round and len(rounds) > 1,
        "orders": ORDERS.items(),
        "reads_first": total < FIRST_READ and (asked.order or asked.like),
        "first_read": FIRST_READ,
        "all": ALL,
    }
    if asked.group:
        context["form"] = said.form or GroupForm(instance=asked.group)
        context["saw"] = said.saw or grouping.version_of(asked.group)
        context["suggested"] = ErrorType.objects.in_project(project).active().filter(name__iexact=asked.group.name)
    return render_page_or_fragment(request, "reviews/notes_board.html", "reviews/_notes_board.html", context, status)


def page_asked(request: MemberRequest, project: Project, asked: Asked) -> Page[Label]:
    shown = as_cards(asked_notes(project, asked))
    if not asked.like and not asked.order:
        return page_of(request, shown, "-pk", CARDS)
    scope = notes_in(project, asked.round)
    if asked.like_group:
        keys = keys_most_like(scope, Label.objects.filter(groupings__group=asked.like_group))
    elif asked.like_note:
        keys = keys_most_like(scope, Label.objects.filter(pk=asked.like_note.pk))
    else:
        keys = keys_side_by_side(scope)
    after, before = whole(request.GET.get("after")), whole(request.GET.get("before"))
    rest = request.GET.copy()
    rest.pop("after", None)
    rest.pop("before", None)
    return page_of_keys(keys, shown, after, before, CARDS, rest.urlencode())


def cards_of(labels: Collection[Label], asked: Asked, chosen: Collection[int]) -> list[Card]:
    cards = []
    for label in labels:
        places = list(label.groupings.all())
        here = next((place.group_id for place in places if place.turned_at is None), 0)
        others = [place for place in places if not asked.group or place.group_id != asked.group.pk]
        cards.append(
            Card(
                label=label,
                value=f"{label.pk}:{here}",
                pieces=marked(label.note[:CUT], asked.words),
                rest=label.note[CUT:],
                places=others,
                is_chosen=label.pk in chosen,
            )
        )
    return cards
