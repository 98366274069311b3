"""The board of notes: which ones stand on it, how they are found and grouped, and what two people do at once."""

import re
import threading

import pytest
from django.core.cache import cache
from django.db import connection
from django.urls import reverse

from reviews.labelling import record_label
from reviews.models import GroupedNote, Label, NoteGroup, ReviewItem, Round
from reviews.notes.board import notes_in, waiting
from reviews.notes.grouping import (
    ChangedMeanwhile,
    GroupingError,
    Put,
    change_group,
    dissolve_group,
    make_group,
    merge_groups,
    put,
    version_of,
)
from reviews.notes.turning import turn_group
from taxonomy.models import ErrorType
from tests.making import assessed, make_candidate, make_round, make_run, make_version

SAID = [("fail", "wrong order number"), ("fail", "order numbers invented"), ("fail", "too polite"), ("pass", "fine")]


@pytest.fixture
def run(project):
    return make_run(make_version(project, 5), make_candidate(project, "hidden-model"))


@pytest.fixture
def made(run, reviewer):
    """An open-coding round with three fails and a pass, all with notes but the last item, which nobody read."""
    made = make_round(run, name="First read")
    Round.objects.filter(pk=made.pk).update(hides_types=True)
    for item, (outcome, note) in zip(made.items.order_by("order"), SAID, strict=False):
        record_label(item, reviewer, assessed(outcome, note=note))
    return made


@pytest.fixture
def board(client_of, project, lead, made):
    def got(query="", who=lead):
        return client_of(who).get(reverse("reviews:board", args=[project.slug]) + query)

    return got


@pytest.fixture
def send(client_of, project, lead, made):
    """Put notes somewhere, as the form of the board does."""

    def sent(into, *notes, who=lead, query="", **more):
        address = reverse("reviews:put_notes", args=[project.slug]) + query
        return client_of(who).post(address, {"into": into, "notes": notes, **more}, follow=True)

    return sent


def notes_in_page(answer):
    found = re.findall(r'class="note-text" dir="auto" hx-disable>(.*?)</span></label>', answer.content.decode(), re.S)
    return [re.sub("<[^>]*>", "", note) for note in found]


def label(note):
    return Label.objects.get(note=note)


def grouped():
    """note -> its group"""
    return dict(GroupedNote.objects.values_list("label__note", "group__name"))


def group_of(project, lead, name, *notes):
    group, _ = make_group(project, name, lead)
    put(project, {label(note).pk: None for note in notes}, group.pk, lead)
    return group


def text_of(answer):
    return " ".join(re.sub("<[^>]*>", " ", answer.content.decode()).split())


# ---- what stands on it


def test_notes_of_open_coding_stand_on_the_board_newest_first(board, project, made):
    answer = board()

    assert notes_in_page(answer) == ["fine", "too polite", "order numbers invented", "wrong order number"]
    output = label("fine").item.output_id
    assert reverse("runs:output", args=[project.slug, output]) in answer.content.decode()
    assert "hidden-model" not in answer.content.decode()


def test_of_other_rounds_those_that_fail_without_an_error_type(project, lead, reviewer, run):
    made = make_round(run)
    types = list(ErrorType.objects.in_project(project)[:1])
    one, two, three, four, five = made.items.order_by("order")
    record_label(one, reviewer, assessed("fail", [], "untyped"))
    record_label(two, reviewer, assessed("fail", types, "typed"))
    record_label(three, reviewer, assessed("pass", [], "fine"))
    record_label(four, reviewer, assessed("fail", types))
    ReviewItem.objects.filter(pk=five.pk).update(is_known=True)
    record_label(five, reviewer, assessed("fail", [], "of a known item"))

    assert [found.note for found in notes_in(project)] == ["untyped"]
    Round.objects.update(is_practice=True)
    assert not notes_in(project).exists()


def test_who_wrote_a_note_is_not_told_while_its_item_wants_labels(board, project, reviewer, made):
    assert "Rob" in text_of(board())
    ReviewItem.objects.filter(labels__isnull=False).update(status="in_review", labels_wanted=2)

    assert "Rob" not in text_of(board())
    Round.objects.update(closed_at="2026-01-01T00:00Z")
    assert "Rob" in text_of(board())


