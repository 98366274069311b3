"""The same rows in every format, packed or not, give the same staged file."""

from __future__ import annotations

import csv
import datetime
import gzip
import io
import json
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evalhub.evalsets.files.faults import RowError, UploadError
from evalhub.evalsets.files.formats import HEAD_BYTES, Format, detect_format
from evalhub.evalsets.files.limits import Limits
from evalhub.evalsets.files.mapping import ExampleMapping
from evalhub.evalsets.files.reading import open_file
from tests.evalsets.files.staged import stage_bytes

ROWS = [
    {"id": "q-1", "input": "Hello, “you”", "expected": "x", "tags": "a;b"},
    {"id": "q-2", "input": 'Two\nlines\tand a tab, \\N, "quoted"', "expected": "ü", "tags": "a"},
    {"id": "q-3", "input": "日本語 😀", "expected": "", "tags": ""},
]
MAPPING = ExampleMapping(id="id", input="input", expected="expected", expected_kind="text", tags="tags")


def as_csv(rows: list[dict[str, Any]], **how: Any) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), **how)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_jsonl(rows: list[Any]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_parquet(rows: list[Any]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def rows_of(folder: Path, content: bytes, name: str = "rows", **limits: Any) -> list[tuple[int, Any]]:
    path = folder / "received"
    path.write_bytes(content)
    return list(open_file(path, name, Limits(**limits)).rows)


SPELLINGS = {
    "comma": as_csv(ROWS),
    "semicolon": as_csv(ROWS, delimiter=";"),
    "tab": as_csv(ROWS, delimiter="\t"),
    "bar": as_csv(ROWS, delimiter="|"),
    "LF": as_csv(ROWS, lineterminator="\n"),
    "all quoted": as_csv(ROWS, quoting=csv.QUOTE_ALL),
    "CSV with mark": b"\xef\xbb\xbf" + as_csv(ROWS),
    "JSONL": as_jsonl(ROWS),
    "JSONL escaped": "\n".join(json.dumps(row) for row in ROWS).encode(),
    "JSONL with mark": b"\xef\xbb\xbf" + as_jsonl(ROWS),
    "JSONL with CR LF": as_jsonl(ROWS).replace(b"\n", b"\r\n"),
    "JSONL with empty lines": as_jsonl(ROWS).replace(b"\n", b"\n\n"),
    "list": json.dumps(ROWS).encode(),
    "list, indented": json.dumps(ROWS, indent=4, ensure_ascii=False).encode(),
    "list with mark": b"\xef\xbb\xbf" + json.dumps(ROWS).encode(),
    "list under data": json.dumps({"name": "x", "data": ROWS, "more": [1]}).encode(),
    "list under examples": json.dumps({"examples": ROWS}, indent=1).encode(),
    "list under rows": json.dumps({"version": {"data": [1]}, "rows": ROWS}, indent=1).encode(),
    "Parquet": as_parquet(ROWS),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_every_format_gives_the_same_rows(tmp_path: Path, spelling: str, pack: Any):
    report, staged = stage_bytes(tmp_path, pack(SPELLINGS[spelling]), MAPPING, name="rows")

    assert report.errors == []
    assert [row["key"] for row in staged] == ["q-1", "q-2", "q-3"]
    assert [row["request"]["messages"][0]["content"] for row in staged] == [row["input"] for row in ROWS]
    assert [row["expected"] for row in staged] == ["x", "ü", None]
    assert [row["expected_kind"] for row in staged] == ["text", "text", ""]
    assert [row["tags"] for row in staged] == ['{"a","b"}', '{"a"}', "{}"]
    assert [row["position"] for row in staged] == ["1", "2", "3"]


def test_the_hash_of_the_content_is_the_same_in_every_format(tmp_path: Path):
    hashes = {stage_bytes(tmp_path, content, MAPPING, name="rows")[0].content_hash for content in SPELLINGS.values()}

    assert len(hashes) == 1


@pytest.mark.parametrize(
    ("head", "name", "found"),
    [
        (b"id,input\n", "rows.csv", Format.CSV),
        (b"id,input\n", "rows.txt", Format.CSV),
        (b'[{"a": 1}]', "rows.csv", Format.JSON),
        (b'{"a": 1}\n{"a": 2}\n', "rows.json", Format.JSONL),
        (b'{"a": 1}\nbroken\n', "rows.json", Format.JSONL),
        (b'{"a": 1}', "rows.json", Format.JSONL),
        (b'{"a": 1, "data": [{}]}', "rows.jsonl", Format.JSON),
        (b'{"data": [{}]}\n{"data": [{}]}', "rows.jsonl", Format.JSON),
        (b'{"id": 1, "data": [{}]}\n{"id": 2, "data": []}', "rows.jsonl", Format.JSONL),
        (b'{\n  "a": 1,', "rows", Format.JSON),
        (b'{"a": 1,\n "b": 2}', "rows.json", Format.JSON),
        (b'{"a": 1\n{"a": 2}', "rows.jsonl", Format.JSONL),
        (b'{"a": 1\n{"a": 2}', "rows", Format.JSONL),
        (b"broken\n", "rows.jsonl", Format.JSONL),
        (b"broken\n", "rows.ndjson.gz", Format.JSONL),
        (b"PAR1....", "rows.csv", Format.PARQUET),
        (b"<user> said,answer\n", "rows.csv", Format.CSV),
    ],
)
def test_the_content_decides_the_format_before_the_name(head: bytes, name: str, found: Format):
    assert detect_format(head, name) is found


def test_a_line_of_json_that_does_not_end_within_the_first_look_is_told_by_the_name():
    head = b'{"input": "' + b"x" * HEAD_BYTES

    assert detect_format(head, "rows.jsonl") is Format.JSONL
    assert detect_format(head, "rows.json") is Format.JSON


def test_lines_of_csv_are_counted_as_an_editor_does(tmp_path: Path):
    content = b'\nid,input\n1,"two\nlines"\n\n2,"CR LF\r\ninside"\n3,x\n'

    rows = rows_of(tmp_path, content)

    assert rows == [
        (3, {"id": "1", "input": "two\nlines"}),
        (6, {"id": "2", "input": "CR LF\r\ninside"}),
        (8, {"id": "3", "input": "x"}),
    ]


def test_rows_of_a_json_list_are_counted_by_the_line_they_begin_on(tmp_path: Path):
    content = b'\n{"name": "a\\nb",\n "data": [\n\n  {"a":\n 1}, {"a": 2},\n  {"a": 3}\n]}\n\n'

    assert rows_of(tmp_path, content, "rows.json") == [(5, {"a": 1}), (6, {"a": 2}), (7, {"a": 3})]


def test_lines_may_end_in_cr_alone(tmp_path: Path):
    assert rows_of(tmp_path, b"id,input\r1,Hello\r2,Bye\r") == [
        (2, {"id": "1", "input": "Hello"}),
        (3, {"id": "2", "input": "Bye"}),
    ]


def test_a_file_of_one_column_has_no_delimiter(tmp_path: Path):
    assert rows_of(tmp_path, b"input\nHello: you\nBye\n") == [(2, {"input": "Hello: you"}), (3, {"input": "Bye"})]


def test_the_delimiter_is_the_one_that_header_and_rows_agree_on(tmp_path: Path):
    assert rows_of(tmp_path, b"id;a,b;c\n1;2,5;x\n") == [(2, {"id": "1", "a,b": "2,5", "c": "x"})]


def test_a_first_row_longer_than_the_first_look_does_not_mislead(tmp_path: Path):
    cell = "x; y|\n" * 20_000
    rows = [{"id": "1", "input": cell, "a": cell, "b": cell, "c": "z"}] * 2

    assert [row for _, row in rows_of(tmp_path, as_csv(rows))] == rows


def test_one_ragged_row_does_not_make_another_delimiter(tmp_path: Path):
    [(_, error)] = rows_of(tmp_path, b"id,input\n1,Hello; you, there; and here\n")

    assert error.kind == "Not as many fields as the header"


def test_columns_without_a_name_are_called_by_their_place(tmp_path: Path):
    assert rows_of(tmp_path, b",input,\n0,Hello,\n") == [(2, {"column 1": "0", "input": "Hello", "column 3": ""})]


def test_a_faulty_row_does_not_hide_the_next_ones(tmp_path: Path):
    rows = rows_of(tmp_path, b'id,input\n1,"a"b\n2\n' + b"3," + b"x" * 200_000 + b"\n4,\0\n5,ok\n")

    assert [(line, row.line, row.kind) for line, row in rows if isinstance(row, RowError)] == [
        (2, 2, "Text after a closing quotation mark"),
        (3, 3, "Not as many fields as the header"),
        (4, 4, "Field too long"),
        (5, 5, "NUL character"),
    ]
    assert rows[-1] == (6, {"id": "5", "input": "ok"})


def test_a_quotation_mark_left_open_in_a_long_file_is_named_where_it_opens(tmp_path: Path):
    with pytest.raises(UploadError) as refusal:
        rows_of(tmp_path, b'id,input\n1,a\n2,"b\n' + b"3,ccccccc\n" * 20_000)

    assert str(refusal.value).startswith("Line 3: a quotation mark opens a field in this row and is not closed on the")


def test_gzip_members_may_follow_each_other_and_zeros_may_follow_them(tmp_path: Path):
    packed = gzip.compress(b'{"a": 1}\n{"a"') + gzip.compress(b": 2}\n") + gzip.compress(b"") + b"\0" * 512

    assert rows_of(tmp_path, packed) == [(1, {"a": 1}), (2, {"a": 2})]


def test_something_else_behind_gzip_is_refused(tmp_path: Path):
    with pytest.raises(UploadError) as refusal:
        rows_of(tmp_path, gzip.compress(b'{"a": 1}\n') + b"junk")

    assert str(refusal.value) == "The gzip file is damaged and cannot be unpacked. Compress and upload it again."


def test_rows_longer_than_a_block_are_put_together(tmp_path: Path):
    rows = [{"id": str(number), "input": f"{number} " * 300_000} for number in range(5)]

    for content in (as_jsonl(rows), json.dumps(rows).encode()):
        assert [row for _, row in rows_of(tmp_path, content)] == rows


def test_a_json_row_longer_than_the_limit_is_refused_where_it_begins(tmp_path: Path):
    rows = [{"a": 1}, {"a": "x" * 6_000_000}]

    with pytest.raises(UploadError) as refusal:
        rows_of(tmp_path, json.dumps(rows, indent=0).encode(), line_bytes=1 << 20)

    assert str(refusal.value).startswith("Line 5: a value that begins here is longer than 1 MB, or has no end.")


def test_more_columns_than_are_read_are_refused(tmp_path: Path):
    wide = {f"c{number}": number for number in range(501)}

    with pytest.raises(UploadError) as refusal:
        rows_of(tmp_path, as_csv([wide]))
    assert str(refusal.value) == "Line 1: the header has 501 columns; at most 500 are read."

    [(_, error)] = rows_of(tmp_path, as_jsonl([wide]))
    assert error.reason == "The row has 501 fields; at most 500 are read. Put the rest into one object."

    with pytest.raises(UploadError) as refusal:
        rows_of(tmp_path, as_parquet([wide]))
    assert str(refusal.value) == "The file has 501 columns; at most 500 are read."


def test_parquet_values_become_json_values(tmp_path: Path):
    moment = datetime.datetime(2026, 11, 22, 10, 0, tzinfo=datetime.UTC)
    table = pa.table(
        {
            "text": ["a"],
            "number": pa.array([7], pa.uint64()),
            "decimal": pa.array([Decimal("1.50")], pa.decimal128(10, 2)),
            "moment": pa.array([moment], pa.timestamp("ns", "UTC")),
            "day": pa.array([datetime.date(2026, 11, 22)]),
            "messages": [[{"role": "user", "content": "Hi"}]],
            "map": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
            "bytes": pa.array(["ü".encode()], pa.binary()),
            "nothing": pa.array([None], pa.string()),
            "word": pa.array(["x"]).dictionary_encode(),
        }
    )
    out = io.BytesIO()
    pq.write_table(table, out)

    [(number, row)] = rows_of(tmp_path, out.getvalue())

    assert number == 1
    assert row == {
        "text": "a",
        "number": 7,
        "decimal": 1.5,
        "moment": "2026-11-22T10:00:00+00:00",
        "day": "2026-11-22",
        "messages": [{"role": "user", "content": "Hi"}],
        "map": [["k", 1]],
        "bytes": "ü",
        "nothing": None,
        "word": "x",
    }


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (pa.array([1.5, float("nan")]), "“v” holds nan, which is not a number in JSON. Write null."),
        (pa.array([b"a", b"\xff"]), "“v” holds bytes that are not UTF-8 text. Leave the column out."),
        (pa.array(["a", "b\0c"]), "“v” holds a NUL character after “b”. PostgreSQL cannot store it; remove it."),
        (
            pa.array([1, Decimal(2) ** 70], pa.decimal128(38, 0)),
            "“v” holds an integer larger than 64 bits. Convert it to text.",
        ),
    ],
    ids=["NaN", "bytes", "NUL", "integer"],
)
def test_parquet_values_that_json_does_not_have_are_refused_by_row(tmp_path: Path, values: pa.Array, reason: str):
    out = io.BytesIO()
    pq.write_table(pa.table({"v": values}), out)

    rows = rows_of(tmp_path, out.getvalue())

    assert not isinstance(rows[0][1], RowError)
    assert (rows[1][1].line, rows[1][1].column, rows[1][1].reason) == (2, "v", reason)


def test_a_parquet_file_is_read_a_few_rows_at_a_time(tmp_path: Path):
    path = tmp_path / "received"
    path.write_bytes(as_parquet([{"id": str(number), "input": "x" * 1000} for number in range(10_000)]))
    reading = open_file(path, "rows.parquet", Limits())

    rows = list(islice(reading.rows, 100))

    assert rows[99] == (100, {"id": "99", "input": "x" * 1000})
    assert reading.share() == pytest.approx(0.01)
    assert (reading.header, reading.unit) == (("id", "input"), "Row")


def test_a_large_list_is_read_through_a_window(tmp_path: Path):
    path = tmp_path / "received"
    path.write_bytes(json.dumps([{"id": number, "input": "x" * 1000} for number in range(10_000)]).encode())
    reading = open_file(path, "rows.json", Limits())

    rows = list(islice(reading.rows, 10))

    assert rows[9] == (1, {"id": 9, "input": "x" * 1000})
    assert 0 < reading.share() < 0.3
