"""What came back: runs, their chunks of work, and outputs."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from evalhub.candidates.models import Candidate, Endpoint
from evalhub.evalsets.models import EvalSetVersion, Example, Upload
from evalhub.exact_json import ExactJSONField
from evalhub.projects.models import Project, User


class RunQuerySet(models.QuerySet["Run"]):
    def in_project(self, project: Project) -> RunQuerySet:
        return self.filter(project=project)

    def finished(self) -> RunQuerySet:
        return self.filter(state=Run.State.FINISHED)


class Run(models.Model):
    """One candidate over one eval set version."""

    class Source(models.TextChoices):
        CALLED = "called", "Called"
        UPLOADED = "uploaded", "Uploaded"

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        FINISHED = "finished", "Finished"
        CANCELLED = "cancelled", "Cancelled"

    project = models.ForeignKey(Project, models.CASCADE, related_name="runs")
    version = models.ForeignKey(EvalSetVersion, models.PROTECT, related_name="runs")
    candidate = models.ForeignKey(Candidate, models.PROTECT, related_name="runs")
    source = models.CharField(max_length=10, choices=Source, default=Source.CALLED)
    upload = models.OneToOneField(Upload, models.SET_NULL, null=True, related_name="run")
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    state_reason = models.CharField(max_length=500, blank=True, help_text="Why it paused, in a sentence.")
    plan = ExactJSONField(default=dict, help_text="Frozen at the start: endpoint, model, prompt, parameters, prices.")
    repeats = models.PositiveIntegerField(default=1)
    budget = models.DecimalField(
        "budget, US$", max_digits=18, decimal_places=9, null=True, help_text="No call begins that could exceed it."
    )
    reserved = models.DecimalField(
        max_digits=18, decimal_places=9, db_default=0, help_text="What calls in flight could cost at most."
    )
    spent = models.DecimalField(
        max_digits=18, decimal_places=9, db_default=0, help_text="Of the budget; 0 in a run that has none."
    )
    reuses_outputs = models.BooleanField(
        db_default=False, help_text="Identical calls of earlier runs are not made again."
    )
    planned_outputs = models.IntegerField(help_text="Examples times repeats.")
    started_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    worked_at = models.DateTimeField(null=True, help_text="The last sign of life of a worker, on the database's clock.")
    waits_until = models.DateTimeField(null=True, help_text="The endpoint asked not to be called before.")

    figures = models.JSONField(default=dict, help_text="Counted once, when it finished; empty before. See figures.py.")

    is_announced: bool = True
    """False on the object just started or resumed if the queue could not be reached. Not stored."""

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["project", "-id"], name="run_by_project")]

    def __str__(self) -> str:
        return f"Run {self.pk}"

    @property
    def is_over(self) -> bool:
        return self.state in {self.State.FINISHED, self.State.CANCELLED}


class Chunk(models.Model):
    """Consecutive examples of a run, at one repeat: what a worker claims, with a lease and a fencing token."""

    class State(models.TextChoices):
        READY = "ready", "Ready"
        LEASED = "leased", "Leased"
        DONE = "done", "Done"
        QUARANTINED = "quarantined", "Quarantined"

    run = models.ForeignKey(Run, models.CASCADE, related_name="chunks")
    repeat = models.PositiveIntegerField(default=1)
    first_position = models.IntegerField()
    last_position = models.IntegerField(help_text="Inclusive.")
    state = models.CharField(max_length=12, choices=State, default=State.READY)
    token = models.BigIntegerField(
        default=0, help_text="Raised at each claim; a worker with an old one discards its work."
    )
    lease_until = models.DateTimeField(null=True)
    worker = models.CharField(max_length=200, blank=True)
    crashes = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(null=True, help_text="All that is left of it waits to be tried again.")
    retries = models.JSONField(
        default=dict, help_text="Of examples to be tried again: {example: [attempts so far, not before, as Unix time]}."
    )
    called = ArrayField(
        models.BigIntegerField(), db_default=[], help_text="Examples whose call may be under way; no answer is stored."
    )
    reserved = models.DecimalField(
        max_digits=18, decimal_places=9, db_default=0, help_text="Its part of what the run has reserved."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "repeat", "first_position"], name="one_chunk_at_a_position")
        ]
        indexes = [
            models.Index(fields=["run", "id"], condition=models.Q(state="ready"), name="chunk_ready"),
            models.Index(fields=["lease_until"], condition=models.Q(state="leased"), name="chunk_leased"),
        ]


class OutputQuerySet(models.QuerySet["Output"]):
    def in_project(self, project: Project) -> OutputQuerySet:
        return self.filter(run__project=project)


class Output(models.Model):
    """What a candidate returned for one example and one repeat; or the error that it ended in."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="outputs", db_index=False)  # see output_figures
    example = models.ForeignKey(Example, models.PROTECT, related_name="outputs")
    repeat = models.PositiveIntegerField(default=1)
    text = models.TextField(blank=True)
    tool_calls = ExactJSONField(default=list)
    finish_reason = models.CharField(max_length=40, blank=True)
    prompt_tokens = models.IntegerField(null=True)
    completion_tokens = models.IntegerField(null=True)
    cost = models.DecimalField("cost, US$", max_digits=16, decimal_places=9, null=True)
    first_token_ms = models.FloatField(null=True, help_text="Only where the answer was streamed.")
    total_ms = models.FloatField(null=True)
    attempts = models.PositiveIntegerField(default=1)
    error_cause = models.CharField(max_length=40, blank=True, help_text="The class of the failure; empty if answered.")
    error = models.TextField(blank=True, help_text="What went wrong, in a sentence.")
    raw = models.TextField(blank=True, help_text="What the endpoint sent when it could not be read; capped.")
    truncated = models.BooleanField(default=False, help_text="The text was longer than what is stored.")
    call_digest = models.BinaryField(
        max_length=16, null=True, help_text="Of endpoint, body and repeat: equal digest, identical call."
    )
    reused_from = models.BigIntegerField(null=True, help_text="The output of an earlier run that was taken over.")
    created_at = models.DateTimeField(default=timezone.now)

    objects = OutputQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "example", "repeat"], name="one_output_per_run_example_and_repeat")
        ]
        indexes = [
            models.Index(fields=["run", "error_cause"], condition=~models.Q(error_cause=""), name="output_errors"),
            models.Index(
                fields=["call_digest"],
                condition=models.Q(error_cause="", reused_from=None, call_digest__isnull=False),
                name="output_call_digest",
            ),
            # All that the page of a run adds up, so that it never reads the texts.
            models.Index(
                fields=["run", "id"],
                include=["error_cause", "cost", "first_token_ms", "total_ms", "attempts", "created_at"],
                name="output_figures",
            ),
        ]


class LostCall(models.Model):
    """A call whose answer nobody stored, since its worker was lost: it may have been billed."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="lost_calls")
    example = models.ForeignKey(Example, models.PROTECT, related_name="+")
    repeat = models.PositiveIntegerField()
    worker = models.CharField(max_length=200)
    lost_at = models.DateTimeField(default=timezone.now)


class Outage(models.Model):
    """An endpoint that answers no call any more: until a probe is answered, nothing else is asked of it."""

    endpoint = models.OneToOneField(Endpoint, models.CASCADE, related_name="outage")
    since = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=500, help_text="What went wrong last, in a sentence.")
    probe_at = models.DateTimeField(help_text="The next probe is due then; moved on by the one that makes it.")
    probes = models.PositiveIntegerField(default=0, help_text="That failed so far.")