def test_the_board_is_for_leads(board, send, reviewer, stranger):
    assert board(who=reviewer).status_code == 403
    assert board(who=stranger).status_code == 404
    assert send("new", who=reviewer, name="x").status_code == 403


def test_an_empty_board_says_what_to_do_next(client_of, project, lead):
    page = client_of(lead).get(reverse("reviews:board", args=[project.slug])).content.decode()

    assert "No notes to group yet" in page
    assert reverse("reviews:new", args=[project.slug]) in page


# ---- finding


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("order", ["order numbers invented", "wrong order number"]),
        ("ORDER invent", ["order numbers invented"]),
        ('"order number"', ["order numbers invented", "wrong order number"]),
        ('"wrong number"', []),
        ("%", []),
        ("<b>", []),
    ],
)
def test_a_search_finds_notes_with_all_its_words_whatever_they_are_a_part_of(board, search, found):
    assert notes_in_page(board(f"?q={search.replace('%', '%25').replace(' ', '+')}")) == found


def test_what_is_found_is_marked(board):
    assert 'too <mark class="found">poli</mark>te' in board("?q=poli").content.decode()


def test_a_search_that_finds_nothing_says_so(board):
    assert "No note fits" in text_of(board("?q=zebra"))


def test_notes_of_a_round(board, made, run, reviewer):
    other = make_round(run, name="Other")
    record_label(other.items.order_by("order")[0], reviewer, assessed("fail", note="of the other round"))

    assert notes_in_page(board(f"?round={other.pk}")) == ["of the other round"]
    assert len(notes_in_page(board())) == 5


def test_like_stands_beside_like(board):
    assert notes_in_page(board("?order=similar")) == [
        "fine",
        "too polite",
        "order numbers invented",
        "wrong order number",
    ]
    wanted = label("wrong order number").pk
    assert notes_in_page(board(f"?note={wanted}")) == ["order numbers invented", "fine", "too polite"]


def test_most_like_a_group(board, project, lead, made):
    group = group_of(project, lead, "Numbers", "wrong order number")

    answer = board(f"?like={group.pk}")

    assert notes_in_page(answer) == ["order numbers invented", "fine", "too polite"]
    assert "Most like the notes of “ Numbers ” first" in text_of(answer)


def test_pages_follow_an_order_though_notes_are_put_away_between_them(board, project, lead, reviewer, client_of):
    many = make_round(make_run(make_version(project, 130)), name="Many")
    for number, item in enumerate(many.items.order_by("order")):
        record_label(item, reviewer, assessed("fail", note=f"note {number}"))
    cache.clear()
    first = board(f"?order=similar&round={many.pk}")
    shown = notes_in_page(first)
    group = group_of(project, lead, "Some", *shown[-3:])
    following = re.search(r'rel="next" href="[^?]*([^"]*)"', first.content.decode()).group(1).replace("&amp;", "&")

    second = board(following)
    third = board(re.search(r'rel="next" href="[^?]*([^"]*)"', second.content.decode()).group(1).replace("&amp;", "&"))

    seen = [*shown, *notes_in_page(second), *notes_in_page(third)]
    assert sorted(seen) == sorted(f"note {number}" for number in range(130))
    back = board(re.search(r'rel="prev" href="[^?]*([^"]*)"', third.content.decode()).group(1).replace("&amp;", "&"))
    assert notes_in_page(back) == notes_in_page(second)
    assert group.notes.count() == 3


@pytest.mark.parametrize(
    "query", ["?order=odd", "?round=x", "?group=x", "?note=x", "?like=x", "?after=x", "?order=similar&before=x"]
)
def test_odd_addresses_are_answered_calmly(board, query):
    assert board(query).status_code == 400


@pytest.mark.parametrize("query", ["?round=999", "?group=999", "?note=999", "?like=999"])
def test_what_is_not_there_is_not_found(board, query):
    assert board(query).status_code == 404


# ---- grouping


