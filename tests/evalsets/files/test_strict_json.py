"""JSON that is quick to read and hides nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalhub.evalsets.files.faults import CellFault
from evalhub.evalsets.files.strict_json import Parser

PARSER = Parser(100)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | st.just('say "no"')
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=30)


@given(VALUES, st.booleans(), st.sampled_from([None, 2]))
def test_what_json_writes_is_read_as_it_was(value: Any, ascii_only: bool, indent: int | None):
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()

    assert PARSER.parse(text) == value
    assert PARSER.parse_strictly(text) == value


@given(st.dictionaries(TEXTS, SCALARS, min_size=1), VALUES, st.data())
def test_a_key_given_twice_is_found_however_deep(fields: dict[str, Any], around: Any, data: st.DataObject):
    twice = data.draw(st.sampled_from(sorted(fields)))
    pairs = [*fields.items(), (twice, around)]
    inner = "{" + ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in pairs) + "}"
    text = f'{{"outer": [{json.dumps(around)}, {inner}]}}'

    with pytest.raises(CellFault) as fault:
        PARSER.parse(text.encode())

    assert fault.value.kind == "Duplicate key"
    assert fault.value.column == "outer"


def test_keys_that_differ_only_in_their_spelling_are_equal():
    with pytest.raises(CellFault, match="holds the key “a” twice"):
        PARSER.parse(rb'{"a": 1, "\u0061": 2}')


def test_a_lost_key_cannot_hide_behind_an_escaped_quotation_mark():
    # The key that is lost takes two quotation marks with it, the two escapes give two back.
    with pytest.raises(CellFault, match="twice in one object"):
        PARSER.parse(rb'{"a": 1, "a": "\u0022\u0022"}')


@pytest.mark.parametrize("depth", [1, 99, 100])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_nesting_is_read_up_to_the_limit(depth: int, opening: str, closing: str):
    inside = "1" if closing == "}" else ""

    PARSER.parse((opening * depth + inside + closing * depth).encode())


@pytest.mark.parametrize("depth", [101, 150, 253, 254, 255, 1024, 1025, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_nesting_beyond_the_limit_is_refused(depth: int, opening: str, closing: str):
    inside = "1" if closing == "}" else ""

    with pytest.raises(CellFault, match="nested more than 100 levels deep"):
        PARSER.parse((opening * depth + inside + closing * depth).encode())


def test_brackets_in_texts_are_not_nesting():
    text = json.dumps({"a": "[" * 200 + '"\\', "b": 12345678901234567890}).encode()

    assert PARSER.parse(text) == {"a": "[" * 200 + '"\\', "b": 12345678901234567890}


@pytest.mark.parametrize("number", [2**64 - 1, -(2**63), 2**53 + 1])
def test_integers_of_64_bits_are_kept_exactly(number: int):
    assert PARSER.parse(str(number).encode()) == number


@pytest.mark.parametrize("digits", ["18446744073709551616", "-9223372036854775809", "9" * 5000], ids=len)
def test_larger_integers_are_refused(digits: str):
    with pytest.raises(CellFault, match="larger than 64 bits"):
        PARSER.parse(digits.encode())


def test_long_digits_in_a_text_are_a_text():
    assert PARSER.parse(b'{"card": "12345678901234567890123"}') == {"card": "12345678901234567890123"}


def test_the_first_fault_of_several_is_named():
    with pytest.raises(CellFault) as fault:
        PARSER.parse(rb'{"a": [1, {"b": "x\u0000"}], "c": NaN}')

    assert str(fault.value) == "“a” holds a NUL character after “x”. PostgreSQL cannot store it; remove it."


def test_a_backslash_before_u0000_is_no_nul():
    assert PARSER.parse(rb'{"a": "\\u0000"}') == {"a": r"\u0000"}


def test_a_surrogate_pair_is_a_character():
    assert PARSER.parse(rb'"\ud83d\ude00 \u0022"') == '😀 "'


def test_the_limit_holds_for_values_that_come_from_elsewhere():
    deep: Any = "x"
    for _ in range(101):
        deep = [deep]

    PARSER.check_value(deep[0])
    with pytest.raises(CellFault, match="nested more than 100 levels deep"):
        PARSER.check_value(deep)
    with pytest.raises(CellFault, match="“a” holds a NUL character"):
        PARSER.check_value({"a": ["\0"]})
