"""Outputs that were recorded elsewhere, uploaded as a run: no call is made. See ``evalhub.evalsets.importing``."""

from __future__ import annotations

from collections.abc import Set
from functools import cached_property
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.urls import reverse

from evalhub.candidates.models import Candidate
from evalhub.evalsets.files.faults import UploadError, shown
from evalhub.evalsets.files.report import StagingReport
from evalhub.evalsets.files.staged_file import staged_columns
from evalhub.evalsets.importing import unescape
from evalhub.evalsets.models import EvalSetVersion, Upload
from evalhub.projects.trail import record_event
from evalhub.runs.causes import RECORDED
from evalhub.runs.figures import keep_figures
from evalhub.runs.models import Run
from evalhub.runs.waking import announce_outputs

MOST_REPEATS = 100
OUTPUTS_ERASED_AT_ONCE = 20_000

STAGED_TABLE = """
CREATE TEMPORARY TABLE staged_outputs (
    key text, repeat int, text text, tool_calls json, finish_reason text, prompt_tokens int, completion_tokens int,
    cost numeric(16, 9), first_token_ms float8, total_ms float8, error text
)
"""
INSERT_STAGED = """
INSERT INTO runs_output (
    run_id, example_id, repeat, text, tool_calls, finish_reason, prompt_tokens, completion_tokens, cost,
    first_token_ms, total_ms, attempts, error_cause, error, raw, truncated, created_at
)
SELECT %(run)s, example.id, staged.repeat, staged.text, staged.tool_calls, staged.finish_reason, staged.prompt_tokens,
    staged.completion_tokens, staged.cost, staged.first_token_ms, staged.total_ms, 1,
    CASE WHEN staged.error = '' THEN '' ELSE %(recorded)s END, staged.error, '', false, clock_timestamp()
FROM staged_outputs AS staged
JOIN evalsets_example AS example ON example.version_id = %(version)s AND example.key = staged.key
WHERE staged.repeat <= %(most)s
ON CONFLICT (run_id, example_id, repeat) DO NOTHING
"""


class OutputsImport:
    """Rows become the outputs of a new run. ``target``: ``{"version": id, "candidate": id}``, or ``"candidate_name"``
    in place of the id for a candidate that is made with the run."""

    def __init__(self, upload: Upload) -> None:
        self.upload = upload

    @cached_property
    def run(self) -> Run | None:
        runs = Run.objects.select_related("project", "candidate", "version__eval_set")
        return runs.filter(upload=self.upload).first()

    @cached_property
    def version(self) -> EvalSetVersion:
        versions = EvalSetVersion.objects.in_project(self.upload.project).published().select_related("eval_set")
        version = versions.filter(pk=self.upload.target["version"]).first()
        if version is None:
            raise UploadError("The eval set version is not there any more. Choose another, and upload the file again.")
        return version

    def check(self, report: StagingReport) -> list[dict[str, Any]]:
        """Errors of rows whose example is not in the version, or whose repeat is too high, each with its line."""
        keys = set(self.version.examples.values_list("key", flat=True))
        column = self.upload.mapping["id"]
        with Path(report.staged_path).open("rb") as staged:
            return [
                {"line": line, "column": column, "reason": f"{shown(column)} {reason}"}
                for line, row in zip(report.lines(), staged, strict=True)
                if (reason := self.fault_of(row, keys))
            ]

    def fault_of(self, staged: bytes, keys: Set[str]) -> str:
        """What is wrong with the example that a staged row names; "" if nothing is."""
        key, repeat = identity_of(staged)
        if key not in keys:
            where = f"is {shown(key)}, which is no example of {self.version}."
            return f"{where} Correct the id, or choose the version that has it."
        return (
            f"is {shown(key)} with repeat {repeat:,}; at most {MOST_REPEATS} are kept." if repeat > MOST_REPEATS else ""
        )

    def prepare(self) -> None:
        if self.run is not None:
            return
        candidate = self.candidate()
        self.run = Run.objects.create(
            project=self.upload.project,
            version=self.version,
            candidate=candidate,
            source=Run.Source.UPLOADED,
            upload=self.upload,
            plan={
                "name": candidate.name,
                "file": self.upload.file_name,
                "eval_set_version": str(self.version),
                "content_hash": self.version.content_hash,
            },
            planned_outputs=self.version.example_count,
            started_by=self.upload.created_by,
        )

    def candidate(self) -> Candidate:
        project, target = self.upload.project, self.upload.target
        if name := target.get("candidate_name"):
            return Candidate.objects.get_or_create(project=project, name=name)[0]
        candidate = Candidate.objects.in_project(project).filter(pk=target["candidate"]).first()
        if candidate is None:
            raise UploadError("The candidate is not there any more. Choose another, and upload the file again.")
        return candidate

    def copy(self, cursor: Any, lines: list[bytes]) -> None:
        if self.run is None:
            raise ValueError("prepare() makes the run that rows are copied to")
        cursor.execute(STAGED_TABLE)
        with cursor.copy(f"COPY staged_outputs ({', '.join(staged_columns(self.upload.purpose))}) FROM STDIN") as copy:
            copy.write(b"".join(lines))
        parameters = {"run": self.run.pk, "version": self.version.pk, "recorded": RECORDED, "most": MOST_REPEATS}
        cursor.execute(INSERT_STAGED, parameters)
        cursor.execute("DROP TABLE staged_outputs")

    def finish(self) -> None:
        if self.run is None:
            return
        repeats = self.run.outputs.aggregate(most=Max("repeat"))["most"] or 1
        Run.objects.filter(pk=self.run.pk).update(
            state=Run.State.FINISHED,
            finished_at=Now(),
            repeats=repeats,
            planned_outputs=self.version.example_count * repeats,
        )
        keep_figures([self.run.pk])
        subject = f"{self.run.candidate} on {self.version} (run {self.run.pk})"
        record_event(self.upload.project, self.upload.created_by, "uploaded recorded outputs of", subject)
        run_id = self.run.pk
        transaction.on_commit(lambda: announce_outputs(run_id))

    def discard(self) -> None:
        """Remove the run unless it is finished, in small transactions: it may be large."""
        for run_id in Run.objects.filter(upload=self.upload, finished_at=None).values_list("pk", flat=True):
            while erase_outputs(run_id):
                pass
            Run.objects.filter(pk=run_id).delete()

    def page(self) -> str:
        slug = self.upload.project.slug
        if self.run is None:
            return reverse("runs:upload", args=[slug])
        return reverse("runs:show", args=[slug, self.run.pk])


def identity_of(line: bytes) -> tuple[str, int]:
    """Id and repeat of a staged line."""
    key, _, rest = line.partition(b"\t")
    return unescape(key).decode(), int(rest.partition(b"\t")[0])


def erase_outputs(run_id: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM runs_output WHERE id IN (SELECT id FROM runs_output WHERE run_id = %s LIMIT %s)",
            [run_id, OUTPUTS_ERASED_AT_ONCE],
        )
        return int(cursor.rowcount)
