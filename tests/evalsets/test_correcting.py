"""Accepted corrections: into the draft of the next version, while what is published stays as it is."""

import pytest

from evalhub.evalsets.comparing import changed_in, count_changes
from evalhub.evalsets.contents import hash_of
from evalhub.evalsets.correcting import accept, fill_corrected
from evalhub.evalsets.corrections import CorrectionError, propose_correction
from evalhub.evalsets.models import Correction, EvalSetVersion
from evalhub.evalsets.publishing import ask_for_publication
from evalhub.evalsets.versions import delete_draft, erase_version
from evalhub.projects.models import Event
from tests.making import make_version, numbered


@pytest.fixture
def version(project, admin):
    """Published the way that people do it, so that digests and hash are those of the content."""
    made = make_version(project, 3, published=False)
    return ask_for_publication(made, admin)


def example_of(version, number):
    return version.examples.get(position=number)


def propose(version, person, text, number=1, note=""):
    return propose_correction(example_of(version, number), person, note, text)


def expected_of(version):
    return {example.key: example.expected for example in version.examples.all()}


def test_accepted_ones_make_the_draft_of_the_next_version_and_leave_the_published_one_alone(version, lead):
    before = hash_of(version)
    first, second = propose(version, lead, "one", 1), propose(version, lead, "two", 2)

    draft = accept(version.eval_set, {first.pk: None, second.pk: "TWO"}, lead)

    assert (draft.number, draft.state, draft.example_count) == (2, "draft", 3)
    assert draft.note == "v1 with corrected expected answers"
    assert expected_of(draft) == {"example-1": "one", "example-2": "TWO", "example-3": "3"}
    assert expected_of(version) == {"example-1": "1", "example-2": "2", "example-3": "3"}
    assert hash_of(version) == before == version.content_hash
    counts = count_changes(version, draft)
    assert (counts.added, counts.removed, counts.changed, counts.same) == (0, 0, 2, 1)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.decided_by, first.accepted_into, first.answer) == ("accepted", lead, draft, "")
    assert second.answer == "Changed before it was accepted; proposed was “two”."
    assert Event.objects.filter(action="accepted 2 corrections into", subject="Inbox v2").count() == 1


def test_the_hash_of_a_corrected_version_is_that_of_an_upload_of_the_same_examples(version, lead, admin, project):
    draft = accept(version.eval_set, {propose(version, lead, "one").pk: None}, lead)
    corrected = ask_for_publication(draft, admin)
    rows = [numbered(1) | {"expected": "one"}, numbered(2), numbered(3)]
    uploaded = ask_for_publication(make_version(project, rows, name="Other", published=False), admin)

    assert corrected.content_hash == uploaded.content_hash != version.content_hash


def test_more_go_into_the_same_draft(version, lead):
    draft = accept(version.eval_set, {propose(version, lead, "one").pk: None}, lead)
    EvalSetVersion.objects.filter(pk=draft.pk).update(facts={"examples": 3})

    again = accept(version.eval_set, {propose(version, lead, "two", 2).pk: None}, lead)

    assert again.pk == draft.pk
    assert expected_of(draft) == {"example-1": "one", "example-2": "two", "example-3": "3"}
    assert again.facts == {}  # to be counted again
    assert [example.key for example in changed_in(again, version)] == ["example-1", "example-2"]


def test_after_a_publication_the_next_draft_begins_with_what_was_accepted(version, lead, admin):
    draft = accept(version.eval_set, {propose(version, lead, "one").pk: None}, lead)
    ask_for_publication(draft, admin)

    third = accept(version.eval_set, {propose(version, lead, "two", 2).pk: None}, lead)

    assert third.number == 3
    assert expected_of(third) == {"example-1": "one", "example-2": "two", "example-3": "3"}


def test_the_other_proposals_for_an_example_are_decided_with_it(version, lead, admin, reviewer):
    same, other = propose(version, lead, "one"), propose(version, admin, "eins")
    open_ended, chosen = propose(version, reviewer, "", note="not 1"), propose(version, admin, "two", 2)

    draft = accept(version.eval_set, {same.pk: None, chosen.pk: None}, lead)

    states = {each.pk: (each.state, each.accepted_into) for each in Correction.objects.select_related("accepted_into")}
    assert states == {
        same.pk: ("accepted", draft),
        other.pk: ("refused", draft),
        open_ended.pk: ("accepted", draft),
        chosen.pk: ("accepted", draft),
    }
    assert expected_of(draft)["example-1"] == "one"


def test_when_the_draft_is_deleted_its_corrections_are_open_again(version, lead, admin):
    accepted, refused = propose(version, lead, "one"), propose(version, admin, "eins")
    draft = accept(version.eval_set, {accepted.pk: None}, lead)

    delete_draft(draft, lead)
    erase_version(draft.pk)

    assert set(Correction.objects.values_list("pk", "state", "decided_by", "accepted_into")) == {
        (accepted.pk, "open", None, None),
        (refused.pk, "open", None, None),
    }
    assert accept(version.eval_set, {accepted.pk: None}, lead).number == 2


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ({}, "No proposal is chosen. Tick those that are right."),
        (
            {"open": None},
            "Example “example-3”: nobody has said what is right. Write it down, or leave the example out.",
        ),
        ({"one": " "}, "Example “example-1”: nobody has said what is right. Write it down, or leave the example out."),
        ({"one": None, "eins": None}, "Example “example-1”: two of its proposals are chosen. Choose one."),
        ({"gone": None}, "One of the proposals is not open any more. Reload the page, and choose again."),
    ],
)
def test_what_cannot_be_accepted_is_said_and_nothing_is(version, lead, admin, texts, sentence):
    proposed = {
        "one": propose(version, lead, "one").pk,
        "eins": propose(version, admin, "eins").pk,
        "open": propose(version, lead, "", 3).pk,
        "gone": 0,
    }

    with pytest.raises(CorrectionError) as raised:
        accept(version.eval_set, {proposed[name]: text for name, text in texts.items()}, lead)

    assert str(raised.value) == sentence
    assert version.eval_set.versions.count() == 1
    assert not Correction.objects.exclude(state="open").exists()


def test_an_example_that_the_newest_version_asks_otherwise_cannot_be_corrected_there(version, lead, project):
    old, gone = propose(version, lead, "one"), propose(version, lead, "two", 2)
    other = numbered(1) | {"request": {"messages": [{"role": "user", "content": "Say something else."}]}}
    make_version(project, [other, numbered(3)])

    with pytest.raises(CorrectionError, match=r"“example-1” asks something else in Inbox v2, the newest version"):
        accept(version.eval_set, {old.pk: None}, lead)
    with pytest.raises(CorrectionError, match=r"“example-2” is not there any more in Inbox v2"):
        accept(version.eval_set, {gone.pk: None}, lead)


def test_a_large_version_is_copied_by_a_worker_once(version, lead, monkeypatch):
    monkeypatch.setattr("evalhub.evalsets.correcting.COPIED_AT_ONCE", 2)
    draft = accept(version.eval_set, {propose(version, lead, "one").pk: None}, lead)
    assert (draft.state, draft.examples.count()) == ("importing", 0)
    with pytest.raises(CorrectionError, match="still being filled"):
        accept(version.eval_set, {propose(version, lead, "two", 2).pk: None}, lead)

    fill_corrected(draft.pk)
    fill_corrected(draft.pk)

    draft.refresh_from_db()
    assert (draft.state, draft.example_count) == ("draft", 3)
    assert expected_of(draft)["example-1"] == "one"
