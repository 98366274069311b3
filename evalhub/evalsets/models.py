"""What is asked: uploads, production samples, eval sets, their versions and examples."""

from __future__ import annotations

import uuid
from pathlib import Path

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils import timezone

from evalhub.exact_json import ExactJSONField
from evalhub.projects.models import Project, User


class UploadQuerySet(models.QuerySet["Upload"]):
    def in_project(self, project: Project) -> UploadQuerySet:
        return self.filter(project=project)

    def unfinished(self) -> UploadQuerySet:
        """Those that wait for a person or for a worker: neither imported, refused nor thrown away."""
        return self.exclude(state__in=[Upload.State.DONE, Upload.State.REFUSED, Upload.State.CANCELLED])

    def waiting_in(self, project: Project, purpose: str, **target: int) -> UploadQuerySet:
        """Unfinished uploads of a purpose, for the page where they belong; ``target`` as in ``eval_set=pk``."""
        found = self.in_project(project).unfinished().filter(purpose=purpose, target__contains=target)
        return found.select_related("created_by")


class Upload(models.Model):
    """A file on its way in: received, mapped, checked row by row, confirmed, imported."""

    class Purpose(models.TextChoices):
        EXAMPLES = "examples", "Examples of an eval set"
        PRODUCTION_SAMPLES = "production_samples", "Production samples"
        OUTPUTS = "outputs", "Recorded outputs"
        LABELS = "labels", "Labels"

    class State(models.TextChoices):
        RECEIVED = "received", "Waiting for the mapping"
        CHECKING = "checking", "Checking the rows"
        CHECKED = "checked", "Waiting for confirmation"
        IMPORTING = "importing", "Importing"
        DONE = "done", "Imported"
        REFUSED = "refused", "Not readable"
        CANCELLED = "cancelled", "Cancelled"

    project = models.ForeignKey(Project, models.CASCADE, related_name="uploads")
    purpose = models.CharField(max_length=20, choices=Purpose)
    file_name = models.CharField(max_length=255, help_text="As the person's machine named it; shown, never a path.")
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    size = models.BigIntegerField("size in bytes")
    state = models.CharField(max_length=12, choices=State, default=State.RECEIVED)
    target = models.JSONField(default=dict, help_text="Where the rows go: eval set, or run's version and candidate.")
    preview = models.JSONField(default=dict)
    mapping = models.JSONField(default=dict)
    report = models.JSONField(default=dict, help_text="Of the check: counts by kind of fault, what was left out.")
    rows_good = models.IntegerField(default=0)
    rows_bad = models.IntegerField(default=0)
    errors = models.JSONField(default=list, help_text='The first ones: [{"line", "column", "reason"}].')
    facts = models.JSONField(default=dict, help_text="Of the stored samples: models, tags, metadata names, time span.")
    refusal = models.TextField(blank=True, help_text="Why the file as a whole could not be read.")
    rows_done = models.IntegerField(default=0)
    bytes_done = models.BigIntegerField(default=0, help_text="Of the staged file: where the import goes on.")
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    moved_at = models.DateTimeField(default=timezone.now, help_text="The last sign of life of the work on it.")
    finished_at = models.DateTimeField(null=True)

    objects = UploadQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    @property
    def folder(self) -> Path:
        return Path(settings.MEDIA_ROOT) / "uploads" / self.key.hex

    @property
    def stored_path(self) -> Path:
        return self.folder / "received"

    @property
    def staged_path(self) -> Path:
        return self.folder / "staged"

    @property
    def is_moving(self) -> bool:
        return self.state in {self.State.CHECKING, self.State.IMPORTING}


class ExpectedKind(models.TextChoices):
    NONE = "", "none given"
    TEXT = "text", "text"
    NUMBER = "number", "number"
    JSON = "json", "JSON"
    TOOL_CALLS = "tool_calls", "tool calls"


class ProductionSampleQuerySet(models.QuerySet["ProductionSample"]):
    def in_project(self, project: Project) -> ProductionSampleQuerySet:
        return self.filter(project=project)

    def in_pool(self, project: Project) -> ProductionSampleQuerySet:
        """The project's samples, without those of an upload that is being imported or was cancelled meanwhile."""
        halfway = Upload.objects.filter(
            project=project,
            purpose=Upload.Purpose.PRODUCTION_SAMPLES,
            state__in=[Upload.State.IMPORTING, Upload.State.CANCELLED],
        )
        return self.filter(project=project).exclude(upload__in=halfway)


class ProductionSample(models.Model):
    """One real request, with what production answered."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="production_samples")
    upload = models.ForeignKey(Upload, models.CASCADE, related_name="production_samples")
    key = models.CharField("id", max_length=200)
    occurred_at = models.DateTimeField(null=True)
    request = ExactJSONField()
    answer = models.TextField(blank=True)
    tool_calls = ExactJSONField(default=list)
    model = models.CharField(max_length=200, blank=True)
    latency_ms = models.FloatField(null=True)
    prompt_tokens = models.IntegerField(null=True)
    completion_tokens = models.IntegerField(null=True)
    tags = ArrayField(models.CharField(max_length=200), default=list)
    cluster = models.CharField(max_length=200, blank=True, help_text="Conversation, customer or document.")
    metadata = models.JSONField(default=dict)
    digest = models.BinaryField(max_length=32, help_text="SHA-256 of the request: equal requests have equal digests.")

    objects = ProductionSampleQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["project", "id"], name="sample_by_project"),
            models.Index(fields=["project", "digest"], name="sample_by_digest"),
            models.Index(fields=["project", "key"], name="sample_by_key"),
            models.Index(fields=["project", "model", "id"], name="sample_by_model"),
            models.Index(fields=["project", "occurred_at"], name="sample_by_time"),
            GinIndex(fields=["tags"], name="sample_by_tag"),
        ]

    def __str__(self) -> str:
        return self.key


class EvalSetQuerySet(models.QuerySet["EvalSet"]):
    def in_project(self, project: Project) -> EvalSetQuerySet:
        return self.filter(project=project)


class EvalSet(models.Model):
    """A named set of examples, in versions."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="eval_sets")
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = EvalSetQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="one_eval_set_of_a_name")]

    def __str__(self) -> str:
        return self.name


