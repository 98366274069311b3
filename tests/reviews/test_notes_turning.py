"""A group of notes becomes an error type: labels, history, verdicts and findings at once, and back again."""

import threading

import pytest
from django.db import connection
from django.urls import reverse

from evalhub.projects.models import Event
from reviews.labelling import LabelledElsewhere, decide, record_label, undo_label, version_of
from reviews.models import GroupedNote, ItemEvent, Label, NoteGroup, Round
from reviews.notes.grouping import GroupingError, make_group, put
from reviews.notes.judging import CLOSED, PASSES, Preview, preview_of
from reviews.notes.turning import TurningError, take_back, turn_group
from reviews.rounds.closing import close_round
from taxonomy.models import ErrorType, Finding, TaxonomyVersion, Verdict
from tests.making import assessed, make_round, make_run, make_version


@pytest.fixture
def run(project):
    return make_run(make_version(project, 6))


def open_coding(run, labels_wanted=1, name="First read"):
    made = make_round(run, labels_wanted=labels_wanted, name=name)
    Round.objects.filter(pk=made.pk).update(hides_types=True)
    made.refresh_from_db()
    return made


def items_of(made):
    return list(made.items.order_by("order"))


def group_of(project, lead, labels, name="Wrong number"):
    group, _ = make_group(project, name, lead)
    put(project, {label.pk: None for label in labels}, group.pk, lead)
    return group


def new_type(project, name="Wrong number", **fields):
    return ErrorType(project=project, name=name, **fields)


@pytest.fixture
def labels(run, reviewer):
    """Two fails with a note."""
    first, second, *_ = items_of(open_coding(run))
    return [
        record_label(first, reviewer, assessed("fail", note="wrong")),
        record_label(second, reviewer, assessed("fail", note="off by one")),
    ]


@pytest.fixture
def group(project, lead, labels):
    return group_of(project, lead, labels)


def state_of(labels):
    return [
        (label.as_said(), label.changed_at, label.taxonomy_version, label.reviewer_id)
        for label in Label.objects.filter(pk__in=[label.pk for label in labels]).order_by("pk")
    ]


def verdicts():
    rows = Verdict.objects.order_by("output").values_list("output", "outcome", "source", "inclusion_probability")
    return list(rows), sorted(Finding.objects.values_list("verdict__output", "error_type__name", "source"))


def test_a_group_becomes_a_new_error_type_of_its_labels_and_outputs(project, lead, reviewer, group, labels):
    turned = turn_group(group, new_type(project, definition="Not the number asked for."), lead)

    assert (turned.labels, turned.carrying, dict(turned.refused)) == (2, 0, {})
    made = ErrorType.objects.get(project=project, name="Wrong number")
    assert turned.error_type == made
    assert TaxonomyVersion.objects.filter(project=project).first().change == "Added “Wrong number”."
    for label, note in zip(labels, ("wrong", "off by one"), strict=True):
        label.refresh_from_db()
        assert (label.outcome, label.note, label.reviewer, list(label.error_types.all())) == (
            "fail",
            note,
            reviewer,
            [made],
        )
    findings = {(finding.verdict.output_id, finding.error_type, finding.source) for finding in Finding.objects.all()}
    assert findings == {(label.item.output_id, made, "people") for label in labels}
    assert Event.objects.filter(action="turned notes into an error type").get().actor == lead


def test_the_history_tells_that_the_lead_did_it_and_from_which_notes(project, lead, reviewer, group, labels):
    made = turn_group(group, new_type(project), lead).error_type

    event = ItemEvent.objects.filter(item=labels[0].item).latest("pk")
    assert (event.action, event.actor, event.reviewer) == ("changed", lead, reviewer)
    assert event.said["error_types"] == [made.pk]
    assert event.said["note"] == "wrong"
    assert event.note == "The notes “Wrong number” became the error type “Wrong number”."


def test_the_labels_are_of_the_version_that_has_the_error_type(project, lead, group, labels):
    turn_group(group, new_type(project), lead)

    labels[0].refresh_from_db()
    assert labels[0].taxonomy_version == TaxonomyVersion.objects.filter(project=project).first().number


