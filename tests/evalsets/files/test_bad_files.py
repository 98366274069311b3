"""Files that cannot be taken, each with the sentence that the person reads, as the child process gives it."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from evalhub.evalsets.files.faults import UploadError
from evalhub.evalsets.files.staging import preview_file, stage_file
from tests.evalsets.files.staged import PLAIN, read_staged

GOOD = b'{"id":"a","input":"Hello","expected":"x"}\n'
HEADER = b"id,input,expected\n"
UTF8_CURE = "Save it as UTF-8 (in Excel: “CSV UTF-8”) and upload it again."


def zip_of(name: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, "id,input\n1,x\n")
    return packed.getvalue()


REFUSED = {
    "empty": ("a.jsonl", b"", "The file is empty. Choose a file with at least one row."),
    "only line ends": (
        "a.csv",
        b"\n \r\n\n",
        "The file is empty: it holds nothing but spaces and line ends. Choose one with rows.",
    ),
    "header only": (
        "a.csv",
        HEADER,
        "The file has a header but no rows. Add at least one, or choose another file.",
    ),
    "empty list": ("a.json", b"[]", "The list in the file has no rows. Add at least one, or choose another file."),
    "wrong delimiter": (
        "a.csv",
        b"id^input^expected\n1^Hello, you^a\n2^Bye^b\n",
        "Line 1: the columns seem to be separated by “^”, which is not read. "
        "Separate them by a comma, a semicolon, a tab or “|”.",
    ),
    "two delimiters": (
        "a.csv",
        b"id;input;expected\n1,Hello,a\n2,Bye,b\n",
        "Line 1: the header separates its columns by “;”, the rows theirs by “,”. Use one of them throughout.",
    ),
    "UTF-16 with mark": (
        "a.csv",
        "id,input,expected\n1,Hello,a\n".encode("utf-16"),
        f"Line 1: the file is UTF-16 text; EvalHub reads UTF-8. {UTF8_CURE}",
    ),
    "UTF-16 without mark": (
        "a.jsonl",
        GOOD.decode().encode("utf-16-be"),
        f"Line 1: the file is UTF-16 text; EvalHub reads UTF-8. {UTF8_CURE}",
    ),
    "UTF-32": (
        "a.csv",
        "id,input,expected\n1,Hello,a\n".encode("utf-32"),
        f"Line 1: the file is UTF-32 text; EvalHub reads UTF-8. {UTF8_CURE}",
    ),
    "Latin-1": (
        "a.csv",
        HEADER + "1,Hello,a\n2,café,b\n".encode("latin-1"),
        f"Line 3: byte 6 (hexadecimal E9) is not UTF-8 text. The file seems to be Latin-1 (ISO 8859-1). {UTF8_CURE}",
    ),
    "Windows-1252": (
        "a.jsonl",
        GOOD + '{"id":"b","input":"it’s","expected":"x"}\n'.encode("cp1252"),
        f"Line 2: byte 22 (hexadecimal 92) is not UTF-8 text. The file seems to be Windows-1252. {UTF8_CURE}",
    ),
    "Latin-1 in a JSON list": (
        "a.json",
        '[\n{"id":"a","input":"Hi"},\n{"id":"b","input":"café"}\n]'.encode("latin-1"),
        f"Line 3: byte 23 (hexadecimal E9) is not UTF-8 text. The file seems to be Latin-1 (ISO 8859-1). {UTF8_CURE}",
    ),
    "one damaged byte": (
        "a.jsonl",
        '{"id":"a","input":"é'.encode() + b'\xff"}\n',
        "Line 1: byte 22 (hexadecimal FF) is not UTF-8 text. The characters before it are, so the line is damaged. "
        "Correct it, or export the file again.",
    ),
    "lone surrogate as bytes": (
        "a.csv",
        HEADER + b"1,\xed\xa0\xbd,a\n",
        "Line 2: byte 3 begins half a character (a lone surrogate, hexadecimal ED A0 BD). "
        "Remove it, or export the file again.",
    ),
    "only NUL": (
        "a.csv",
        b"\0" * 5000,
        "The file holds nothing but NUL bytes; it was probably damaged on the way. Export it again.",
    ),
    "noise": (
        "a.csv",
        bytes(range(256)) * 20,
        "The file is not text, and not Parquet. Upload CSV, JSON, JSONL or Parquet.",
    ),
    "nesting of 100,000 in a list": (
        "a.json",
        b'[{"id":"a","input":"Hi"},\n{"id":"b","input":"Hi","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}]",
        "Line 2: the row that begins here is nested more than 100 levels deep. Flatten it, or keep it as text.",
    ),
    "missing column": (
        "a.csv",
        b"id,input\n1,Hello\n",
        "The file has no column “expected”. Add it, or choose one of “id”, “input”.",
    ),
    "column named twice": (
        "a.csv",
        b"id,input,id\n1,Hello,1\n",
        "Line 1: the header names “id” twice, in columns 1 and 3. Rename one of them.",
    ),
    "text where names should be": (
        "a.csv",
        b"1," + b"Hello " * 40 + b"\n2,Bye\n",
        f"Line 1: the name of column 2 has 239 characters: “{'Hello ' * 10}…”. "
        "Begin the file with a row of short names.",
    ),
    "quotation mark left open": (
        "a.csv",
        HEADER + b'1,"Hello,a\n2,Bye,b\n',
        "Line 2: a quotation mark opens a field in this row and is not closed on the lines that follow. "
        'Close it; inside a field write it twice ("").',
    ),
    "truncated gzip": (
        "a.jsonl.gz",
        gzip.compress(GOOD * 1000)[:-20],
        "The gzip file ends before its content does; the upload was cut short. Upload it again.",
    ),
    "damaged gzip": (
        "a.jsonl.gz",
        gzip.compress(GOOD)[:-8] + b"\0" * 8,
        "The gzip file is damaged and cannot be unpacked. Compress and upload it again.",
    ),
    "gzip bomb": (
        "a.jsonl.gz",
        gzip.compress(GOOD + b" " * (100 << 20)),
        "The file unpacks to more than 200 times its size, as files made to fill a disk do. "
        "Upload it without gzip, or split it.",
    ),
    "HTML": (
        "a.csv",
        b"<!DOCTYPE html>\n<html><body>Sign in</body></html>",
        "The file is an HTML page, not CSV, JSON, JSONL or Parquet; a sign-in or error page was probably saved in "
        "its place. Download it again.",
    ),
    "XML": (
        "a.csv",
        b'<?xml version="1.0"?><rows/>',
        "The file is XML, not CSV, JSON, JSONL or Parquet. Export the rows in one of these.",
    ),
    "PDF": (
        "a.csv",
        b"%PDF-1.7\n",
        "The file is a PDF document, not CSV, JSON, JSONL or Parquet. Export the table itself.",
    ),
    "Excel": (
        "a.csv",
        zip_of("xl/workbook.xml"),
        "The file is an Excel workbook, not CSV, JSON, JSONL or Parquet. Save the sheet as “CSV UTF-8”.",
    ),
    "zip": (
        "a.zip",
        zip_of("rows.csv"),
        "The file is a zip archive, not CSV, JSON, JSONL or Parquet. "
        "Unpack it and upload the file inside, or use gzip.",
    ),
    "no Parquet": (
        "a.parquet",
        b"id,input\n1,x\n",
        "The file is named as Parquet but does not begin as Parquet does. Export it again.",
    ),
    "no JSON": (
        "a.json",
        b"id,input\n1,x\n",
        "The file is named .json but begins with neither “[” nor “{”. Upload a list of objects.",
    ),
    "JSON cut short": (
        "a.json",
        b'[{"id":"a","input":"Hi"},\n{"id":"b","inp',
        "Line 2: the row that begins here has no end; the file was probably cut short. Upload it again.",
    ),
    "JSON without a comma": (
        "a.json",
        b'[{"id":"a","input":"Hi"}\n{"id":"b","input":"Hi"}]',
        "Line 2: this is not valid JSON: “,” or “]” after the row was expected, “{” found.",
    ),
    "JSON goes on": (
        "a.json",
        b'[{"id":"a","input":"Hi","expected":"x"}]\n[]',
        "Line 2: there is more after the end of the list. Put all rows into one list.",
    ),
    "JSON object without rows": (
        "a.json",
        b'{\n"version": 2,\n"name": "x"}',
        "The file is one JSON object without a list of rows. "
        "Put the rows in a list: [{…}, {…}], or under “data”, “examples” or “rows”.",
    ),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_a_file_that_cannot_be_read_is_refused_whole(tmp_path: Path, fault: str):
    name, content, sentence = REFUSED[fault]
    path = tmp_path / "received"
    path.write_bytes(content)
    target = tmp_path / "target"
    target.mkdir()

    with pytest.raises(UploadError) as refusal:
        stage_file(path, name, "examples", PLAIN, target)

    assert str(refusal.value) == sentence
    assert list(target.iterdir()) == []


@pytest.mark.parametrize("fault", [fault for fault in REFUSED if fault != "missing column" and "goes on" not in fault])
def test_the_preview_refuses_it_with_the_same_sentence(tmp_path: Path, fault: str):
    name, content, sentence = REFUSED[fault]
    path = tmp_path / "received"
    path.write_bytes(content)

    with pytest.raises(UploadError) as refusal:
        preview_file(path, name, "examples")

    assert str(refusal.value) == sentence


BAD_ROWS = {
    "ragged, too many": (
        "a.csv",
        HEADER + b"1,Hello,a\n2,Bye, you,b\n",
        "Line 3: The row has 4 fields, the header has 3. Put quotation marks around a field that holds “,”.",
    ),
    "ragged, too few": (
        "a.csv",
        HEADER + b"1,Hello,a\n2,Bye\n",
        "Line 3: The row has 2 fields, the header has 3. Write every column in each row.",
    ),
    "text after a quotation mark": (
        "a.csv",
        HEADER + b'1,Hello,a\n2,"Bye"x,a\n',
        'Line 3: A field goes on after its closing quotation mark. Inside a field write quotation marks twice ("").',
    ),
    "NUL in CSV": (
        "a.csv",
        HEADER + b"1,Hello,a\n2,B\0ye,b\n",
        "Line 3: “input” holds a NUL character. PostgreSQL cannot store it; remove it.",
    ),
    "NUL in JSONL": (
        "a.jsonl",
        GOOD + b'{"id":"b","input":"B\0ye","expected":"x"}\n',
        "Line 2: The line holds a NUL byte. Remove it, or export the file again.",
    ),
    "NUL, escaped": (
        "a.jsonl",
        GOOD + b'{"id":"b","input":"B\\u0000ye","expected":"x"}\n',
        "Line 2: “input” holds a NUL character after “B”. PostgreSQL cannot store it; remove it.",
    ),
    "lone surrogate": (
        "a.jsonl",
        GOOD + b'{"id":"b","input":"Bye \\ud83d","expected":"x"}\n',
        "Line 2: “input” holds half a character (the lone surrogate \\ud83d) after “Bye”. "
        "Remove it, or write both halves.",
    ),
    "NaN": (
        "a.jsonl",
        GOOD + b'{"id":"b","input":"Bye","expected":NaN}\n',
        "Line 2: “expected” holds NaN, which is not a number in JSON. Write null, or leave it out.",
    ),
    "Infinity": (
        "a.json",
        b"[" + GOOD + b',\n{"id":"b","input":"Bye","expected":-Infinity}]',
        "Line 3: “expected” holds -Infinity, which is not a number in JSON. Write null, or leave it out.",
    ),
    "number without end": (
        "a.jsonl",
        GOOD + b'{"id":"b","input":"Bye","expected":1e999}\n',
        "Line 2: “expected” holds the number “1e999”, which is too large. Write it in quotes, as text.",
    ),
    "nesting of 100,000": (
        "a.jsonl",
        GOOD + b'{"id":"b","input":"Bye","expected":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
        "Line 2: The value is nested more than 100 levels deep. Flatten it, or keep it as text.",
    ),
    "integer of 5,000 digits": (
        "a.jsonl",
        GOOD + b'{"id":"b","input":"Bye","expected":' + b"7" * 5000 + b"}\n",
        f"Line 2: “expected” holds an integer of 5,000 digits, “{'7' * 60}…”, which is larger than 64 bits. "
        "Write it in quotes, as text.",
    ),
    "integer of 5,000 digits in a list": (
        "a.json",
        b"[" + GOOD + b',{"id":"b","input":"Bye","expected":' + b"7" * 5000 + b"}]",
        f"Line 2: “expected” holds an integer of 5,000 digits, “{'7' * 60}…”, which is larger than 64 bits. "
        "Write it in quotes, as text.",
    ),
    "integer of 65 bits": (
        "a.jsonl",
        GOOD + b'{"id":"b","input":"Bye","expected":18446744073709551616}\n',
        "Line 2: “expected” holds an integer of 20 digits, “18446744073709551616”, which is larger than 64 bits. "
        "Write it in quotes, as text.",
    ),
    "duplicate id": (
        "a.jsonl",
        GOOD + b"\n" + GOOD,
        "Line 3: “id” is “a”, as in line 1 already. Give each row an id of its own.",
    ),
    "duplicate key": (
        "a.jsonl",
        GOOD + b'{"id":"b","input":"Hi","input":"Bye","expected":"x"}\n',
        "Line 2: The value holds the key “input” twice in one object. Remove or rename one of them.",
    ),
    "missing input": (
        "a.jsonl",
        GOOD + b'{"id":"b","expected":"x"}\n',
        "Line 2: “input” is missing. Add the input, or map another column to it.",
    ),
    "missing expected": (
        "a.jsonl",
        GOOD + b'{"id":"b","input":"Bye"}\n',
        "Line 2: “expected” is missing. Add the column, or map another one to it.",
    ),
    "CSV field of 200,000 characters": (
        "a.csv",
        HEADER + b"1,Hello,a\n2," + b"x" * 200_000 + b",b\n",
        "Line 3: “input” is 200,000 characters long; a CSV field may have 131,072. "
        "Shorten it, or upload the rows as JSONL.",
    ),
    "JSON text of 5 MB": (
        "a.jsonl",
        GOOD + b'{"id":"b","input":"' + b"x" * (5 << 20) + b'"}\n',
        "Line 2: “input” holds a text of 5,242,880 characters; at most 4,194,304 are read. Shorten it.",
    ),
    "line of 17 MB": (
        "a.jsonl",
        GOOD + b'{"id":"b","input":"' + b"x" * (17 << 20) + b'"}\n',
        "Line 2: The line is longer than 16 MB. Shorten it, or put a line end after each row.",
    ),
    "no object": (
        "a.jsonl",
        GOOD + b"[1]\n",
        'Line 2: The row is a list, not an object such as {"input": "…"}. Write one object a row.',
    ),
    "no JSON": (
        "a.jsonl",
        GOOD + b'{"id":"b", input: 1}\n',
        "Line 2: This is not valid JSON: expecting property name enclosed in double quotes at character 12, near "
        '“{"id":"b", input: 1}”.',
    ),
}


@pytest.mark.parametrize("fault", BAD_ROWS)
def test_a_row_that_cannot_be_read_is_listed_and_the_others_are_staged(tmp_path: Path, fault: str):
    name, content, sentence = BAD_ROWS[fault]
    path = tmp_path / "received"
    path.write_bytes(content)

    report = stage_file(path, name, "examples", PLAIN, tmp_path)

    assert report.sentences == [sentence]
    assert (report.rows_good, report.rows_bad) == (1, 1)
    assert sum(report.error_counts.values()) == 1
    assert len(read_staged(tmp_path / "staged", report.columns)) == 1
