"""What can go wrong: error types; and what did, once settled: verdicts and findings."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from evalhub.projects.models import Project, User
from evalhub.runs.models import Output, Run


class Severity(models.TextChoices):
    MINOR = "minor", "Minor"
    MAJOR = "major", "Major"
    CRITICAL = "critical", "Critical"


class ErrorTypeQuerySet(models.QuerySet["ErrorType"]):
    def in_project(self, project: Project) -> ErrorTypeQuerySet:
        return self.filter(project=project)

    def active(self) -> ErrorTypeQuerySet:
        return self.filter(retired_at=None)


class ErrorType(models.Model):
    """An entry of the taxonomy: one way in which an output can be wrong."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="error_types")
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    code = models.SlugField(max_length=60, help_text="Its name in files.")
    name = models.CharField(max_length=80)
    definition = models.TextField(blank=True, max_length=1000)
    severity = models.CharField(max_length=10, choices=Severity, default=Severity.MAJOR)
    position = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True)

    objects = ErrorTypeQuerySet.as_manager()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [models.UniqueConstraint(fields=["project", "code"], name="one_error_type_of_a_code")]

    def __str__(self) -> str:
        return self.name


class Verdict(models.Model):
    """The one settled outcome of an output, from which all figures come.

    A narrow row, derived from the labels and written in the same transaction as the label that settled the output.
    """

    class Outcome(models.TextChoices):
        PASS = "pass", "Pass"
        FAIL = "fail", "Fail"

    output = models.OneToOneField(Output, models.CASCADE, related_name="verdict")
    run = models.ForeignKey(Run, models.CASCADE, related_name="verdicts", db_index=False)
    outcome = models.CharField(max_length=4, choices=Outcome)
    inclusion_probability = models.FloatField(
        null=True, help_text="The chance that the output had of being chosen for review."
    )
    settled_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", db_index=False, help_text="Who settled it over the labels."
    )
    why = models.TextField(blank=True, help_text="What that person said of it.")

    class Meta:
        indexes = [models.Index(fields=["run", "outcome"], name="verdict_by_run")]


class Finding(models.Model):
    """An error type that a settled verdict attaches to an output."""

    verdict = models.ForeignKey(Verdict, models.CASCADE, related_name="findings", db_index=False)
    error_type = models.ForeignKey(ErrorType, models.PROTECT, related_name="findings")
    run = models.ForeignKey(Run, models.CASCADE, related_name="findings", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["verdict", "error_type"], name="one_finding_of_an_error_type")]
        indexes = [models.Index(fields=["run", "error_type"], name="finding_by_run")]