def test_taken_back_all_is_as_it_was(project, lead, group, labels):
    before, settled = state_of(labels), verdicts()
    made = turn_group(group, new_type(project), lead).error_type
    assert state_of(labels) != before

    back = take_back(group, lead)

    assert (back.error_type, back.labels, back.changed, back.closed) == (made, 2, 0, 0)
    assert state_of(labels) == before
    assert verdicts() == settled
    group.refresh_from_db()
    assert group.error_type is None
    assert list(group.notes.values_list("turned_at", "changed_before")) == [(None, None)] * 2
    assert ErrorType.objects.filter(pk=made.pk, retired_at=None).exists()
    assert ItemEvent.objects.filter(item=labels[0].item).latest("pk").said["error_types"] == []


def test_a_label_that_its_reviewer_changed_since_stays_as_they_said(project, lead, reviewer, group, labels):
    Round.objects.update(hides_types=False)
    made = turn_group(group, new_type(project), lead).error_type
    labels[0].refresh_from_db()
    record_label(labels[0].item, reviewer, assessed("fail", [made], "wrong, I am sure"), saw=version_of(labels[0]))

    back = take_back(group, lead)

    assert (back.labels, back.changed) == (1, 1)
    assert [set(label.error_types.all()) for label in labels] == [{made}, set()]
    group.refresh_from_db()
    assert group.error_type == made


def test_who_words_a_note_anew_where_types_are_hidden_keeps_what_the_lead_made_of_it(
    client_of, project, lead, reviewer, group, labels
):
    made = turn_group(group, new_type(project), lead).error_type
    labels[0].refresh_from_db()
    address = reverse("reviews:label", args=[project.slug, labels[0].item_id])
    said = {"outcome": "fail", "note": "wrong, the number", "saw_label": version_of(labels[0])}

    assert client_of(reviewer).post(address, said).status_code == 302

    labels[0].refresh_from_db()
    assert (labels[0].note, set(labels[0].error_types.all())) == ("wrong, the number", {made})
    assert Finding.objects.count() == 2
    back = take_back(group, lead)  # the reviewer never saw it, so it is nothing that they said
    assert (back.labels, back.changed) == (2, 0)
    labels[0].refresh_from_db()
    assert (labels[0].note, set(labels[0].error_types.all())) == ("wrong, the number", set())
    assert not Finding.objects.exists()


def test_who_passes_it_after_all_drops_the_error_type(client_of, project, lead, reviewer, group, labels):
    turn_group(group, new_type(project), lead)
    labels[0].refresh_from_db()
    address = reverse("reviews:label", args=[project.slug, labels[0].item_id])

    client_of(reviewer).post(address, {"outcome": "pass", "note": "fine", "saw_label": version_of(labels[0])})

    labels[0].refresh_from_db()
    assert (labels[0].outcome, labels[0].error_types.count()) == ("pass", 0)


@pytest.mark.parametrize("hides_types", [True, False])
def test_of_two_error_types_the_earlier_one_is_taken_back_and_the_later_one_too(
    project, lead, group, labels, hides_types
):
    Round.objects.update(hides_types=hides_types)
    before = state_of(labels)
    first = turn_group(group, new_type(project), lead).error_type
    other = group_of(project, lead, labels[:1], "Rude")
    second = turn_group(other, new_type(project, "Rude"), lead).error_type
    assert set(labels[0].error_types.all()) == {first, second}

    back = take_back(group, lead)

    assert (back.labels, back.changed) == (2, 0)
    assert [set(label.error_types.all()) for label in labels] == [{second}, set()]
    assert take_back(other, lead).labels == 1
    assert state_of(labels) == before


def test_a_reviewer_who_has_the_label_open_does_not_overwrite_what_the_lead_added(
    project, lead, reviewer, group, labels
):
    saw = version_of(labels[0])
    turn_group(group, new_type(project), lead)

    with pytest.raises(LabelledElsewhere):
        record_label(labels[0].item, reviewer, assessed("fail", [], "still typing"), saw=saw)


