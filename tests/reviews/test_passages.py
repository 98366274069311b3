"""Texts as they stand on the desk: JSON that folds, broken JSON with its place marked, long texts cut."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviews.reading.json_lines import WIDEST, json_pieces
from reviews.reading.passages import Passage

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=40,
)


def shown(pieces):
    """What a page shows with everything open."""
    return "\n".join(text for kind, text in pieces if kind != "size")


@given(JSON, st.sampled_from([None, 2]))
def test_json_is_shown_whole_and_unchanged(value, indent):
    pieces = json_pieces(json.dumps(value, indent=indent))

    assert json.loads(shown(pieces)) == value
    opened = sum(kind in {"open", "closed"} for kind, _ in pieces)
    assert [kind for kind, _ in pieces].count("end") == [kind for kind, _ in pieces].count("size") == opened


def test_numbers_and_fields_are_spelled_as_they_were_sent():
    text = '{"price": 12.50, "big": 1e400, "id": 12345678901234567890, "price": 13}'

    assert json_pieces(text) == [("lines", text)]


def test_what_fits_on_a_line_stands_on_one_and_what_does_not_opens_and_closes():
    wide = "x" * WIDEST

    pieces = json_pieces(json.dumps({"id": "A-1", "lines": [{"sku": "B"}, {"sku": wide}], "total": 3}))

    assert pieces == [
        ("open", "{"),
        ("size", '"id": "A-1", … 3 fields }'),
        ("lines", '"id": "A-1",'),
        ("open", '"lines": ['),
        ("size", '{"sku": "B"}, … 2 entries ]'),
        ("lines", '{"sku": "B"},'),
        ("open", "{"),
        ("size", "1 field }"),
        ("lines", f'"sku": "{wide}"'),
        ("end", "}"),
        ("end", "],"),
        ("lines", '"total": 3'),
        ("end", "}"),
    ]


def test_long_json_is_closed_below_the_second_level():
    order = {"id": "A-1", "lines": ["x" * WIDEST] * 3}

    pieces = json_pieces(json.dumps({"orders": [order] * 10}))

    assert [kind for kind, _ in pieces if kind in {"open", "closed"}] == ["open", "open", *["closed"] * 20]


@pytest.mark.parametrize(
    ("text", "mark", "remark"),
    [
        (
            '{"state": sent, "total": 3}',
            "sent,",
            'This is not valid JSON: a value is expected, but “sent, "total…” stands there at line 1, column 11.',
        ),
        ('{"a": 1,}', "}", "This is not valid JSON: a comma with nothing after it at line 1, column 9."),
        ('{"a": [1, 2', "(here)", "This is not valid JSON: it breaks off at line 1, column 12."),
        (
            '```json\n{"a": "x\ny"}\n```',
            "\n",
            "This is not valid JSON: a raw line break inside a string at line 2, column 9.",
        ),
    ],
)
def test_broken_json_has_its_place_marked_and_named(text, mark, remark):
    passage = Passage(text)

    assert not passage.is_tree
    assert [piece for kind, piece in passage.pieces if kind == "mark"] == [mark]
    assert "".join(piece for kind, piece in passage.pieces if piece != "(here)") == text
    assert passage.remark == remark


@pytest.mark.parametrize(
    "text", ["[1] The source says {so}.", "I cannot say.", "{{name}}, hello", "<p>{}</p>", "[x](y)"]
)
def test_prose_is_not_called_broken_json(text):
    passage = Passage(text)

    assert (passage.remark, passage.pieces) == ("", [("text", text)])


def test_prose_where_json_is_wanted_is():
    passage = Passage("I cannot say.", wants_json=True)

    assert passage.remark == "This is not valid JSON: it is text without any JSON."
    assert passage.pieces == [("text", "I cannot say.")]


def test_a_raw_text_is_shown_as_it_is():
    assert Passage('{"a": 1}', is_raw=True).pieces == [("text", '{"a": 1}')]


def test_json_in_a_fence_keeps_the_words_around_it():
    passage = Passage('Here:\n```json\n{"a": 1}\n```\nDone.', wants_json=True)

    assert passage.tree == [("prose", "Here:\n```json"), ("lines", '{"a": 1}'), ("prose", "```\nDone.")]


def test_json_that_is_too_long_begins_in_lines_and_is_whole_when_asked_for():
    passage = Passage(json.dumps({"lines": list(range(3000))}), limit=1000)

    assert not passage.is_tree
    assert passage.pieces[0][1].startswith('{\n  "lines": [\n    0,\n    1,\n')
    assert passage.is_cut
    assert passage.whole().is_tree


@given(st.text(alphabet="ab \n{", min_size=0, max_size=400), st.integers(min_value=20, max_value=300))
def test_a_cut_text_says_how_much_is_left_out(text, limit):
    passage = Passage(text, limit=limit, is_raw=True)

    kept = "".join(piece for kind, piece in passage.pieces if kind == "text")
    left_out = sum(int(piece.replace(",", "")) for kind, piece in passage.pieces if kind == "gap")
    assert text.startswith(kept)
    assert len(kept) + left_out == len(text)
    assert len(kept) <= limit * 1.1
    assert passage.is_cut == (left_out > 0)
    assert passage.whole().pieces == ([("text", text)] if text else [])


def test_a_fault_far_down_a_long_text_is_shown_with_what_is_around_it():
    text = json.dumps({"lines": ["word"] * 2000})[:-2] + ",, 7]}"

    passage = Passage(text, limit=1000)

    kinds = [kind for kind, _ in passage.pieces]
    assert kinds == ["text", "gap", "text", "mark"] or kinds == ["text", "gap", "text", "mark", "text"]
    assert passage.pieces[3][1] == ","
    assert sum(len(piece) for kind, piece in passage.pieces if kind == "text") < 1400
