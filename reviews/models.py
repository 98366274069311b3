"""What did go wrong, and who says so: review rounds, items and labels."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from evalhub.projects.models import Project, User
from evalhub.runs.models import Output, Run
from taxonomy.models import ErrorType, Verdict


class RoundQuerySet(models.QuerySet["Round"]):
    def in_project(self, project: Project) -> RoundQuerySet:
        return self.filter(project=project)

    def open(self) -> RoundQuerySet:
        return self.filter(closed_at=None).exclude(filled_at=None)


class Round(models.Model):
    """Outputs that people read together: from which runs, for which reasons, by how many."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="rounds")
    name = models.CharField(max_length=100)
    runs = models.ManyToManyField(Run, related_name="rounds")
    guidelines = models.TextField(blank=True)
    is_blind = models.BooleanField("hide the candidates' names from reviewers", default=True)
    labels_wanted = models.PositiveIntegerField(default=1)
    selection = models.JSONField(default=dict, help_text="The reasons asked for, how many of each, the seed.")
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    filled_at = models.DateTimeField(null=True, help_text="When its items were chosen.")
    closed_at = models.DateTimeField(null=True)

    objects = RoundQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name


class Reason(models.TextChoices):
    """Why an output is a review item: a disagreement, or chance."""

    FAILED_CHECK = "failed_check", "Failed a check"
    DIFFERS = "differs_from_baseline", "Differs from the baseline"
    AUDIT = "audit", "Random audit of outputs that passed everything"


class ReviewItemQuerySet(models.QuerySet["ReviewItem"]):
    def in_project(self, project: Project) -> ReviewItemQuerySet:
        return self.filter(round__project=project)

    def wanting_labels(self) -> ReviewItemQuerySet:
        return self.filter(status__in=ReviewItem.WANTING)

    def without_label_of(self, reviewer: User) -> ReviewItemQuerySet:
        return self.exclude(Exists(Label.objects.filter(item=OuterRef("pk"), reviewer=reviewer)))

    def not_held_by_others(self, reviewer: User) -> ReviewItemQuerySet:
        """On the database's clock: claims end by themselves."""
        return self.filter(Q(claimed_until=None) | Q(claimed_until__lte=Now()) | Q(claimed_by=reviewer))


class ReviewItem(models.Model):
    """One output waiting for people, with every reason it is there.

    It is held by one person at a time, for a limited time, on the database's clock.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        IN_REVIEW = "in_review", "In review"
        CONTESTED = "contested", "Contested"
        SETTLED = "settled", "Settled"

    WANTING = (Status.WAITING, Status.IN_REVIEW)

    round = models.ForeignKey(Round, models.CASCADE, related_name="items", db_index=False)
    output = models.ForeignKey(Output, models.CASCADE, related_name="review_items")
    reasons = ArrayField(models.CharField(max_length=30, choices=Reason))
    inclusion_probability = models.FloatField(default=1.0)
    order = models.FloatField(help_text="Random, so that candidates and examples come mixed.")
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    claimed_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="claimed_items")
    claimed_until = models.DateTimeField(null=True)

    objects = ReviewItemQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["round", "output"], name="one_item_per_round_and_output")]
        indexes = [
            models.Index(
                fields=["round", "order"],
                condition=models.Q(status__in=["waiting", "in_review"]),
                name="item_open_in_order",
            ),
            models.Index(fields=["round", "status"], name="item_by_status"),
        ]


class Label(models.Model):
    """What one reviewer said: pass or fail, error types, note."""

    item = models.ForeignKey(ReviewItem, models.CASCADE, related_name="labels", db_index=False)
    reviewer = models.ForeignKey(User, models.PROTECT, related_name="labels")
    outcome = models.CharField(max_length=4, choices=Verdict.Outcome)
    error_types = models.ManyToManyField(ErrorType, related_name="labels", blank=True)
    note = models.TextField(blank=True, max_length=10_000)
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "reviewer"], name="one_label_per_item_and_reviewer")]
        indexes = [models.Index(fields=["reviewer", "-changed_at"], name="label_by_reviewer")]
