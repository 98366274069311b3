"""Which notes are like which, and what a search marks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviews.notes.similarity import most_like, side_by_side
from reviews.notes.words import marked, searched, words_of

NOTES = st.lists(st.text(alphabet=st.sampled_from("ab cdé日本 .,\n"), max_size=12), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ("Refund refunds REFUNDED", ["refund", "refund", "refund"]),
        ("the_id, the-id: ID4711!", ["the", "id", "the", "id", "id4711"]),
        ("注文番号が違う", ["注文", "文番", "番号", "号が", "が違", "違う"]),
        ("ﬁne Ｆｉｎｅ", ["fine", "fine"]),  # as people type them, and as they are copied from elsewhere
        ("…", []),
        ("", []),
    ],
)
def test_words_of_a_note(note, words):
    assert words_of(note) == words


def test_like_stands_beside_like():
    notes = ["the refund is wrong", "too polite", "JSON is broken", "refunds wrong again", "broken json", "so polite"]

    order = side_by_side(notes)

    assert order[:2] == [0, 3]
    assert abs(order.index(1) - order.index(5)) == 1
    assert abs(order.index(2) - order.index(4)) == 1


def test_most_like_some_notes_come_first_and_the_others_as_they_were():
    notes = ["too polite", "refund wrong", "nothing of it", "a wrong refund was promised"]

    assert most_like(notes, ["wrong refund"]) == [1, 3, 0, 2]
    assert most_like(notes, ["zebra"]) == [0, 1, 2, 3]
    assert most_like(notes, []) == [0, 1, 2, 3]
    assert most_like([], ["x"]) == []


def test_a_rare_word_says_more_than_a_common_one():
    notes = [*["the answer is wrong"] * 9, "the serial number"]

    assert most_like(notes, ["the serial"])[0] == 9


@given(NOTES)
def test_no_note_is_lost_and_none_doubled(notes):
    assert sorted(side_by_side(notes)) == list(range(len(notes)))
    assert side_by_side(notes)[0] == 0
    assert sorted(most_like(notes, notes[:1])) == list(range(len(notes)))


def test_a_search_is_words_and_what_stands_in_quotes():
    assert searched('wrong "order number"  id') == ["wrong", "order number", "id"]
    assert searched('"" "  "') == []
    assert searched('half "quoted') == ["half", "quoted"]


def test_what_is_searched_for_is_marked_wherever_it_stands():
    assert marked("Order the reorder", ["order"]) == [("Order", True), (" the re", False), ("order", True)]
    assert marked("a.b", ["."]) == [("a", False), (".", True), ("b", False)]
    assert marked("ab abc", ["ab", "abc"]) == [("ab", True), (" ", False), ("abc", True)]
    assert marked("nothing", []) == [("nothing", False)]


@given(st.text(max_size=30), st.lists(st.text(min_size=1, max_size=3), max_size=4))
def test_marking_changes_no_text(note, wanted):
    assert "".join(text for text, _ in marked(note, wanted)) == note
