"""What can go wrong: error types; and what did, once settled: verdicts and findings."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from evalhub.checks.models import Check
from evalhub.evalsets.models import Example
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
    """An entry of the taxonomy: one way in which an output can be wrong.

    It is never deleted, and findings keep the type they were given: what it counts towards is read from the tree of a
    TaxonomyVersion, so that every change can be undone and an old report computed again.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="error_types")
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    code = models.SlugField(max_length=60, help_text="Its name in files.")
    name = models.CharField(max_length=80)
    definition = models.TextField(blank=True, max_length=1000)
    not_this_if = models.TextField(blank=True, max_length=1000, help_text="When it is another type, or none.")
    severity = models.CharField(max_length=10, choices=Severity, default=Severity.MAJOR)
    owner = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", help_text="Who is asked when it is unclear."
    )
    position = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True, help_text="Since when it is not offered any more.")
    merged_into = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        related_name="merged",
        help_text="Its findings count as this type's. A merged type is retired too.",
    )

    objects = ErrorTypeQuerySet.as_manager()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "code"], name="one_error_type_of_a_code"),
            models.CheckConstraint(
                condition=models.Q(merged_into=None) | models.Q(retired_at__isnull=False), name="merged_is_retired"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class TypeExample(models.Model):
    """An output that shows what an error type is, or what it is not."""

    error_type = models.ForeignKey(ErrorType, models.CASCADE, related_name="examples")
    output = models.ForeignKey(Output, models.CASCADE, related_name="+")
    is_included = models.BooleanField(help_text="Whether the output has the error, or only looks as if.")
    note = models.CharField(max_length=500, blank=True)
    added_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    added_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["error_type", "output"], name="one_example_of_an_output")]


class TaxonomyVersion(models.Model):
    """The tree of error types as it was from one change to the next. Rows are added, never changed.

    ``tree``: a list of objects, one for each error type of the project, retired ones too, in the order of ``position``:
    ``{"id", "parent", "code", "name", "definition", "not_this_if", "severity", "owner", "position", "is_retired",
    "merged_into"}``, keys of types and people as numbers, or null. The newest one says the same as the ErrorType rows.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="taxonomy_versions")
    number = models.PositiveIntegerField()
    tree = models.JSONField()
    change = models.CharField(max_length=500, help_text="What was changed, in a sentence.")
    why = models.CharField(max_length=500, blank=True)
    made_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="one_taxonomy_version_of_a_number")]


class SeverityWeights(models.Model):
    """How much worse a critical failure is than a minor one. Without a row a project has the defaults."""

    project = models.OneToOneField(Project, models.CASCADE, related_name="severity_weights")
    minor = models.FloatField(default=1.0)
    major = models.FloatField(default=3.0)
    critical = models.FloatField(default=10.0)


class Source(models.TextChoices):
    """Who says that an output has an error: people, or a check that is certain."""

    PEOPLE = "people", "People"
    CHECK = "check", "Check"


class CheckMeaning(models.Model):
    """What failing a check means: an output that fails it, by this cause, has this error type, without anybody's word.

    ``cause``: as in Score. One without the field that it may name stands for that cause with any field, and "" for
    every cause of the check; the longest that fits counts. Without a row a failure means nothing, until people say so.
    """

    by = models.ForeignKey(Check, models.CASCADE, related_name="meanings", db_column="check_id")
    cause = models.CharField(max_length=80, blank=True)
    error_type = models.ForeignKey(ErrorType, models.PROTECT, related_name="meanings")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["by", "cause"], name="one_meaning_of_a_cause")]


class FindingNote(models.Model):
    """A note that the verdicts of a run were brought in line with what its checks found, and by which meanings.

    It saves work, tells how far a change of meanings has come, and decides nothing: without it the rows are looked at
    once more.
    """

    run = models.OneToOneField(Run, models.CASCADE, related_name="+")
    meanings = models.CharField(max_length=32, help_text="A digest of the meanings of the eval set's active checks.")
    finished_at = models.DateTimeField(null=True, help_text="The run's; none while outputs or scores may still come.")


class FindingSet(models.Model):
    """Which error types outputs have: one row for each combination that occurs, so that figures count numbers.

    ``people``, ``checks``: sorted keys of the error types that people said, and that checks found.
    """

    people = ArrayField(models.BigIntegerField())
    checks = ArrayField(models.BigIntegerField())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["people", "checks"], name="one_finding_set_of_its_types")]


class VerdictQuerySet(models.QuerySet["Verdict"]):
    def by_people(self) -> VerdictQuerySet:
        """Those that people settled, not the checks alone."""
        return self.filter(source=Source.PEOPLE)


class Verdict(models.Model):
    """The one settled outcome of an output, from which all figures come.

    A narrow row. Where people settled the output it is derived from the labels, and written in the same transaction as
    the label that settled it; what checks found stands beside what they said, unless they said that it passes. Where
    nobody did it is there if a certain check failed (``source`` is then the check), and its outcome is a fail.
    """

    class Outcome(models.TextChoices):
        PASS = "pass", "Pass"
        FAIL = "fail", "Fail"

    output = models.OneToOneField(Output, models.CASCADE, related_name="verdict")
    run = models.ForeignKey(Run, models.CASCADE, related_name="verdicts", db_index=False)
    example = models.ForeignKey(
        Example, models.CASCADE, related_name="+", db_index=False, help_text="The output's, for pairs."
    )
    repeat = models.PositiveSmallIntegerField(help_text="The output's, for pairs.")
    source = models.CharField(max_length=6, choices=Source)
    outcome = models.CharField(max_length=4, choices=Outcome)
    found = models.ForeignKey(
        FindingSet, models.PROTECT, related_name="+", db_index=False, help_text="The findings, as one number."
    )
    inclusion_probability = models.FloatField(
        null=True, help_text="The chance that the output had of being chosen for review."
    )
    failing_step = models.PositiveIntegerField(null=True, help_text="The first step that went wrong, as in labels.")
    settled_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", db_index=False, help_text="Who settled it over the labels."
    )
    why = models.TextField(blank=True, help_text="What that person said of it.")

    objects = VerdictQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["run", "source", "outcome", "found", "inclusion_probability"], name="verdict_tally"),
            models.Index(
                fields=["run", "example", "repeat"], include=["source", "outcome", "found"], name="verdict_pair"
            ),
        ]


class Finding(models.Model):
    """An error type that a settled verdict attaches to an output.

    People and a check may both attach the same one; then there are two rows.
    """

    verdict = models.ForeignKey(Verdict, models.CASCADE, related_name="findings", db_index=False)
    error_type = models.ForeignKey(ErrorType, models.PROTECT, related_name="findings")
    run = models.ForeignKey(Run, models.CASCADE, related_name="findings", db_index=False)
    source = models.CharField(max_length=6, choices=Source)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["verdict", "error_type", "source"], name="one_finding_of_a_source")
        ]
        indexes = [models.Index(fields=["run", "error_type"], name="finding_by_run")]
