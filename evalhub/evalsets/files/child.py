"""The child process that reads a file: ``python -m evalhub.evalsets.files.child``, a job in, answers out.

The job is one line of JSON on standard input; answers are lines of JSON on standard output: ``{"rows", "share"}`` while
it works, and at the end ``{"answer": …}`` or ``{"refused": sentence}``.
"""

from __future__ import annotations

import errno
import gc
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

import orjson

from evalhub.evalsets.files.faults import UploadError
from evalhub.evalsets.files.limits import GB, Limits, spell_size
from evalhub.evalsets.files.mapping import mapping_from_json

PR_SET_PDEATHSIG = 1
OPEN_FILES = 64
CPU_GRACE_SECONDS = 5
GARBAGE_THRESHOLD = 100_000  # rows make no cycles; looking for them at every 700 objects costs a tenth of the time
NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


def main() -> int:
    """Do the job on standard input and write its answer. Exits with 0 unless the fault is ours."""
    job = orjson.loads(sys.stdin.buffer.readline())
    _die_with(job["parent"])
    limits = Limits.from_json(job["limits"])
    _limit(limits)
    gc.set_threshold(GARBAGE_THRESHOLD)
    try:
        _write({"answer": _work(job, limits) | {"peak_memory_bytes": _peak_memory()}})
    except UploadError as refusal:
        _write({"refused": str(refusal)})
    except MemoryError:
        _write({"refused": no_memory(limits)})
    except OSError as error:
        _write({"refused": _no_space(error, limits)})
    return 0


def no_memory(limits: Limits) -> str:
    return (
        f"Reading the file needs more than {spell_size(limits.memory_bytes)} of memory, which is the most that it may "
        "take. Shorten its longest values, or split it."
    )


def _work(job: dict[str, Any], limits: Limits) -> dict[str, Any]:
    # Only now, under the limits.
    from evalhub.evalsets.files.previewing import preview
    from evalhub.evalsets.files.staged_file import stage

    path, name = Path(job["path"]), job["name"]
    mapping = mapping_from_json(job["mapping"]) if job["mapping"] else None
    if job["work"] == "preview":
        return preview(path, name, job["purpose"], mapping, limits).to_json()
    if mapping is None:
        raise UploadError("The columns are not mapped yet. Map them first.")
    return stage(path, name, mapping, Path(job["staged_path"]), limits, _show_progress).to_json()


def _show_progress(rows: int, share: float) -> None:
    _write({"rows": rows, "share": share})


def _write(answer: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()  # fails when the parent is gone, which ends the work where _die_with could not


def _die_with(parent: int) -> None:
    """Be killed when the parent's thread dies (Linux)."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(1)


def _limit(limits: Limits) -> None:
    """Take the limits upon this process, for good."""
    import resource

    for kind, most in (
        # Private writable memory is what the file makes grow; address space also counts what is only reserved.
        (resource.RLIMIT_DATA, limits.memory_bytes),
        (resource.RLIMIT_AS, limits.memory_bytes + GB),
        (resource.RLIMIT_CPU, limits.cpu_seconds + CPU_GRACE_SECONDS),
        (resource.RLIMIT_FSIZE, limits.staged_bytes),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # At the soft limit of computing comes SIGXCPU, which says why; at the hard one SIGKILL, which does not.
        soft = max(1, wanted - CPU_GRACE_SECONDS) if kind == resource.RLIMIT_CPU else wanted
        resource.setrlimit(kind, (soft, wanted))


def _peak_memory() -> int:
    """Return bytes; 0 where the system does not say."""
    try:  # not getrusage, which begins with the peak of the parent that was forked
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


def _no_space(error: OSError, limits: Limits) -> str:
    if error.errno in NO_SPACE:
        return "The server has no room left for the file. Ask an administrator to free some."
    if error.errno == errno.EFBIG:
        return f"The rows take more than {spell_size(limits.staged_bytes)}, the most that is kept. Split the file."
    raise error


if __name__ == "__main__":
    sys.exit(main())