def test_notes_are_put_into_a_new_group_and_leave_the_list(send, made):
    answer = send(
        "new", f"{label('wrong order number').pk}:0", f"{label('order numbers invented').pk}:0", name=" Wrong  one "
    )

    assert "2 notes are in the new group “Wrong one” now." in text_of(answer)
    assert notes_in_page(answer) == ["fine", "too polite"]
    assert grouped() == {"wrong order number": "Wrong one", "order numbers invented": "Wrong one"}


def test_a_name_that_is_there_means_that_group(send, project, lead, made):
    group_of(project, lead, "Wrong one", "too polite")

    answer = send("new", f"{label('fine').pk}:0", name="wrong ONE")

    assert "1 note is in the group “Wrong one” now." in text_of(answer)
    assert NoteGroup.objects.count() == 1


def test_without_a_name_or_notes_nothing_happens_and_what_was_chosen_stays(send, made):
    key = label("fine").pk

    answer = send("new", f"{key}:0", name=" ")

    assert answer.status_code == 422
    assert "Name the group: what went wrong" in text_of(answer)
    assert f'value="{key}:0" checked' in answer.content.decode()
    answer = send("new", name="Kept")
    assert answer.status_code == 422
    assert "Choose notes first" in text_of(answer)
    assert 'value="Kept"' in answer.content.decode()
    assert send("new", f"{key}:0", name="x" * 81).status_code == 422
    assert not NoteGroup.objects.exists()


def test_notes_move_between_groups_and_out_of_them(send, project, lead, made):
    one, two = (
        group_of(project, lead, "One", "fine", "too polite"),
        group_of(project, lead, "Two", "wrong order number"),
    )

    send(two.pk, f"{label('fine').pk}:{one.pk}", query=f"?group={one.pk}")
    assert grouped() == {"fine": "Two", "too polite": "One", "wrong order number": "Two"}
    answer = send("none", f"{label('fine').pk}:{two.pk}", query=f"?group={two.pk}")

    assert grouped() == {"too polite": "One", "wrong order number": "Two"}
    assert "1 note is in no group any more." in text_of(answer)
    assert notes_in_page(answer) == ["wrong order number"]  # the group's page again


def test_a_fragment_is_the_board_alone_with_what_happened(client_of, project, lead, made):
    address = reverse("reviews:put_notes", args=[project.slug])

    answer = client_of(lead).post(
        address, {"into": "new", "name": "One", "notes": [f"{label('fine').pk}:0"]}, headers={"HX-Request": "true"}
    )

    assert answer.content.decode().lstrip().startswith('<div id="board"')
    assert "1 note is in the new group “One” now." in text_of(answer)
    assert notes_in_page(answer) == ["too polite", "order numbers invented", "wrong order number"]


def test_a_note_that_somebody_moved_meanwhile_stays_where_they_put_it(project, lead, admin, made):
    one, two = group_of(project, lead, "One", "fine"), group_of(project, admin, "Two")
    keys = {label("fine").pk: None, label("too polite").pk: None}  # as a page showed them before

    assert put(project, keys, two.pk, admin) == Put(count=1, elsewhere=1, gone=0)

    assert grouped() == {"fine": "One", "too polite": "Two"}
    assert put(project, keys, two.pk, admin) == Put(count=1, elsewhere=1, gone=0)  # sent twice
    assert put(project, keys, one.pk, admin) == Put(count=1, elsewhere=1, gone=0)


def test_the_page_says_what_somebody_moved_meanwhile(send, project, lead, made):
    group_of(project, lead, "One", "fine")

    answer = send("new", f"{label('fine').pk}:0", f"{label('too polite').pk}:0", "999999:0", name="Two")

    assert "1 note was moved by somebody else meanwhile, and stays where they put it" in text_of(answer)
    assert "1 note is not there any more." in text_of(answer)


def test_labels_of_another_project_are_not_grouped(project, stranger, lead, reviewer, made):
    foreign = make_round(make_run(make_version(ErrorType.objects.exclude(project=project).first().project, 1)))
    other = record_label(foreign.items.get(), reviewer, assessed("fail", note="foreign"))
    group = group_of(project, lead, "One")

    assert put(project, {other.pk: None}, group.pk, lead) == Put(count=0, elsewhere=0, gone=1)
    with pytest.raises(GroupingError, match="This group is gone"):
        put(other.item.round.project, {other.pk: None}, group.pk, lead)


