"""What leaves: exports, each a file of rows that one person asked for."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from evalhub.projects.models import Project, User

TAKEN_UP_WITHIN = timedelta(seconds=30)


class ExportQuerySet(models.QuerySet["Export"]):
    def in_project(self, project: Project) -> ExportQuerySet:
        return self.filter(project=project)

    def of_person(self, project: Project, user: User) -> ExportQuerySet:
        """Those that the person asked for in this project: nobody else sees them."""
        return self.filter(project=project, made_by=user)

    def unfinished(self) -> ExportQuerySet:
        return self.filter(state__in=[Export.State.WAITING, Export.State.WORKING])


class Export(models.Model):
    """Rows of one kind as a file: asked for, prepared, kept for some days, removed."""

    class Format(models.TextChoices):
        JSONL = "jsonl", "JSONL"
        CSV = "csv", "CSV"
        PARQUET = "parquet", "Parquet"
        LABEL_STUDIO = "label_studio", "Label Studio JSON"
        OPENINFERENCE = "openinference", "OpenInference annotations"

    ENDINGS: ClassVar[dict[str, str]] = {Format.LABEL_STUDIO: "json", Format.OPENINFERENCE: "jsonl"}
    """Of the file's name, where it is not the format's own."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting for a worker"
        WORKING = "working", "Being prepared"
        DONE = "done", "Ready"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    project = models.ForeignKey(Project, models.CASCADE, related_name="exports", db_index=False)
    kind = models.CharField(max_length=30, help_text="A key of settings.EXPORTS.")
    format = models.CharField(max_length=20, choices=Format)
    filters = models.JSONField(default=dict, help_text="As in the address of the page that it starts from.")
    description = models.TextField(blank=True, help_text="The filters in words, with the names of that day.")
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False, help_text="Names its folder.")
    token = models.BigIntegerField(default=0, help_text="Raised at each claim; a worker with an old one stops.")
    attempts = models.PositiveIntegerField(default=0, help_text="How often a worker began.")
    rows_done = models.BigIntegerField(default=0)
    rows_total = models.BigIntegerField(null=True, help_text="None: not counted yet.")
    bytes = models.BigIntegerField(default=0)
    name = models.CharField(max_length=200, help_text="Of the download; made of kind and ids only.")
    error = models.TextField(blank=True, help_text="Why there is no file, in a sentence.")
    created_at = models.DateTimeField(default=timezone.now)
    moved_at = models.DateTimeField(default=timezone.now, help_text="The last sign of life, on the database's clock.")
    finished_at = models.DateTimeField(null=True)

    objects = ExportQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["project", "made_by", "-id"], name="export_by_person"),
            models.Index(
                fields=["moved_at"], condition=models.Q(state__in=["waiting", "working"]), name="export_unfinished"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def folder(self) -> Path:
        return Path(settings.MEDIA_ROOT) / "exports" / self.key.hex

    @property
    def path(self) -> Path:
        """Of the finished file."""
        return self.folder / "file"

    @property
    def title(self) -> str:
        """The kind in words."""
        return self.kind.replace("_", " ").capitalize()

    @property
    def ending(self) -> str:
        return self.ENDINGS.get(self.format, self.format)

    @property
    def is_done(self) -> bool:
        return self.state == self.State.DONE

    @property
    def is_left_waiting(self) -> bool:
        """Whether it waits for longer than a worker that is there would let it."""
        return self.state == self.State.WAITING and timezone.now() - self.created_at > TAKEN_UP_WITHIN

    @property
    def is_moving(self) -> bool:
        """Whether a worker has it in hand, or is to take it."""
        return self.state in {self.State.WAITING, self.State.WORKING}