def test_an_existing_error_type_is_added_beside_those_that_are_there(project, lead, reviewer, run):
    first, second = ErrorType.objects.in_project(project)[:2]
    one, two, *_ = items_of(open_coding(run))
    made = [
        record_label(one, reviewer, assessed("fail", [], "a")),
        record_label(two, reviewer, assessed("fail", [], "b")),
    ]
    group = group_of(project, lead, made)
    made[0].error_types.add(first)
    made[1].error_types.add(second)

    assert preview_of(group, first) == Preview(labels=1, carrying=1, typed=1, items=1, outputs=1, counted=1)
    turned = turn_group(group, first, lead)

    assert (turned.labels, turned.carrying) == (1, 1)
    assert set(made[1].error_types.all()) == {first, second}
    take_back(group, lead)
    assert [set(label.error_types.all()) for label in made] == [{first}, {second}]


def test_labels_that_pass_and_labels_of_closed_rounds_stay_and_their_notes_wait(project, lead, reviewer, run, labels):
    other = open_coding(run, name="Closed")
    closed = record_label(items_of(other)[3], reviewer, assessed("fail", note="late"))
    close_round(other, lead)
    passing = record_label(items_of(labels[0].item.round)[4], reviewer, assessed("pass", note="fine"))
    group = group_of(project, lead, [*labels, closed, passing])

    assert preview_of(group, None).refused == {CLOSED: 1, PASSES: 1}
    turned = turn_group(group, new_type(project), lead)

    assert (turned.labels, turned.refused) == (2, {CLOSED: 1, PASSES: 1})
    assert not closed.error_types.exists() and not passing.error_types.exists()
    assert set(group.notes.filter(turned_at=None).values_list("label", flat=True)) == {closed.pk, passing.pk}
    Round.objects.update(closed_at=None)
    group.refresh_from_db()
    assert turn_group(group, group.error_type, lead).labels == 1
    assert closed.error_types.get() == group.error_type


def test_where_nothing_can_be_labelled_no_error_type_is_made(project, lead, group, labels):
    close_round(labels[0].item.round, lead)

    with pytest.raises(TurningError, match="2 of a closed round"):
        turn_group(group, new_type(project), lead)

    assert not ErrorType.objects.filter(name="Wrong number").exists()
    with pytest.raises(TurningError, match="No note waits in this group"):
        turn_group(make_group(project, "Empty", lead)[0], new_type(project, "Empty"), lead)


def test_in_a_round_that_hides_types_one_persons_note_contests_nothing(project, lead, reviewer, run):
    item = items_of(open_coding(run, labels_wanted=2))[0]
    one = record_label(item, reviewer, assessed("fail", note="wrong"))
    record_label(item, lead, assessed("fail", note="rude"))
    group = group_of(project, lead, [one])

    assert preview_of(group, None) == Preview(labels=1, items=1, outputs=1, counted=1)
    made = turn_group(group, new_type(project), lead).error_type

    item.refresh_from_db()
    assert item.status == "settled"
    assert Finding.objects.get().error_type == made


def test_where_types_contest_items_the_preview_says_so_and_it_happens(project, lead, reviewer, run):
    item = items_of(make_round(run, labels_wanted=2))[0]
    one = record_label(item, reviewer, assessed("fail", note="wrong"))
    record_label(item, lead, assessed("fail", note="rude"))
    group = group_of(project, lead, [one])

    assert preview_of(group, None) == Preview(labels=1, items=1, outputs=1, contested=1)
    turn_group(group, new_type(project), lead)

    item.refresh_from_db()
    assert item.status == "contested"
    assert not Verdict.objects.exists()
    take_back(group, lead)
    item.refresh_from_db()
    assert item.status == "settled"
    assert Verdict.objects.get().outcome == "fail"


def test_a_decision_stands_whatever_the_labels_say(project, lead, reviewer, group, labels):
    decide(labels[0].item, lead, assessed("pass"))

    assert preview_of(group, None) == Preview(labels=2, items=2, outputs=2, counted=1, decided=1)
    turn_group(group, new_type(project), lead)

    assert Verdict.objects.get(output=labels[0].item.output_id).outcome == "pass"
    assert Finding.objects.count() == 1


