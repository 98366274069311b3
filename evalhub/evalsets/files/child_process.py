"""Starting the child that reads a file, listening to it, and ending it: by its own word, by a limit, or by ours."""

from __future__ import annotations

import logging
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import orjson

import evalhub
from evalhub.evalsets.files.child import no_memory
from evalhub.evalsets.files.faults import UploadError, UploadStopped, shown
from evalhub.evalsets.files.limits import MB, Limits

PROJECT_FOLDER = Path(evalhub.__file__).parents[1]
TICK_SECONDS = 0.1
SECONDS_BETWEEN_QUESTIONS = 0.5  # should_stop may be a query
ANSWER_BYTES = 64 * MB
READ_BYTES = 1 << 16
STDERR_BYTES = 4096
logger = logging.getLogger(__name__)

OnProgress = Callable[[int, float], None]
ShouldStop = Callable[[], bool]


def run_child(
    job: dict[str, Any], limits: Limits, on_progress: OnProgress | None = None, should_stop: ShouldStop | None = None
) -> dict[str, Any]:
    """Return the child's answer to a job. Raises UploadError, in a sentence, however the child ends without one."""
    with tempfile.TemporaryFile() as errors:
        process = _start(job, limits, errors)
        try:
            answer = _listen(process, limits, on_progress, should_stop)
        finally:
            _end(process)
        if answer is None:
            raise _explain(process.returncode, errors, limits)
    if "refused" in answer:
        raise UploadError(str(answer["refused"]))
    found: dict[str, Any] = answer["answer"]
    return found


def _start(job: dict[str, Any], limits: Limits, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-s", "-P", "-m", "evalhub.evalsets.files.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        cwd="/",
        env=_environment(),
        process_group=0,
    )
    line = orjson.dumps({**job, "limits": limits.to_json(), "parent": os.getpid()}, option=orjson.OPT_APPEND_NEWLINE)
    try:
        process.stdin.write(line)  # type: ignore[union-attr]  # PIPE was asked for
        process.stdin.close()  # type: ignore[union-attr]  # PIPE was asked for
    except BrokenPipeError:  # it died at once; _explain says why
        pass
    return process


def _environment() -> dict[str, str]:
    """Return an environment without the keys and addresses in ours. One thread: threads cost memory by the core."""
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(PROJECT_FOLDER),
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }


def _listen(
    process: subprocess.Popen[bytes], limits: Limits, on_progress: OnProgress | None, should_stop: ShouldStop | None
) -> dict[str, Any] | None:
    """Return the last answer, None if the child ended without; raise UploadError when it must be ended."""
    pipe = process.stdout
    if pipe is None:
        raise ValueError("the child needs a pipe for its answers")
    deadline = time.monotonic() + limits.wall_seconds
    ask_at = 0.0
    waiting = b""
    answer: dict[str, Any] | None = None
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            now = time.monotonic()
            if now > deadline:
                raise UploadError(f"Reading the file took longer than {limits.wall_seconds:g} s. Split it.")
            if should_stop and now >= ask_at:
                ask_at = now + SECONDS_BETWEEN_QUESTIONS
                if should_stop():
                    raise UploadStopped("Reading the file was stopped.")
            if not selector.select(TICK_SECONDS):
                continue
            read = os.read(pipe.fileno(), READ_BYTES)
            if not read:
                return answer
            *lines, waiting = (waiting + read).split(b"\n")
            if len(waiting) > ANSWER_BYTES:
                raise UploadError("The preview of the file is too large to be shown. Shorten its values.")
            for line in lines:
                answer = _hear(line, on_progress) or answer


def _hear(line: bytes, on_progress: OnProgress | None) -> dict[str, Any] | None:
    message: dict[str, Any] = orjson.loads(line)
    if "share" not in message:
        return message
    if on_progress:
        on_progress(message["rows"], message["share"])
    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leave nothing behind of the child, whatever state it is in."""
    if process.stdout:
        process.stdout.close()
    if process.poll() is None:
        try:
            process.wait(TICK_SECONDS)  # it closes its pipe a moment before it ends
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _explain(code: int, errors: IO[bytes], limits: Limits) -> UploadError:
    """Return, in a sentence, why the child ended without an answer."""
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - STDERR_BYTES))
    last = errors.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
    logger.warning("the reader of a file ended with %s: %s", code, shown(last))
    if code == -signal.SIGXCPU:
        return UploadError(f"Reading the file took more than {limits.cpu_seconds} s of computing time. Split it.")
    if code in {-signal.SIGKILL, -signal.SIGABRT} or "MemoryError" in last or "bad_alloc" in last:
        return UploadError(no_memory(limits))
    if code < 0:
        name = signal.Signals(-code).name
        return UploadError(
            f"The reader crashed over the file ({name}), so the file is probably damaged. Export it again."
        )
    return UploadError("The file could not be read, because of a fault in EvalHub. The server's log has the details.")
