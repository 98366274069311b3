"""Files that are too large, unpack to too much, or are broken where their format hides it."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evalhub.evalsets.files.faults import UploadError
from evalhub.evalsets.files.limits import GB, Limits
from evalhub.evalsets.files.mapping import ExampleMapping
from evalhub.evalsets.files.staging import preview_file, stage_file
from tests.evalsets.files.staged import PLAIN

GOOD = b'{"id":"a","input":"Hello","expected":"x"}\n'


def test_a_file_of_1_gb_is_refused_by_its_size_alone(tmp_path: Path):
    path = tmp_path / "received"
    with path.open("wb") as sparse:
        sparse.truncate(GB)

    for read in (
        lambda: preview_file(path, "a.jsonl", "examples"),
        lambda: stage_file(path, "a.jsonl", "examples", PLAIN, tmp_path),
    ):
        with pytest.raises(UploadError) as refusal:
            read()
        assert (
            str(refusal.value)
            == "The file is 1 GB; at most 512 MB can be uploaded. Compress it with gzip, or split it."
        )


def test_a_gzip_bomb_with_few_zeros_meets_the_decoded_limit(tmp_path: Path):
    path = tmp_path / "received"
    path.write_bytes(gzip.compress(GOOD * 100_000))

    with pytest.raises(UploadError) as refusal:
        stage_file(path, "a.jsonl.gz", "examples", PLAIN, tmp_path, Limits(decoded_bytes=1 << 20))

    assert str(refusal.value) == "The file unpacks to more than 1 MB, which is the most that is read. Split it."


def test_a_parquet_bomb_is_refused_when_its_values_pass_the_limit(tmp_path: Path):
    path = write_bomb(tmp_path)
    assert path.stat().st_size < 1000
    assert pq.ParquetFile(path).metadata.row_group(0).total_byte_size < 2 << 20

    with pytest.raises(UploadError) as refusal:
        stage_file(
            path, "a.parquet", "examples", ExampleMapping(input="input"), tmp_path, Limits(decoded_bytes=GB // 2)
        )

    assert str(refusal.value) == (
        "Row 513 of 200,000: the file unpacks to more than 512 MB, which is the most that is read. Split it."
    )


def write_bomb(folder: Path) -> Path:
    """Write 200,000 times the same megabyte, by reference: 700 bytes that decode to 200 GB."""
    megabyte = pa.DictionaryArray.from_arrays(pa.array([0] * 200_000, pa.int32()), pa.array(["x" * 1_000_000]))
    path = folder / "bomb.parquet"
    pq.write_table(pa.table({"input": megabyte}), path, compression="zstd", store_schema=False, write_statistics=False)
    return path


def test_a_parquet_file_cut_short_is_refused(tmp_path: Path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"input": ["Hello"] * 1000}), path)
    os.truncate(path, 300)

    with pytest.raises(UploadError) as refusal:
        preview_file(path, "a.parquet", "examples")

    assert str(refusal.value).startswith("The Parquet file is damaged or cut short (")
    assert str(refusal.value).endswith("). Export and upload it again.")


def test_a_column_that_a_parquet_file_lacks_is_a_fault_of_the_file(tmp_path: Path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": ["a"], "input": [{"text": "Hello"}]}), path)
    mapping = ExampleMapping(input="input.text", expected="truth.answer", expected_kind="text")

    with pytest.raises(UploadError) as refusal:
        stage_file(path, "a.parquet", "examples", mapping, tmp_path)

    assert str(refusal.value) == (
        "The file has no column “truth.answer”. Add it, or choose one of “id”, “input”, “input.text”."
    )


def test_a_name_that_is_a_text_is_cut_in_the_list_of_errors(tmp_path: Path):
    path = tmp_path / "received"
    path.write_bytes(b'{"input":"Hello","' + b"x" * 5000 + b'":NaN}\n')

    report = stage_file(path, "a.jsonl", "examples", ExampleMapping(input="input"), tmp_path)

    assert [len(error["column"]) for error in report.errors] == [200]
    assert len(report.errors[0]["reason"]) < 200


def test_more_rows_than_are_read_are_refused(tmp_path: Path):
    path = tmp_path / "received"
    path.write_bytes(GOOD * 11)

    with pytest.raises(UploadError) as refusal:
        stage_file(path, "a.jsonl", "examples", PLAIN, tmp_path, Limits(rows=10))

    assert str(refusal.value) == "The file has more than 10 rows, which is the most that is read. Split it."


def test_only_the_first_errors_are_listed_but_all_are_counted(tmp_path: Path):
    path = tmp_path / "received"
    path.write_bytes(b'{"id":"a"}\n' * 250 + b"{}\n" * 50)

    report = stage_file(path, "a.jsonl", "examples", PLAIN, tmp_path)

    assert [error["line"] for error in report.errors] == list(range(1, 201))
    assert report.error_counts == {"Input is missing": 250, "Id is missing": 50}
    assert (report.rows_good, report.rows_bad, report.staged_bytes) == (0, 300, 0)