def test_items_that_want_more_labels_count_when_they_have_them(project, lead, reviewer, run):
    item = items_of(open_coding(run, labels_wanted=2))[0]
    group = group_of(project, lead, [record_label(item, reviewer, assessed("fail", note="wrong"))])

    assert preview_of(group, None) == Preview(labels=1, items=1, outputs=1, unfinished=1)
    made = turn_group(group, new_type(project), lead).error_type
    assert not Finding.objects.exists()
    record_label(item, lead, assessed("fail", note="also wrong"))

    assert Finding.objects.get().error_type == made


def test_notes_that_come_later_are_labelled_as_the_same_error_type(project, lead, reviewer, group, labels):
    made = turn_group(group, new_type(project), lead).error_type
    late = record_label(items_of(labels[0].item.round)[2], reviewer, assessed("fail", note="wrong again"))
    put(project, {late.pk: None}, group.pk, lead)
    group.refresh_from_db()

    assert turn_group(group, made, lead).labels == 1

    assert late.error_types.get() == made
    assert take_back(group, lead).labels == 3


def test_a_note_of_a_turned_group_may_tell_of_a_second_error(project, lead, group, labels):
    first = turn_group(group, new_type(project), lead).error_type
    other = group_of(project, lead, labels[:1], "Rude")
    second = turn_group(other, new_type(project, "Rude"), lead).error_type

    assert set(labels[0].error_types.all()) == {first, second}
    take_back(other, lead)
    assert set(labels[0].error_types.all()) == {first}


def test_taken_back_a_note_that_waits_elsewhere_by_now_waits_there(project, lead, group, labels):
    turn_group(group, new_type(project), lead)
    other = group_of(project, lead, labels[:1], "Rude")

    take_back(group, lead)

    assert list(group.notes.values_list("label", flat=True)) == [labels[1].pk]
    assert list(other.notes.values_list("label", flat=True)) == [labels[0].pk]


def test_two_people_who_turn_a_group_at_once_make_one_error_type(project, lead, group):
    made = turn_group(group, new_type(project), lead).error_type

    with pytest.raises(TurningError, match="was turned into the error type “Wrong number” meanwhile"):
        turn_group(group, new_type(project, "Other"), lead)
    assert not ErrorType.objects.filter(name="Other").exists()
    take_back(group, lead)
    with pytest.raises(TurningError, match="took that back meanwhile"):
        take_back(group, lead)
    assert ErrorType.objects.filter(name=made.name).count() == 1


def test_a_retired_error_type_is_given_to_nothing(project, lead, group):
    chosen = ErrorType.objects.in_project(project).first()
    ErrorType.objects.filter(pk=chosen.pk).update(retired_at="2026-01-01T00:00Z")

    with pytest.raises(TurningError, match="was retired meanwhile"):
        turn_group(group, chosen, lead)


def test_a_label_taken_back_by_its_reviewer_leaves_the_group(project, lead, reviewer, group, labels):
    undo_label(labels[0].item, reviewer)

    assert list(group.notes.values_list("label", flat=True)) == [labels[1].pk]
    assert turn_group(group, new_type(project), lead).labels == 1


