"""The door to this package: preview a file, and stage it, each in a child process with limits.

``stage_file`` leaves a file that COPY takes as it is (see ``copy_text``); a confirmation is no more than that COPY.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from evalhub.evalsets.files.blocks import check_stored_size
from evalhub.evalsets.files.child_process import OnProgress, ShouldStop, run_child
from evalhub.evalsets.files.limits import Limits
from evalhub.evalsets.files.mapping import Mapping, mapping_class
from evalhub.evalsets.files.report import LINES_NAME, Preview, StagingReport

PREVIEW_CPU_SECONDS = 20
PREVIEW_WALL_SECONDS = 30.0
STAGED_NAME = "staged"
DEFAULT_LIMITS = Limits()


def preview_file(
    path: Path, name: str, purpose: str, limits: Limits = DEFAULT_LIMITS, mapping: Mapping | None = None
) -> Preview:
    """Return the first rows of a file and a guessed mapping, or what is wrong with those rows under ``mapping``.

    ``name`` is what the person's machine called the file, ``purpose`` “examples”, “production_samples” or “outputs”.
    Raises UploadError, whose text is for the person.
    """
    mapping_class(purpose)
    check_stored_size(path, limits)
    short = dataclasses.replace(
        limits,
        cpu_seconds=min(limits.cpu_seconds, PREVIEW_CPU_SECONDS),
        wall_seconds=min(limits.wall_seconds, PREVIEW_WALL_SECONDS),
    )
    job = {
        "work": "preview",
        "path": str(path.resolve()),
        "name": name,
        "purpose": purpose,
        "mapping": mapping.to_json() if mapping else None,
    }
    answer = run_child(job, short)
    del answer["peak_memory_bytes"]
    return Preview(**answer)


def stage_file(
    path: Path,
    name: str,
    purpose: str,
    mapping: Mapping,
    target_dir: Path,
    limits: Limits = DEFAULT_LIMITS,
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop | None = None,
) -> StagingReport:
    """Check every row and write the good ones to ``target_dir/"staged"`` as COPY text; return the report.

    Beside it stands ``staged-lines``, which ``report.lines()`` reads: where each staged row was in the file.

    ``on_progress`` is told rows and share about twice a second, ``should_stop`` asked as often. Nothing is left in
    ``target_dir`` when this raises: UploadStopped after a stop, UploadError for a fault of the file.
    """
    if mapping.purpose != purpose:
        raise ValueError(f"a mapping for {mapping.purpose} cannot stage {purpose}")
    check_stored_size(path, limits)
    unfinished = target_dir.resolve() / f"{STAGED_NAME}.unfinished"
    job = {
        "work": "stage",
        "path": str(path.resolve()),
        "name": name,
        "purpose": purpose,
        "mapping": mapping.to_json(),
        "staged_path": str(unfinished),
    }
    staged = target_dir.resolve() / STAGED_NAME
    try:
        report = StagingReport(**run_child(job, limits, on_progress, should_stop))
        unfinished.replace(staged)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        unfinished.with_name(LINES_NAME).unlink(missing_ok=True)
        raise
    return dataclasses.replace(report, staged_path=str(staged))
