"""The child process that reads a file: what it may use, and every way it can end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evalhub.evalsets.files.faults import UploadError, UploadStopped
from evalhub.evalsets.files.limits import MB, Limits
from evalhub.evalsets.files.mapping import ExampleMapping
from evalhub.evalsets.files.staging import preview_file, stage_file
from tests.evalsets.files.staged import PLAIN

INPUT = ExampleMapping(input="input")
ROOT = Path(__file__).resolve().parents[3]
NO_MEMORY = (
    "Reading the file needs more than 128 MB of memory, which is the most that it may take. "
    "Shorten its longest values, or split it."
)


def write_many(folder: Path, rows: int = 1_000_000) -> Path:
    """Write a file that takes seconds to read."""
    path = folder / "received"
    with path.open("wb") as file:
        for start in range(0, rows, 1000):
            file.write(b"".join(b'{"id":%d,"input":"Hello","expected":"x"}\n' % n for n in range(start, start + 1000)))
    return path


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "evalhub.evalsets.files.child" in child.cmdline()]


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        os.sched_yield()


def test_a_file_is_staged_with_progress(tmp_path: Path):
    path = write_many(tmp_path, 100_000)
    seen: list[tuple[int, float]] = []

    report = stage_file(
        path, "a.jsonl", "examples", PLAIN, tmp_path, on_progress=lambda rows, share: seen.append((rows, share))
    )

    assert (report.rows_good, report.rows_bad, report.format) == (100_000, 0, "JSONL")
    assert report.staged_path == str(tmp_path / "staged")
    assert report.staged_bytes == (tmp_path / "staged").stat().st_size
    assert seen == sorted(seen)
    assert seen
    assert all(0 < rows < 100_000 and 0 < share <= 1 for rows, share in seen)
    assert 0 < report.peak_memory_bytes < 100 * MB
    assert children() == []


def test_the_line_of_each_staged_row_is_kept(tmp_path: Path):
    path = tmp_path / "received"
    path.write_text('id,input,expected\n1,"two\nlines",x\n2,,x\n\n3,Hello,x\n')

    report = stage_file(path, "a.csv", "examples", PLAIN, tmp_path)

    assert [error["line"] for error in report.errors] == [4]
    assert list(report.lines()) == [2, 6]


def test_a_preview_shows_the_first_rows_and_a_guess(tmp_path: Path):
    path = tmp_path / "received"
    path.write_text(
        'id,input,expected\n1,Hello,"x, y"\n2,"' + "long " * 100 + '",z\n3,"a"b,z\n,Bye,z\n' + "5,Bye,z\n" * 30
    )

    preview = preview_file(path, "a.csv", "examples")

    assert (preview.format, preview.delimiter, preview.unit, preview.is_gzip) == ("CSV", "“,”", "Line", False)
    assert preview.columns == ["id", "input", "expected"]
    assert preview.rows[0] == {"line": 2, "cells": {"id": "1", "input": "Hello", "expected": "x, y"}}
    assert preview.rows[1]["cells"]["input"] == ("long " * 100)[:300] + "…"
    assert preview.rows[2]["reason"].startswith("A field goes on after its closing quotation mark.")
    assert len(preview.rows) == 20
    assert preview.parsed_mapping == ExampleMapping(
        input="input", expected="expected", expected_kind="text", metadata=("id",)
    )
    assert preview.problems == []
    assert [error["line"] for error in preview.errors] == [4]


def test_a_preview_shows_what_is_wrong_under_a_given_mapping(tmp_path: Path):
    path = tmp_path / "received"
    path.write_text('{"id": "a", "input": "Hi", "expected": "x"}\n{"id": "a", "input": "Ho", "expected": "7"}\n')
    mapping = ExampleMapping(id="id", input="input", expected="expected", expected_kind="number")

    preview = preview_file(path, "a.jsonl", "examples", mapping=mapping)

    assert preview.parsed_mapping == mapping
    assert preview.errors == [
        {
            "line": 1,
            "column": "expected",
            "reason": "“expected”: “x” holds no number. Write exactly one, such as 18 or 1,200.50.",
        }
    ]


def test_reading_stops_when_it_is_asked_to(tmp_path: Path):
    path = write_many(tmp_path)
    seen: list[int] = []

    with pytest.raises(UploadStopped) as stop:
        stage_file(
            path,
            "a.jsonl",
            "examples",
            PLAIN,
            tmp_path,
            on_progress=lambda rows, share: seen.append(rows),
            should_stop=lambda: bool(seen),
        )

    assert str(stop.value) == "Reading the file was stopped."
    assert [item.name for item in tmp_path.iterdir()] == ["received"]
    assert children() == []


def test_reading_ends_at_the_time_limit(tmp_path: Path):
    path = write_many(tmp_path)

    with pytest.raises(UploadError) as refusal:
        stage_file(path, "a.jsonl", "examples", PLAIN, tmp_path, Limits(wall_seconds=0.5))

    assert str(refusal.value) == "Reading the file took longer than 0.5 s. Split it."
    assert [item.name for item in tmp_path.iterdir()] == ["received"]
    assert children() == []


def test_reading_ends_at_the_limit_of_computing(tmp_path: Path):
    path = write_many(tmp_path)

    with pytest.raises(UploadError) as refusal:
        stage_file(path, "a.jsonl", "examples", PLAIN, tmp_path, Limits(cpu_seconds=1))

    assert str(refusal.value) == "Reading the file took more than 1 s of computing time. Split it."
    assert [item.name for item in tmp_path.iterdir()] == ["received"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv"])
def test_a_row_that_grows_in_memory_ends_at_the_memory_limit(tmp_path: Path, name: str):
    path = tmp_path / "received"
    values = b"0.5," * 3_900_000 + b"1"
    path.write_bytes(
        {
            "a.jsonl": b'{"input":"Hi","x":[' + values + b"]}\n",
            "a.json": b'[{"input":"Hi","x":[' + values + b"]}]",
            "a.csv": b"input,x\n" + b'"' + b"a," * 60_000 + b'",x\n' + b"," * (15 << 20) + b"\n",
        }[name]
    )

    with pytest.raises(UploadError) as refusal:
        stage_file(path, name, "examples", INPUT, tmp_path, Limits(memory_bytes=128 * MB))

    assert str(refusal.value) == NO_MEMORY
    assert [item.name for item in tmp_path.iterdir()] == ["received"]


def test_a_parquet_value_that_grows_in_memory_ends_at_the_memory_limit(tmp_path: Path):
    path = tmp_path / "received"
    values = pa.DictionaryArray.from_arrays(pa.array([0, 0], pa.int32()), pa.array(["x" * 100_000_000]))
    pq.write_table(pa.table({"input": values}), path, compression="zstd", store_schema=False, write_statistics=False)
    assert path.stat().st_size < MB

    with pytest.raises(UploadError) as refusal:
        preview_file(path, "a.parquet", "examples", Limits(memory_bytes=128 * MB))

    assert str(refusal.value) == NO_MEMORY


def test_a_staged_file_that_grows_too_large_is_refused(tmp_path: Path):
    path = write_many(tmp_path, 200_000)

    with pytest.raises(UploadError) as refusal:
        stage_file(path, "a.jsonl", "examples", PLAIN, tmp_path, Limits(staged_bytes=2 * MB))

    assert str(refusal.value) == "The rows take more than 2 MB, the most that is kept. Split the file."
    assert [item.name for item in tmp_path.iterdir()] == ["received"]


def test_a_child_that_is_killed_is_explained(tmp_path: Path):
    path = write_many(tmp_path)

    with pytest.raises(UploadError) as refusal:
        stage_file(
            path,
            "a.jsonl",
            "examples",
            PLAIN,
            tmp_path,
            on_progress=lambda rows, share: [child.send_signal(signal.SIGSEGV) for child in children()],
        )

    assert str(refusal.value) == (
        "The reader crashed over the file (SIGSEGV), so the file is probably damaged. Export it again."
    )


def test_a_fault_of_ours_is_called_one(tmp_path: Path):
    with pytest.raises(UploadError) as refusal:
        preview_file(tmp_path, "a.jsonl", "examples")

    assert str(refusal.value) == (
        "The file could not be read, because of a fault in EvalHub. The server's log has the details."
    )


def test_the_child_knows_none_of_our_secrets_and_is_no_part_of_our_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("EVALHUB_SECRET_KEY", "s3cret")
    monkeypatch.setenv("DATABASE_URL", "postgres://user:s3cret@host/db")
    path = write_many(tmp_path)
    seen: list[dict[str, str]] = []
    groups: list[int] = []

    def look(rows: int, share: float) -> None:
        for child in children():
            seen.append(child.environ())
            groups.append(os.getpgid(child.pid))

    with pytest.raises(UploadStopped):
        stage_file(path, "a.jsonl", "examples", PLAIN, tmp_path, on_progress=look, should_stop=lambda: bool(seen))

    assert set(seen[0]) <= {
        "PATH", "LANG", "LC_CTYPE", "PYTHONPATH", "ARROW_DEFAULT_MEMORY_POOL", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"
    }  # fmt: skip
    assert groups[0] != os.getpgid(0)


PARENT = """
import sys
from pathlib import Path
from evalhub.evalsets.files.mapping import ExampleMapping
from evalhub.evalsets.files.staging import stage_file
folder = Path(sys.argv[1])
stage_file(folder / "received", "a.jsonl", "examples", ExampleMapping(input="input"), folder,
           on_progress=lambda rows, share: print(rows, flush=True))
"""


def test_the_child_dies_with_its_parent(tmp_path: Path):
    write_many(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, env={"PYTHONPATH": str(ROOT)}
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline()
        [child] = psutil.Process(parent.pid).children()
        child.suspend()  # so that it cannot notice by its next line of progress
        parent.kill()

    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_nothing_of_a_name_is_used_as_a_path(tmp_path: Path):
    path = tmp_path / "received"
    path.write_text("input\nHi\n")
    name = "../../etc/passwd\n; rm -rf.csv"

    report = stage_file(path, name, "examples", INPUT, tmp_path)

    assert report.rows_good == 1
    assert sorted(item.name for item in tmp_path.iterdir()) == ["received", "staged", "staged-lines"]