@pytest.mark.django_db(transaction=True)
def test_two_threads_that_turn_and_label_at_once_lose_nothing(project, lead, reviewer, run):
    made = open_coding(run, labels_wanted=2)
    labels = [record_label(item, reviewer, assessed("fail", note=f"note {item.pk}")) for item in items_of(made)]
    group = group_of(project, lead, labels)
    begun, faults = threading.Barrier(2), []

    def work(job):
        try:
            begun.wait()
            job()
        except Exception as fault:
            faults.append(fault)
        finally:
            connection.close()

    def label_all():
        for item in reversed(items_of(made)):
            record_label(item, lead, assessed("fail", note="mine"))

    threads = [
        threading.Thread(target=work, args=[job])
        for job in (lambda: turn_group(group, new_type(project), lead), label_all)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    assert Finding.objects.filter(error_type__name="Wrong number").count() == 6
    assert Label.objects.filter(reviewer=reviewer, error_types__name="Wrong number").count() == 6


@pytest.mark.parametrize("size", [1, 30])
def test_turning_takes_the_same_statements_for_any_size(
    project, lead, reviewer, size, django_assert_num_queries, django_assert_max_num_queries
):
    made = open_coding(make_run(make_version(project, size)))
    labels = [record_label(item, reviewer, assessed("fail", note="x")) for item in made.items.all()]
    group = group_of(project, lead, labels)
    chosen = ErrorType.objects.in_project(project).first()

    # notes, types, the labels of their items, types, decisions
    with django_assert_num_queries(5):
        preview_of(group, chosen)
    with django_assert_max_num_queries(45):
        turn_group(group, chosen, lead)
    with django_assert_max_num_queries(40):
        take_back(group, lead)


@pytest.fixture
def turn(client_of, project, lead, group):
    def sent(who=lead, **said):
        return client_of(who).post(reverse("reviews:turn_note_group", args=[project.slug, group.pk]), said, follow=True)

    return sent


def test_the_page_shows_what_it_comes_to_before_anything_happens(client_of, project, lead, group):
    address = reverse("reviews:turn_note_group", args=[project.slug, group.pk])

    page = client_of(lead).get(address).content.decode()

    assert "<strong>2 labels</strong> of 2 outputs are given the new error type" in page
    assert 'value="Wrong number"' in page
    chosen = ErrorType.objects.in_project(project).first()
    part = client_of(lead).get(f"{address}?into={chosen.pk}", headers={"HX-Request": "true"}).content.decode()
    assert part.startswith('<section class="card" id="notes-preview"')
    assert f"are given “{chosen.name}”" in part
    assert not Finding.objects.exists()


def test_a_lead_turns_a_group_and_takes_it_back_on_the_pages(client_of, project, lead, turn, group, labels):
    answer = turn(name="Wrong number", definition="Not the one.", not_this_if="Late.", severity="critical", parent="")

    assert "2 labels carry “Wrong number” now." in answer.content.decode()
    made = ErrorType.objects.get(name="Wrong number")
    assert (made.definition, made.not_this_if, made.severity) == ("Not the one.", "Late.", "critical")
    breakdown = client_of(lead).get(reverse("taxonomy:breakdown", args=[project.slug])).content.decode()
    assert "Wrong number" in breakdown
    take = reverse("reviews:take_note_group_back", args=[project.slug, group.pk])
    assert take in answer.content.decode()
    assert "Taken back: 2 labels are as they were." in client_of(lead).post(take, follow=True).content.decode()
    assert not Finding.objects.exists()
    # The error type is there still, so it is what the group would be turned into next.
    page = client_of(lead).get(reverse("reviews:turn_note_group", args=[project.slug, group.pk])).content.decode()
    assert f'<option value="{made.pk}" selected>' in page


def test_a_new_error_type_needs_a_name_that_is_free(project, turn):
    taken = ErrorType.objects.in_project(project).first()

    assert "Name the new error type, or choose one that is there." in turn(name=" ").content.decode()
    answer = turn(name=taken.name.upper(), severity="minor")

    assert answer.status_code == 422
    assert "There is an error type of this name, " in answer.content.decode()
    assert not GroupedNote.objects.exclude(turned_at=None).exists()


def test_an_error_type_of_another_project_cannot_be_chosen(turn, stranger):
    foreign = ErrorType.objects.exclude(project=NoteGroup.objects.get().project).first()

    assert turn(into=str(foreign.pk)).status_code == 422
    assert turn(name="x", severity="minor", parent=str(foreign.pk)).status_code == 422


def test_a_group_that_is_gone_is_told_in_a_sentence(project, lead, group):
    NoteGroup.objects.all().delete()

    with pytest.raises(GroupingError, match="This group is gone"):
        turn_group(group, new_type(project), lead)
