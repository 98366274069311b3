from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from evalhub.web.differences import MOST_TOKENS, with_gaps, word_difference

TEXTS = st.text(alphabet="ab .\n", max_size=60)


def sides(pieces):
    old = "".join(text for kind, text in pieces if kind != "new")
    new = "".join(text for kind, text in pieces if kind != "old")
    return old, new


def test_changed_words_are_told_apart_from_kept_ones():
    pieces = word_difference("The refund is due in 5 days.", "The refund is due in 14 days.")

    assert pieces == [("same", "The refund is due in "), ("old", "5"), ("new", "14"), ("same", " days.")]


def test_neighbouring_changed_words_are_one_piece():
    pieces = word_difference("send it today please", "keep that today please")

    assert pieces == [("old", "send it"), ("new", "keep that"), ("same", " today please")]


def test_equal_texts_have_no_change_and_empty_texts_no_piece():
    assert word_difference("as it was", "as it was") == [("same", "as it was")]
    assert word_difference("", "") == []
    assert word_difference("", "all new") == [("new", "all new")]
    assert word_difference("all old", "") == [("old", "all old")]


@given(TEXTS, TEXTS)
@settings(deadline=None)
def test_the_pieces_give_both_texts_again(old, new):
    pieces = word_difference(old, new)

    assert sides(pieces) == (old, new)
    assert all(text for _, text in pieces)
    assert all(first[0] != second[0] for first, second in pairwise(pieces))


def test_long_texts_are_compared_by_line():
    lines = [f"line {index} of many\n" for index in range(MOST_TOKENS // 2)]
    changed = [*lines]
    changed[7] = "another line\n"

    pieces = word_difference("".join(lines), "".join(changed))

    assert pieces == [
        ("same", "".join(lines[:7])),
        ("old", "line 7 of many\n"),
        ("new", "another line\n"),
        ("same", "".join(lines[8:])),
    ]


def test_texts_of_very_many_lines_are_compared_by_their_ends():
    old = "a\n" * 400_000
    new = "a\n" * 200_000 + "b\n" + "a\n" * 199_999

    pieces = word_difference(old, new)

    assert [kind for kind, _ in pieces] == ["same", "old", "new", "same"]
    assert sides(pieces) == (old, new)


def test_long_kept_parts_are_cut_to_what_surrounds_a_change():
    pieces = [("same", "a" * 1000), ("old", "x"), ("new", "y" * 500), ("same", "b" * 1000), ("old", "z"), ("same", "c")]

    assert with_gaps(pieces, context=10) == [
        ("gap", "990 characters the same"),
        ("same", "a" * 10),
        ("old", "x"),
        ("new", "y" * 500),
        ("same", "b" * 10),
        ("gap", "980 characters the same"),
        ("same", "b" * 10),
        ("old", "z"),
        ("same", "c"),
    ]


def test_a_gap_that_would_hide_little_is_not_made():
    assert with_gaps([("same", "a" * 20), ("new", "b")], context=10) == [("same", "a" * 20), ("new", "b")]
