"""JSON as models send it, and what is wrong with it in plain words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalhub.checks.kinds.json_text import JsonFault, Where, find_json, parse_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"a": 1}', Where.WHOLE),
        (" [1]\n", Where.WHOLE),
        ("18", Where.WHOLE),
        ('```json\n{"a": 1}\n```', Where.FENCE),
        ('```\n{"a": 1}\n```', Where.FENCE),
        ('Here:\n\n  ```JSON\n{"a": 1}\n  ```\nDone.', Where.FENCE),
        ('```json{"a": 1}```', Where.FENCE),
        ('````json\n{"a": 1}\n````', Where.FENCE),
        ('Here: {"a": 1}', Where.TEXT),
        ('{"a": 1} Done.', Where.TEXT),
        ('```json\n{"a": 1}', Where.TEXT),
    ],
)
def test_json_is_found_where_it_stands(text, where):
    found = find_json(text)

    assert found.where == where
    assert found.value in ({"a": 1}, [1], 18)
    assert found.fault == ""
    assert found.is_clear == (where in ("whole", "fence"))


@pytest.mark.parametrize("text", ['{"a": 1}', " [1]\n", 'So:\n```json\n{"a": 1}\n```\nDone.', 'Here: {"a": 1}, see?'])
def test_it_is_told_where_the_json_begins_and_ends(text):
    found = find_json(text)

    assert parse_json(text[found.start : found.end]) == found.value


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('{"tags": [1, 2], "state": sent, "lines": [3]}', "sent, "),
        ('Here: {"a": 1,}', "}"),
        ('```json\n{"a": tru}\n```', "tru}"),
    ],
)
def test_the_place_of_a_fault_is_the_one_in_the_whole_answer(text, wrong):
    found = find_json(text)

    assert (found.where, found.value) == (Where.NOWHERE, None)
    assert text[found.position :].startswith(wrong)
    assert f"line {text[: found.position].count(chr(10)) + 1}," in found.fault


def test_backticks_inside_a_string_do_not_end_the_fence():
    text = '```json\n{"code": "```python x```", "b": 1}\n```'

    assert find_json(text).value == {"code": "```python x```", "b": 1}


def test_the_last_block_counts_and_json_blocks_before_others():
    text = '```json\n{"a": 1}\n```\nor\n```json\n{"a": 2}\n```\nused as\n```python\nprint(1)\n```'

    assert find_json(text).value == {"a": 2}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "nothing is there"),
        ("I cannot say.", "it is text without any JSON"),
        ('{"a": "x\ny"}', "a raw line break inside a string at line 1, column 9"),
        ('```json\n{\n "a": "x\ty"}\n```', "a raw tab inside a string at line 3, column 9"),
        ('{"a": "\x01"}', "a raw control character inside a string at line 1, column 8"),
        (r'{"a": "\x"}', r"a backslash that begins no valid escape (“\x”) inside a string at line 1, column 8"),
        (r'{"a": "\u12"}', r"a backslash that begins no valid escape (“\u”) inside a string at line 1, column 8"),
        ('{"a": 1,}', "a comma with nothing after it at line 1, column 9"),
        ("[1,]", "a comma with nothing after it at line 1, column 4"),
        ("{'a': 1}", "single quotation marks where JSON wants double ones (“'a': 1}”) at line 1, column 2"),
        ("{a: 1}", "a field name in double quotation marks is missing before “a: 1}” at line 1, column 2"),
        ('{"a" 1}', "a colon is missing before “1}” at line 1, column 6"),
        ("[1 2]", "a comma or a closing bracket is missing before “2]” at line 1, column 4"),
        (
            '{"a": "say "hi""}',
            (
                'a comma or a closing bracket is missing before “hi""}” (or a quotation mark inside a string needs a '
                "backslash) at line 1, column 13"
            ),
        ),
        ('{"a": True}', "“True}” is not a JSON value; JSON writes true, false and null at line 1, column 7"),
        ('{"a": .5}', "a value is expected, but “.5}” stands there at line 1, column 7"),
        ('{"a": NaN}', "“NaN” is not a JSON value; write null instead"),
        ('{"a": -Infinity}', "“-Infinity” is not a JSON value; write null instead"),
        ("01", "more text after the end of the JSON (“1”) at line 1, column 2"),
        ("1e400", "the number 1e400 is too large"),
        ("9" * 5000, "it holds a whole number of more than 4,300 digits"),
        ("[" * 100 + "1" + "]" * 100, ""),
        ("[" * 101 + "]" * 101, "it is nested more than 100 levels deep"),
        ("[" * 100_000 + "]" * 100_000, "it is nested more than 100 levels deep"),
        (r'["\ud800"]', r"it holds half a character (a lone surrogate such as “\ud800”)"),
        ('["\ud800"]', r"it holds half a character (a lone surrogate such as “\ud800”)"),
        ('Sure: {"a": 1, b}', "a field name in double quotation marks is missing before “b}” at line 1, column 16"),
    ],
)
def test_what_is_wrong_is_said_in_plain_words(text, fault):
    assert find_json(text).fault == fault


@pytest.mark.parametrize("text", ['{"a": 1', '{"a": "x', '{"a":', "[1,", "{", '```json\n{"a": 1,\n'])
def test_json_that_breaks_off_is_told_from_json_that_is_wrong(text):
    found = find_json(text)

    assert found.cut_off
    assert found.fault.startswith("it breaks off")


@pytest.mark.parametrize("piece", ["`", "```\n", "``` ", "[{", "{\n", '```json\n{"a"', "\\", '"', "]["])
def test_hostile_repetition_is_answered_at_once(piece):
    """Each takes under 0.2 s; with a search that starts again at every bracket, this test would not end."""
    assert find_json(piece * 100_000).where == Where.NOWHERE


@given(JSON)
def test_what_json_writes_is_read_back_alone_and_in_a_fence(value):
    text = json.dumps(value, indent=1)

    assert find_json(text).value == value
    assert find_json(f"So:\n```json\n{text}\n```").value == value


@given(st.text(alphabet=st.characters() | st.sampled_from('{}[]",:`\n\\u0123eE-.\ud800')))
def test_any_text_is_json_or_has_a_fault(text):
    found = find_json(text)

    assert (found.where == Where.NOWHERE) == bool(found.fault)


@given(st.text(alphabet='{}[]",:0123456789.eE+-aflnrstu\\ \n'))
def test_what_is_read_is_what_the_standard_library_reads(text):
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(JsonFault):
            parse_json(text)
    else:
        assert parse_json(text) == expected
