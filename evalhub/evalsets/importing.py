"""What the staged rows of an upload become: one class for each purpose, named in ``settings.UPLOAD_IMPORTS``.

``storing`` drives them. A staged row is a line of COPY text without the columns that only the database knows.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any, Protocol

from django.conf import settings
from django.db import connection
from django.urls import reverse
from django.utils.module_loading import import_string

from evalhub.evalsets.files.faults import UploadError
from evalhub.evalsets.files.report import StagingReport
from evalhub.evalsets.files.staged_file import staged_columns
from evalhub.evalsets.models import EvalSet, EvalSetVersion, ProductionSample, Upload
from evalhub.evalsets.pool import facts_of_upload
from evalhub.evalsets.publishing import freeze
from evalhub.evalsets.versions import begin_version, erase_version, settle_draft
from evalhub.projects.trail import record_event

ESCAPES = {b"t": b"\t", b"n": b"\n", b"r": b"\r"}
ESCAPED = re.compile(rb"\\(.)")
SAMPLES_ERASED_AT_ONCE = 20_000


class UploadImport(Protocol):
    """What happens to the rows of one upload. Every method but ``copy`` may be called again after a crash."""

    def __init__(self, upload: Upload) -> None: ...

    def check(self, report: StagingReport) -> list[dict[str, Any]]:
        """Return further errors of rows, ``{"line", "column", "reason"}``, that only the database can tell.

        With ``"kind"``, a short phrase, they are counted by it too.
        """

    def prepare(self) -> None:
        """Make the row that all others hang on, if it is not there."""

    def copy(self, cursor: Any, lines: list[bytes]) -> None:
        """Store staged lines, inside the caller's transaction."""

    def finish(self) -> None:
        """All rows are there: count, open them for reading. Inside the caller's transaction."""

    def discard(self) -> None:
        """Leave nothing of what was stored."""

    def page(self) -> str:
        """Return the path of the page that shows what came of it."""


def importer_of(upload: Upload) -> UploadImport:
    importer: UploadImport = import_string(settings.UPLOAD_IMPORTS[upload.purpose])(upload)
    return importer


class ExamplesImport:
    """Rows become the examples of a new version. ``target``: ``{"eval_set": id, "publish": bool}``."""

    def __init__(self, upload: Upload) -> None:
        self.upload = upload

    @cached_property
    def version(self) -> EvalSetVersion | None:
        return EvalSetVersion.objects.select_related("eval_set__project").filter(upload=self.upload).first()

    def check(self, report: StagingReport) -> list[dict[str, Any]]:
        return []

    def prepare(self) -> None:
        if self.version is None:
            eval_set = EvalSet.objects.in_project(self.upload.project).filter(pk=self.upload.target["eval_set"]).first()
            if eval_set is None:
                raise UploadError("The eval set is not there any more. Make one, and upload the file again.")
            self.version = begin_version(eval_set, self.upload.created_by, upload=self.upload)

    def copy(self, cursor: Any, lines: list[bytes]) -> None:
        if self.version is None:
            raise ValueError("prepare() makes the version that rows are copied to")
        copy_lines(cursor, "evalsets_example", self.upload.purpose, {"version_id": self.version.pk}, lines)

    def finish(self) -> None:
        if self.version is None:
            return
        version = EvalSetVersion.objects.select_for_update(of=("self",)).get(pk=self.version.pk)
        user = self.upload.created_by
        record_event(self.upload.project, user, "uploaded examples as", f"{version}, from {self.upload.file_name}")
        if self.upload.target.get("publish"):
            version.published_by = user
            freeze(version, self.upload.report.get("content_hash", ""))
        else:
            settle_draft(version)
        if version.example_count != self.upload.rows_good:
            raise UploadError("Not all rows arrived, so none of them were kept. Upload the file again.")

    def discard(self) -> None:
        versions = EvalSetVersion.objects.filter(upload=self.upload, state=EvalSetVersion.State.IMPORTING)
        versions.update(state=EvalSetVersion.State.DELETING)
        for pk in EvalSetVersion.objects.filter(upload=self.upload).values_list("pk", flat=True):
            erase_version(pk)

    def page(self) -> str:
        slug = self.upload.project.slug
        if self.version is None:
            return reverse("evalsets:show", args=[slug, self.upload.target["eval_set"]])
        return reverse("evalsets:version", args=[slug, self.version.pk])


class ProductionSamplesImport:
    """Rows become samples of the project's pool. A sample whose id the pool has already is left out, not doubled."""

    def __init__(self, upload: Upload) -> None:
        self.upload = upload

    def check(self, report: StagingReport) -> list[dict[str, Any]]:
        return []

    def prepare(self) -> None:
        pass  # the samples hang on the upload itself

    def copy(self, cursor: Any, lines: list[bytes]) -> None:
        if self.upload.mapping.get("id"):
            lines = self._without_known(lines)
        leading = {"project_id": self.upload.project_id, "upload_id": self.upload.pk}
        copy_lines(cursor, "evalsets_productionsample", self.upload.purpose, leading, lines)

    def _without_known(self, lines: list[bytes]) -> list[bytes]:
        # By id, not by content: the same question asked twice is two samples, the same file sent twice is not.
        keys = [unescape(line.partition(b"\t")[0]).decode() for line in lines]
        known = set(
            ProductionSample.objects.in_project(self.upload.project)
            .filter(key__in=keys)
            .exclude(upload=self.upload)
            .values_list("key", flat=True)
        )
        return [line for key, line in zip(keys, lines, strict=True) if key not in known] if known else lines

    def finish(self) -> None:
        self.upload.facts = facts_of_upload(self.upload)
        subject = f"{self.upload.facts['samples']:,} from {self.upload.file_name}"
        record_event(self.upload.project, self.upload.created_by, "uploaded production samples", subject)

    def discard(self) -> None:
        while True:
            with connection.cursor() as cursor:
                cursor.execute(
                    "DELETE FROM evalsets_productionsample WHERE id IN "
                    "(SELECT id FROM evalsets_productionsample WHERE upload_id = %s LIMIT %s)",
                    [self.upload.pk, SAMPLES_ERASED_AT_ONCE],
                )
                if cursor.rowcount < SAMPLES_ERASED_AT_ONCE:
                    return

    def page(self) -> str:
        return reverse("evalsets:samples", args=[self.upload.project.slug])


def copy_lines(cursor: Any, table: str, purpose: str, leading: dict[str, int], lines: list[bytes]) -> None:
    """COPY staged lines of a purpose into a table, with the ``leading`` columns before each."""
    columns = ", ".join([*leading, *staged_columns(purpose)])
    prefix = b"".join(b"%d\t" % value for value in leading.values())
    with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
        copy.write(b"".join(prefix + line for line in lines))


def unescape(value: bytes) -> bytes:
    """Undo ``copy_text.escape``."""
    return ESCAPED.sub(lambda found: ESCAPES.get(found[1], found[1]), value) if b"\\" in value else value
