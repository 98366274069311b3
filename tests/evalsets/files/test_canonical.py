"""A version's download, uploaded again, is the same version."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from evalhub.evalsets.files.canonical import canonical_line, sorted_json
from evalhub.evalsets.files.columns import list_columns
from evalhub.evalsets.files.guessing import guess_mapping
from evalhub.evalsets.files.mapping import KIND_FROM_COLUMN, ExampleMapping
from tests.evalsets.files.staged import stage_bytes, stage_rows, unescape

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NAMES = TEXTS.map(str.strip).filter(bool).map(lambda name: name[:50].strip())
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS, lambda v: st.lists(v) | st.dictionaries(TEXTS, v), max_leaves=6
)
SMALL = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | TEXTS
CALLS = st.lists(
    st.tuples(NAMES, st.dictionaries(TEXTS, st.lists(VALUES, min_size=1))).map(
        lambda call: {"name": call[0], "arguments": call[1], "optional": sorted(call[1])[:1]}
    )
)
EXPECTED = (
    st.just(("", None))
    | st.tuples(st.just("text"), TEXTS)
    | st.tuples(st.just("number"), NUMBERS)
    | st.tuples(st.just("json"), VALUES)
    | st.tuples(st.just("tool_calls"), CALLS)
)
MESSAGES = st.lists(st.fixed_dictionaries({"role": st.sampled_from(["user", "system"]), "content": TEXTS}), min_size=1)
TOOLS = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.just("function"),
            "function": st.fixed_dictionaries({"name": NAMES, "parameters": st.dictionaries(TEXTS, VALUES)}),
        }
    ),
    min_size=1,
)
REQUESTS = st.fixed_dictionaries({"messages": MESSAGES}, optional={"tools": TOOLS})
EXAMPLES = st.fixed_dictionaries(
    {
        "request": REQUESTS,
        "expected": EXPECTED,
        "tags": st.lists(NAMES, unique=True, max_size=5),
        "cluster": st.just("") | NAMES,
        "metadata": st.dictionaries(TEXTS, SMALL | st.lists(SMALL) | st.dictionaries(TEXTS, SMALL)),
    }
)
OWN = ExampleMapping(
    id="id",
    input="input",
    expected="expected",
    expected_kind=KIND_FROM_COLUMN,
    expected_kind_column="expected_kind",
    tags="tags",
    cluster="cluster",
    metadata_object="metadata",
)


def line_of(key: str, example: dict[str, Any]) -> bytes:
    kind, expected = example["expected"]
    return canonical_line(
        key=key,
        request=orjson.dumps(example["request"]),
        expected_kind=kind,
        expected=orjson.dumps(expected) if kind else None,
        tags=example["tags"],
        cluster=example["cluster"],
        # -0.0 is the one number of this range that jsonb does not keep.
        metadata=json.loads(json.dumps(example["metadata"]).replace("-0.0", "0.0")),
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(EXAMPLES, min_size=1, max_size=5))
def test_a_download_gives_the_same_hash_when_it_is_uploaded(tmp_path: Path, examples: list[dict[str, Any]]):
    lines = [line_of(f"q-{number}", example) for number, example in enumerate(examples)]
    download = b"".join(lines)
    rows = [orjson.loads(line) for line in lines]

    mapping = guess_mapping("examples", list_columns(rows, (), is_flat=False), rows)
    report, staged = stage_bytes(tmp_path, download, mapping)

    assert mapping == OWN
    assert report.errors == []
    assert report.content_hash == hashlib.sha256(download).hexdigest()
    assert [row["digest"] for row in staged] == ["\\x" + hashlib.sha256(line).hexdigest() for line in lines]


@settings(max_examples=40, deadline=None)
@given(EXAMPLES)
def test_the_staged_columns_make_the_same_line_again(tmp_path: Path, example: dict[str, Any]):
    line = line_of("q", example)
    report, _ = stage_bytes(tmp_path, line, OWN)

    texts = [unescape(value) for value in (tmp_path / "staged").read_bytes().decode()[:-1].split("\t")]
    row = dict(zip(report.columns, texts, strict=True))

    again = canonical_line(
        key=row["key"] or "",
        request=row["request"] or "",
        expected_kind=row["expected_kind"] or "",
        expected=row["expected"],
        tags=example["tags"],
        cluster=row["cluster"] or "",
        metadata=orjson.loads(row["metadata"] or ""),
    )
    assert again == line


def test_empty_parts_are_left_out_and_keys_stand_in_their_order():
    line = canonical_line(
        key="q", request='{"messages":[]}', expected_kind="", expected=None, tags=[], cluster="", metadata={}
    )
    full = canonical_line(
        key="q",
        request=b'{"messages":[]}',
        expected_kind="json",
        expected="null",
        tags=["b", "a"],
        cluster="c",
        metadata={"z": 1, "a": {"y": 1, "b": 2}},
    )

    assert line == b'{"id":"q","input":{"messages":[]}}\n'
    assert full == (
        b'{"id":"q","input":{"messages":[]},"expected_kind":"json","expected":null,"tags":["b","a"],"cluster":"c",'
        b'"metadata":{"a":{"b":2,"y":1},"z":1}}\n'
    )


def test_metadata_may_come_as_a_dict_or_as_its_sorted_json():
    parts: dict[str, Any] = {"key": "q", "request": "{}", "expected_kind": "", "expected": None, "tags": []}

    for metadata in ({}, {"b": 1, "a": "ü"}):
        assert canonical_line(**parts, cluster="", metadata=metadata) == canonical_line(
            **parts, cluster="", metadata=sorted_json(metadata)
        )


def test_an_expected_null_differs_from_none_given(tmp_path: Path):
    rows = [
        {"id": "a", "input": "x", "expected_kind": "json", "expected": None},
        {"id": "b", "input": "x"},
        {"id": "c", "input": "x", "expected_kind": "", "expected": None},
    ]

    report, _ = stage_rows(tmp_path, rows, OWN)

    staged = [line.split(b"\t")[3:5] for line in (tmp_path / "staged").read_bytes().splitlines()]
    assert report.errors == []
    assert staged == [[b"json", b"null"], [b"", rb"\N"], [b"", rb"\N"]]


def test_numbers_and_the_order_of_keys_survive_in_requests(tmp_path: Path):
    parameters = (
        '{"type":"dict","properties":{"z":{"maximum":1.0},"a":{"minimum":1e-7,"default":18446744073709551615}}}'
    )
    line = (
        '{"id":"q","input":{"messages":[{"role":"user","content":"x"}],'
        f'"tools":[{{"type":"function","function":{{"name":"f","parameters":{parameters}}}}}]}}}}\n'
    )

    report, _ = stage_bytes(tmp_path, line, OWN)

    assert report.content_hash == hashlib.sha256(line.encode()).hexdigest()
    assert parameters.encode() in (tmp_path / "staged").read_bytes()
