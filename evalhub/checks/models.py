"""How outputs are scored: the checks of an eval set and the scores they gave."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from evalhub.evalsets.models import EvalSet
from evalhub.projects.models import Project
from evalhub.runs.models import Output, Run


class CheckQuerySet(models.QuerySet["Check"]):
    def in_project(self, project: Project) -> CheckQuerySet:
        return self.filter(eval_set__project=project)

    def active(self) -> CheckQuerySet:
        return self.filter(retired_at=None)


class Check(models.Model):
    """An automatic test of the outputs of an eval set. It never changes: an edit retires it and makes another."""

    eval_set = models.ForeignKey(EvalSet, models.CASCADE, related_name="checks")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=30)
    parameters = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True)

    objects = CheckQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["eval_set", "name"], condition=models.Q(retired_at=None), name="one_active_check_of_a_name"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Score(models.Model):
    """What one check said of one output."""

    class Outcome(models.TextChoices):
        PASSED = "passed", "Passed"
        FAILED = "failed", "Failed"
        SKIPPED = "skipped", "Could not be checked"

    # The index of the constraint below begins with the output, so the foreign key needs none of its own.
    output = models.ForeignKey(Output, models.CASCADE, related_name="scores", db_index=False)
    by = models.ForeignKey(Check, models.CASCADE, related_name="scores", db_index=False, db_column="check_id")
    run = models.ForeignKey(Run, models.CASCADE, related_name="scores", db_index=False)
    outcome = models.CharField(max_length=7, choices=Outcome)
    cause = models.CharField(max_length=80, blank=True, help_text="The class of what went wrong.")
    message = models.TextField(blank=True, help_text="In plain language.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["output", "by"], name="one_score_per_output_and_check")]
        indexes = [
            models.Index(fields=["run", "by", "outcome", "cause"], name="score_by_run_and_check"),
            # Which outputs failed, without a look at the rows. Only of these: the one above is small as equal keys are
            # held once, and with the output none would be equal.
            models.Index(
                fields=["run", "by"],
                include=["output"],
                condition=models.Q(outcome="failed"),
                name="failed_by_run_and_check",
            ),
        ]


class CompleteScoring(models.Model):
    """A note that a check has scored every output of a run that is over, so that nobody needs to look again.

    It saves work and decides nothing: no figure reads it, and without it the rows are looked at once more. A run that
    is taken up again has another ``finished_at``, and the note is void.
    """

    run = models.ForeignKey(Run, models.CASCADE, related_name="+", db_index=False)
    by = models.ForeignKey(Check, models.CASCADE, related_name="+", db_column="check_id")
    finished_at = models.DateTimeField(help_text="The run's, when this was found.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "by"], name="one_note_per_run_and_check")]

    def __str__(self) -> str:
        return f"Run {self.run_id} by check {self.by_id}"