def test_what_is_labelled_is_not_taken_out(send, project, lead, made):
    group = group_of(project, lead, "One", "too polite")
    turn_group(group, ErrorType(project=project, name="One"), lead)

    answer = send("none", f"{label('too polite').pk}:0", query=f"?group={group.pk}")

    assert "1 note stays, since its label carries the error type of the group." in text_of(answer)
    assert grouped() == {"too polite": "One"}


def test_a_group_is_named_and_defined(client_of, project, lead, made):
    group = group_of(project, lead, "One", "fine")
    address = reverse("reviews:change_note_group", args=[project.slug, group.pk])
    said = {"name": "Rude", "definition": "Not polite.", "severity": "critical", "saw": version_of(group)}

    assert client_of(lead).post(address, said, follow=True).status_code == 200

    group.refresh_from_db()
    assert (group.name, group.definition, group.severity, group.changed_by) == ("Rude", "Not polite.", "critical", lead)


def test_two_who_define_a_group_at_once_do_not_lose_each_others_words(client_of, project, lead, admin, made):
    group = group_of(project, lead, "One", "fine")
    saw = version_of(group)
    change_group(group, "One", "Ada's words.", "major", saw, admin)
    address = reverse("reviews:change_note_group", args=[project.slug, group.pk])
    said = {"name": "One", "definition": "Lea's words.", "severity": "major", "saw": saw}

    answer = client_of(lead).post(address, said)

    assert answer.status_code == 422
    assert "Ada changed this group meanwhile: it is now “One”, major, defined as “Ada&#x27;s words.”" in text_of(answer)
    assert "Lea&#x27;s words." in text_of(answer)
    again = re.search(r'name="saw" value="([^"]*)"', answer.content.decode()).group(1)
    assert client_of(lead).post(address, said | {"saw": again}).status_code == 302
    group.refresh_from_db()
    assert group.definition == "Lea's words."
    with pytest.raises(ChangedMeanwhile):
        change_group(group, "One", "old", "major", saw, lead)
    change_group(group, "One", "Lea's words.", "major", saw, lead)  # the same, sent twice


def test_a_group_does_not_take_the_name_of_another(client_of, project, lead, made):
    group_of(project, lead, "One", "fine")
    group = group_of(project, lead, "Two", "too polite")
    address = reverse("reviews:change_note_group", args=[project.slug, group.pk])
    said = {"name": "ONE", "definition": "", "severity": "major", "saw": version_of(group)}

    answer = client_of(lead).post(address, said)

    assert answer.status_code == 422
    assert "There is a group “ONE” already. Merge this one into it" in text_of(answer)
    assert client_of(lead).post(address, said | {"name": ""}).status_code == 422


def test_groups_are_merged(client_of, project, lead, made):
    one, two = (
        group_of(project, lead, "One", "fine", "too polite"),
        group_of(project, lead, "Two", "wrong order number"),
    )
    NoteGroup.objects.filter(pk=one.pk).update(definition="Said too much.")
    address = reverse("reviews:merge_note_group", args=[project.slug, one.pk])

    answer = client_of(lead).post(address, {"into": two.pk}, follow=True)

    assert "“One” is merged into “Two”: 2 notes came to it." in text_of(answer)
    assert set(grouped().values()) == {"Two"} and len(grouped()) == 3
    assert NoteGroup.objects.get().definition == "Said too much."
    assert client_of(lead).post(address, {"into": two.pk}).status_code == 404
    with pytest.raises(GroupingError, match="cannot be merged into itself"):
        merge_groups(two, two.pk, lead)


def test_a_dissolved_group_leaves_its_notes(client_of, project, lead, made):
    group = group_of(project, lead, "One", "fine", "too polite")

    answer = client_of(lead).post(reverse("reviews:dissolve_note_group", args=[project.slug, group.pk]), follow=True)

    assert "“One” is dissolved: 2 notes of it now in no group." in text_of(answer)
    assert len(notes_in_page(answer)) == 4
    with pytest.raises(GroupingError, match="somebody merged or dissolved it meanwhile"):
        put(project, {label("fine").pk: None}, group.pk, lead)


