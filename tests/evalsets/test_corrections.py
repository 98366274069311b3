"""Corrections of expected answers: proposed as uploads are read, decided by a lead."""

import pytest

from evalhub.evalsets.corrections import (
    CorrectionError,
    editable_text,
    propose_correction,
    read_expected_text,
    refuse,
    withdraw,
)
from evalhub.evalsets.models import Correction
from tests.making import make_version, numbered

CALLS = [{"name": "book", "arguments": {"room": [4, "four"]}, "optional": []}]


def expecting(kind, expected, key="one"):
    return numbered(1) | {"key": key, "expected_kind": kind, "expected": expected}


def example_expecting(project, kind, expected):
    return make_version(project, [expecting(kind, expected)]).examples.get()


@pytest.mark.parametrize(
    ("kind", "before", "text", "kind_read", "expected"),
    [
        ("text", "4", "four\r\nor 4", "text", "four\nor 4"),
        ("number", 4, "1,250.5", "number", 1250.5),
        ("json", {"a": 1}, '{"b": [1, 2.0]}', "json", {"b": [1, 2.0]}),
        ("tool_calls", CALLS, "no call", "tool_calls", []),
        (
            "tool_calls",
            CALLS,
            '[{"name": "book", "arguments": {"room": 5}}]',
            "tool_calls",
            [{"name": "book", "arguments": {"room": [5]}, "optional": []}],
        ),
        ("", None, "plain words", "text", "plain words"),
        ("", None, '{"a": 1}', "json", {"a": 1}),
    ],
)
def test_a_proposal_is_read_as_an_upload_of_its_kind(project, lead, kind, before, text, kind_read, expected):
    example = example_expecting(project, kind, before)

    proposed = propose_correction(example, lead, "I looked it up.", text)

    proposed.refresh_from_db()
    assert (proposed.expected_kind, proposed.expected, proposed.is_open_ended) == (kind_read, expected, False)
    assert (proposed.note, proposed.state, proposed.proposed_by) == ("I looked it up.", "open", lead)


@pytest.mark.parametrize(
    ("kind", "before", "text", "sentence"),
    [
        (
            "number",
            4,
            "about four",
            "“What should be expected”: “about four” holds no number. Write exactly one, such as 18 or 1,200.50.",
        ),
        (
            "json",
            {},
            "{a: 1}",
            "“What should be expected”: This is not valid JSON: expecting property name enclosed in double quotes at "
            "character 2, near “{a: 1}”. The example expects JSON.",
        ),
        (
            "tool_calls",
            CALLS,
            "[4]",
            "“What should be expected” has a call 1 that is no object with a name. The example expects tool calls, "
            "written as in an upload, or “no call”.",
        ),
        (
            "text",
            "4",
            "4\x005",
            "“What should be expected” holds a NUL character after “4”. PostgreSQL cannot store it; remove it.",
        ),
        (
            "text",
            "4",
            "4",
            "“What should be expected” is what the example expects already. Change it, or leave it empty if you do not "
            "know what is right.",
        ),
    ],
)
def test_a_text_that_does_not_fit_names_the_place_and_the_cure(project, lead, kind, before, text, sentence):
    example = example_expecting(project, kind, before)

    with pytest.raises(CorrectionError) as raised:
        propose_correction(example, lead, "", text)

    assert str(raised.value) == sentence
    assert not Correction.objects.exists()


def test_a_text_that_is_edited_without_a_change_stays_what_it_was():
    for kind, value in [
        ("text", " a\nb"),
        ("number", 4.5),
        ("json", {"b": 1, "a": [None]}),
        ("json", "x"),
        ("tool_calls", []),
    ]:
        assert read_expected_text(kind, editable_text(kind, value)) == (kind, value)


def test_without_a_text_the_proposal_is_open_ended(project, lead):
    example = example_expecting(project, "text", "4")

    proposed = propose_correction(example, lead, "It is not four.", "  ")

    assert (proposed.is_open_ended, proposed.expected_kind, proposed.expected) == (True, "text", None)


def test_a_person_has_one_open_proposal_for_an_example(project, lead, admin):
    example = example_expecting(project, "text", "4")
    first = propose_correction(example, lead, "It is not four.", "five")

    again = propose_correction(example, lead, "It is six.", "six")
    kept = propose_correction(example, lead, "", "")
    other = propose_correction(example, admin, "", "seven")

    assert first.pk == again.pk == kept.pk != other.pk
    assert (kept.expected, kept.note, kept.is_open_ended) == ("six", "It is six.", False)
    assert Correction.objects.in_project(project).count() == 2


def test_what_was_refused_is_not_proposed_again_in_the_same_words(project, lead, admin):
    example = example_expecting(project, "text", "4")
    refused = refuse(propose_correction(example, lead, "No.", "five"), admin, "Four is right.")

    assert propose_correction(example, lead, "No.", "five").pk == refused.pk
    assert propose_correction(example, lead, "But look at page 3.", "five").pk != refused.pk
    refused.refresh_from_db()
    assert (refused.state, refused.decided_by, refused.answer) == ("refused", admin, "Four is right.")


def test_a_refusal_needs_a_word(project, lead):
    proposed = propose_correction(example_expecting(project, "text", "4"), lead, "", "five")

    with pytest.raises(CorrectionError, match="Say in a word why"):
        refuse(proposed, lead, " ")

    proposed.refresh_from_db()
    assert proposed.state == "open"


def test_a_proposal_is_withdrawn_by_its_own_person_while_it_is_open(project, lead, admin):
    proposed = propose_correction(example_expecting(project, "text", "4"), lead, "", "five")

    with pytest.raises(CorrectionError, match="Only the person who proposed it"):
        withdraw(proposed, admin)
    withdraw(proposed, lead)

    assert not Correction.objects.exists()
    with pytest.raises(CorrectionError, match="withdrawn meanwhile"):
        refuse(proposed, admin, "Four is right.")


def test_what_is_decided_is_not_decided_again(project, lead, admin):
    proposed = propose_correction(example_expecting(project, "text", "4"), lead, "", "five")
    refuse(proposed, admin, "Four is right.")

    with pytest.raises(CorrectionError, match="refused the proposal meanwhile"):
        withdraw(proposed, lead)


def test_a_draft_is_changed_by_an_upload_not_by_a_proposal(project, lead):
    version = make_version(project, [expecting("text", "4")], published=False)

    with pytest.raises(CorrectionError, match="not published yet"):
        propose_correction(version.examples.get(), lead, "", "five")
