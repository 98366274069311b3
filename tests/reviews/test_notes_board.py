"""The board of notes: which ones stand on it, how they are found and grouped, and what two people do at once."""

import re

import pytest
from django.urls import reverse

from reviews.labelling import record_label
from reviews.models import GroupedNote, Label, NoteGroup, Round
from tests.making import make_candidate, make_round, make_run, make_version


@pytest.fixture
def made(project, reviewer):
    """An open-coding round with three fails and a pass, all with notes but the last item, which nobody read."""
    made = make_round(make_run(make_version(project, 5), make_candidate(project, "hidden-model")), name="First read")
    Round.objects.filter(pk=made.pk).update(hides_types=True)
    said = [("fail", "wrong order number"), ("fail", "order numbers invented"), ("fail", "too polite"), ("pass", "fine")]
    for item, (outcome, note) in zip(made.items.order_by("order"), said, strict=False):
        record_label(item, reviewer, outcome, note=note)
    return made


@pytest.fixture
def board(client_of, project, lead, made):
    def got(query="", who=lead):
        return client_of(who).get(reverse("reviews:board", args=[project.slug]) + query)

    return got


@pytest.fixture
def put(client_of, project, lead, made):
    def sent(into, *notes, who=lead, query="", **more):
        address = reverse("reviews:put_notes", args=[project.slug]) + query
        return client_of(who).post(address, {"into": into, "notes": notes, **more}, follow=True)

    return sent


def notes_in(answer):
    found = re.findall(r'class="note-text" dir="auto" hx-disable>(.*?)</span></label>', answer.content.decode(), re.S)
    return [re.sub("<[^>]*>", "", note) for note in found]


def label(note):
    return Label.objects.get(note=note)


def test_board(board, put, lead, made):
    answer = board()
    assert answer.status_code == 200
    assert notes_in(answer) == ["fine", "too polite", "order numbers invented", "wrong order number"]
    answer = put("new", f"{label('wrong order number').pk}:0", name="Wrong number")
    assert notes_in(answer) == ["fine", "too polite", "order numbers invented"]