def test_a_turned_group_is_neither_merged_nor_dissolved(project, lead, made):
    group = group_of(project, lead, "One", "too polite")
    other = group_of(project, lead, "Two", "wrong order number")
    turn_group(group, ErrorType(project=project, name="One"), lead)

    with pytest.raises(GroupingError, match="Take that back first"):
        dissolve_group(group, lead)
    with pytest.raises(GroupingError, match="Take that back first"):
        merge_groups(group, other.pk, lead)
    assert merge_groups(other, group.pk, lead)[1] == 1  # its note waits there


def test_there_is_an_end_to_groups(project, lead, monkeypatch):
    monkeypatch.setattr("reviews.notes.grouping.MOST_GROUPS", 1)
    make_group(project, "One", lead)

    with pytest.raises(GroupingError, match="Merge some"):
        make_group(project, "Two", lead)


def test_hostile_notes_and_names_stay_text(board, project, lead, reviewer, made):
    evil = "<img src=x onerror=alert(1)>\u202egnihtyna {{ project }}"
    record_label(label("fine").item, reviewer, assessed("fail", note=evil))
    group = group_of(project, lead, evil[:80], "too polite")

    for query in ("", f"?group={group.pk}", "?group=all", "?q=%3Cimg", f"?like={group.pk}", f"?note={label(evil).pk}"):
        page = board(query).content.decode()
        assert "<img src" not in page
        assert "\u202e" not in text_of(board(query))  # in the field where a name is changed it is as it is
        assert "⟨U+202E⟩" in page


def test_long_notes_unfold(board, reviewer, made):
    record_label(label("fine").item, reviewer, assessed("fail", note="a" * 299 + "b" * 9000))

    page = board().content.decode()

    assert "<summary>The rest of it</summary>" in page
    assert "b" * 8999 in page


@pytest.mark.django_db(transaction=True)
def test_two_threads_that_put_the_same_notes_lose_none(project, lead, admin, made):
    groups = [make_group(project, name, who)[0] for name, who in (("One", lead), ("Two", admin))]
    keys = dict.fromkeys(Label.objects.values_list("pk", flat=True))
    begun, done = threading.Barrier(2), []

    def work(group, who):
        begun.wait()
        done.append(put(project, keys, group.pk, who))
        connection.close()

    threads = [threading.Thread(target=work, args=pair) for pair in zip(groups, (lead, admin), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted((each.count, each.elsewhere) for each in done) == [(0, 4), (4, 0)]
    assert len(set(grouped().values())) == 1 and len(grouped()) == 4


@pytest.mark.parametrize("size", [2, 30])
def test_the_board_takes_the_same_queries_for_any_size(
    client_of, project, lead, reviewer, size, django_assert_num_queries, django_assert_max_num_queries
):
    made = make_round(make_run(make_version(project, size)))
    for item in made.items.all():
        record_label(item, reviewer, assessed("fail", note="x"))
    group_of_all = make_group(project, "Half", lead)[0]
    labels = list(Label.objects.values_list("pk", flat=True))
    put(project, dict.fromkeys(labels[: size // 2]), group_of_all.pk, lead)
    client = client_of(lead)
    address = reverse("reviews:board", args=[project.slug])
    cache.clear()

    # session, user, member; notes, their types, places; groups, rounds, three counts
    with django_assert_num_queries(11):
        client.get(address)
    with django_assert_num_queries(14):  # the order, the notes of it, and which of them are shown
        client.get(f"{address}?order=similar")
    with django_assert_num_queries(13):  # the order was kept
        client.get(f"{address}?order=similar")
    with django_assert_max_num_queries(30):
        client.post(
            reverse("reviews:put_notes", args=[project.slug]), {"into": group_of_all.pk, "notes": [f"{labels[-1]}:0"]}
        )


def test_waiting_notes_are_those_that_nobody_grouped_or_typed(project, lead, made):
    group_of(project, lead, "One", "fine")
    label("too polite").error_types.add(ErrorType.objects.in_project(project).first())

    assert {found.note for found in waiting(notes_in(project))} == {"wrong order number", "order numbers invented"}