class VersionQuerySet(models.QuerySet["EvalSetVersion"]):
    def in_project(self, project: Project) -> VersionQuerySet:
        return self.filter(eval_set__project=project)

    def published(self) -> VersionQuerySet:
        return self.filter(state=EvalSetVersion.State.PUBLISHED)

    def readable(self) -> VersionQuerySet:
        """Those whose examples are all there: drafts and published ones."""
        return self.filter(state__in=[EvalSetVersion.State.DRAFT, EvalSetVersion.State.PUBLISHED])

    def listed(self) -> VersionQuerySet:
        return self.exclude(state=EvalSetVersion.State.DELETING)


class EvalSetVersion(models.Model):
    """The examples of an eval set at one time. Once published it is frozen and never changes."""

    class State(models.TextChoices):
        IMPORTING = "importing", "Importing"
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        DELETING = "deleting", "Being deleted"

    eval_set = models.ForeignKey(EvalSet, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.IMPORTING)
    upload = models.OneToOneField(Upload, models.SET_NULL, null=True, related_name="version")
    drawing = models.JSONField(default=dict, help_text="How it was drawn from production samples: seed, size, strata.")
    note = models.CharField(max_length=300, blank=True)
    example_count = models.IntegerField(default=0)
    content_hash = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the download.")
    facts = models.JSONField(default=dict, help_text="Counts over the examples, taken once when they were stored.")
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    published_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    published_at = models.DateTimeField(null=True)

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["eval_set", "number"], name="one_version_of_a_number")]

    def __str__(self) -> str:
        return f"{self.eval_set.name} v{self.number}"

    @property
    def is_published(self) -> bool:
        return self.state == self.State.PUBLISHED

    @property
    def is_publishing(self) -> bool:
        """Somebody asked for the publication and a worker has yet to do it."""
        return self.state == self.State.DRAFT and self.published_by_id is not None


class ExampleQuerySet(models.QuerySet["Example"]):
    def in_project(self, project: Project) -> ExampleQuerySet:
        return self.filter(version__eval_set__project=project)


class Example(models.Model):
    """One request with its known correct output and tags."""

    # The indexes of the constraints below begin with the version, so the foreign key needs none of its own. Nor a
    # constraint: PostgreSQL would check each row, a third of an import's time; the triggers of migrations 0003 and
    # 0005, which look at the version anyway, check each statement.
    version = models.ForeignKey(
        EvalSetVersion, models.CASCADE, related_name="examples", db_index=False, db_constraint=False
    )
    position = models.IntegerField()
    key = models.CharField("id", max_length=200)
    request = ExactJSONField()
    expected_kind = models.CharField(max_length=10, choices=ExpectedKind, blank=True)
    expected = ExactJSONField(null=True)
    tags = ArrayField(models.CharField(max_length=200), default=list)
    cluster = models.CharField(max_length=200, blank=True, help_text="Conversation, customer or document.")
    metadata = models.JSONField(default=dict)
    digest = models.BinaryField(
        max_length=32, help_text="SHA-256 of the line in the download: equal content, equal digest."
    )
    sample = models.ForeignKey(ProductionSample, models.SET_NULL, null=True, related_name="examples", db_index=False)
    inclusion_probability = models.FloatField(null=True, help_text="The chance that the draw had of taking it.")

    objects = ExampleQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["version", "position"], name="one_example_at_a_position"),
            models.UniqueConstraint(fields=["version", "key"], name="one_example_of_a_key"),
        ]
        indexes = [
            models.Index(fields=["sample"], condition=models.Q(sample__isnull=False), name="example_by_sample"),
        ]

    def __str__(self) -> str:
        return self.key


class CorrectionQuerySet(models.QuerySet["Correction"]):
    def in_project(self, project: Project) -> CorrectionQuerySet:
        return self.filter(example__version__eval_set__project=project)


class Correction(models.Model):
    """Somebody's word that an expected answer is wrong, and what it should be. A lead decides; nothing changes before.

    Accepted ones go into the next version of the eval set; the version that the example is of never changes.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACCEPTED = "accepted", "Accepted"
        REFUSED = "refused", "Refused"

    example = models.ForeignKey(Example, models.CASCADE, related_name="corrections")
    expected_kind = models.CharField(max_length=10, choices=ExpectedKind, blank=True)
    expected = ExactJSONField(null=True)
    is_open_ended = models.BooleanField(default=False, help_text="Wrong, but what is right was not said.")
    note = models.TextField(blank=True, max_length=10_000)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=500, blank=True, help_text="Why it was refused.")
    accepted_into = models.ForeignKey(EvalSetVersion, models.SET_NULL, null=True, related_name="corrections")

    objects = CorrectionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
