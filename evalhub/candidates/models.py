"""Who is asked: endpoints, candidates, prices."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from evalhub.exact_json import ExactJSONField
from evalhub.projects.models import Project


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    def in_project(self, project: Project) -> EndpointQuerySet:
        return self.filter(project=project)


class Endpoint(models.Model):
    """An OpenAI-compatible base URL, its key and its limits."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="endpoints")
    name = models.CharField(max_length=100)
    base_url = models.CharField("base URL", max_length=500)
    key_encrypted = models.BinaryField(null=True, editable=False)
    key_ending = models.CharField(max_length=4, blank=True, editable=False)
    max_in_flight = models.PositiveIntegerField(
        "calls at once", default=16, validators=[MinValueValidator(1), MaxValueValidator(1000)]
    )
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    tokens_per_minute = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    timeout_seconds = models.PositiveIntegerField(
        "time limit of a call, in seconds", default=120, validators=[MinValueValidator(1), MaxValueValidator(3600)]
    )
    streams = models.BooleanField("stream the answers", default=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="one_endpoint_of_a_name")]

    def __str__(self) -> str:
        return self.name


class CandidateQuerySet(models.QuerySet["Candidate"]):
    def in_project(self, project: Project) -> CandidateQuerySet:
        return self.filter(project=project)

    def active(self) -> CandidateQuerySet:
        return self.filter(archived_at=None)


class Candidate(models.Model):
    """An endpoint with a model, a prompt and parameters: what is being judged. The baseline is a candidate too.

    A candidate without an endpoint stands for a model whose outputs are recorded elsewhere and uploaded.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="candidates")
    name = models.CharField(max_length=100)
    endpoint = models.ForeignKey(Endpoint, models.PROTECT, null=True, blank=True, related_name="candidates")
    model = models.CharField("model name", max_length=200, blank=True)
    system_prompt = models.TextField(blank=True)
    template = models.TextField(blank=True, help_text="Replaces the last user message; {{input}} stands for its text.")
    temperature = models.FloatField(null=True, blank=True, validators=[MinValueValidator(0), MaxValueValidator(2)])
    max_tokens = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    response_format = ExactJSONField(null=True, blank=True)
    tools = ExactJSONField(null=True, blank=True)
    input_price = models.DecimalField(
        "price of a million input tokens, US$",
        max_digits=12,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    output_price = models.DecimalField(
        "price of a million output tokens, US$",
        max_digits=12,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    is_baseline = models.BooleanField(default=False)
    archived_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = CandidateQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="one_candidate_of_a_name"),
            models.UniqueConstraint(fields=["project"], condition=models.Q(is_baseline=True), name="one_baseline"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_prices(self) -> bool:
        return self.input_price is not None and self.output_price is not None
