"""What did go wrong, and who says so: review rounds, items, labels and decisions."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef
from django.db.models.functions import Lower
from django.utils import timezone

from evalhub.projects.models import Project, User
from evalhub.runs.models import Output, Run
from taxonomy.models import ErrorType, Severity, Verdict


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
    reviewers = models.ManyToManyField(
        User, related_name="rounds", blank=True, help_text="Who may label; nobody named: every member."
    )
    guidelines = models.TextField(blank=True)
    is_blind = models.BooleanField("hide the candidates' names from reviewers", default=True)
    hides_types = models.BooleanField("open coding: pass or fail and a note, no error types", default=False)
    is_practice = models.BooleanField("known items with feedback after each label", default=False)
    contests_types = models.BooleanField("different error types contest an item too", default=True)
    labels_wanted = models.PositiveIntegerField(default=1)
    shared_percent = models.PositiveSmallIntegerField(
        default=100, help_text="Of the items that want labels_wanted labels; the others want one."
    )
    selection = models.JSONField(default=dict, help_text="The reasons asked for, how many of each, the seed.")
    item_count = models.IntegerField(default=0)
    labels_planned = models.IntegerField(default=0, help_text="The labels that all its items want together.")
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    filled_at = models.DateTimeField(null=True, help_text="When its items were chosen.")
    closed_at = models.DateTimeField(null=True)

    objects = RoundQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def types_contest(self) -> bool:
        """Whether labels that differ in their error types alone contest an item: not where nobody could choose any."""
        return self.contests_types and not self.hides_types


class Seat(models.Model):
    """One person's place in a round: how many labels they gave, and where in the order they are.

    Without it each look for the next item would pass all that the person labelled and others still have to.
    """

    round = models.ForeignKey(Round, models.CASCADE, related_name="seats")
    reviewer = models.ForeignKey(User, models.CASCADE, related_name="seats")
    labels = models.IntegerField(default=0)
    position = models.FloatField(default=-1.0, help_text="The order of the item that was given last.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["round", "reviewer"], name="one_seat_per_round_and_reviewer")]


class Reason(models.TextChoices):
    """Why an output is a review item: a disagreement, something odd, or chance."""

    FAILED_CHECK = "failed_check", "Failed a check"
    DIFFERS = "differs_from_baseline", "Differs from the baseline"
    CONTRADICTS = "checks_contradict", "Checks contradict each other"
    OUTLIER = "outlier", "Unusually long, slow, or with many tool calls"
    TAG = "tag", "Carries a tag"
    AUDIT = "audit", "Random audit of outputs that passed everything"
    ADDED = "added", "Added by a lead"


class ReviewItemQuerySet(models.QuerySet["ReviewItem"]):
    def in_project(self, project: Project) -> ReviewItemQuerySet:
        return self.filter(round__project=project)

    def wanting_labels(self) -> ReviewItemQuerySet:
        return self.filter(status__in=ReviewItem.WANTING)

    def without_label_of(self, reviewer: User) -> ReviewItemQuerySet:
        return self.exclude(Exists(Label.objects.filter(item=OuterRef("pk"), reviewer=reviewer)))


class ReviewItem(models.Model):
    """One output waiting for people, with every reason it is there."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        IN_REVIEW = "in_review", "In review"
        CONTESTED = "contested", "Contested"
        SETTLED = "settled", "Settled"
        CLOSED = "closed", "Closed"

    WANTING = (Status.WAITING, Status.IN_REVIEW)

    round = models.ForeignKey(Round, models.CASCADE, related_name="items", db_index=False)
    output = models.ForeignKey(Output, models.CASCADE, related_name="review_items")
    reasons = ArrayField(models.CharField(max_length=30, choices=Reason))
    inclusion_probability = models.FloatField(default=1.0)
    order = models.FloatField(help_text="Random, so that candidates and examples come mixed.")
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    labels_wanted = models.PositiveSmallIntegerField(default=1)
    label_count = models.PositiveSmallIntegerField(default=0)
    assigned_to = ArrayField(
        models.IntegerField(), default=list, blank=True, help_text="Keys of the people who get it; none: all of them."
    )
    is_known = models.BooleanField(default=False, help_text="Mixed in to compare people with the known answer.")
    closed_at = models.DateTimeField(null=True, help_text="A lead took it out: it wants no labels any more.")

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


class Claim(models.Model):
    """An item in one person's hands, on the database's clock. One that has run out counts for nothing."""

    item = models.ForeignKey(ReviewItem, models.CASCADE, related_name="claims", db_index=False)
    reviewer = models.ForeignKey(User, models.CASCADE, related_name="claims")
    until = models.DateTimeField()
    began_at = models.DateTimeField(help_text="When the person first saw it: how long they took is counted from here.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "reviewer"], name="one_claim_per_item_and_reviewer")]


class Fault(models.TextChoices):
    """Whose fault a failure is."""

    MODEL = "model", "The model"
    EXPECTED = "expected", "The expected answer is wrong"
    CHECK = "check", "The check is wrong"
    REQUEST = "request", "The request is ambiguous"
    INFRASTRUCTURE = "infrastructure", "The infrastructure"


class Saying(models.Model):
    """What somebody says of an output: the same for a label, a decision and a known answer."""

    outcome = models.CharField(max_length=4, choices=Verdict.Outcome)
    error_types = models.ManyToManyField(ErrorType, related_name="%(class)ss", blank=True)
    severity = models.CharField(max_length=10, choices=Severity, blank=True)
    fault = models.CharField(max_length=15, choices=Fault, blank=True)
    failing_step = models.PositiveIntegerField(
        null=True, help_text="The first step that went wrong: the number of the message, from 1, the answer's last."
    )
    note = models.TextField(blank=True, max_length=10_000)
    taxonomy_version = models.PositiveIntegerField(
        null=True, help_text="The number of the taxonomy's version under which it was said last."
    )

    class Meta:
        abstract = True

    def as_said(self) -> dict[str, Any]:
        """The same as JSON, error types by key in rising order: the shape of drafts and of the history."""
        return {
            "outcome": self.outcome,
            "error_types": sorted(error_type.pk for error_type in self.error_types.all()),
            "severity": self.severity,
            "fault": self.fault,
            "failing_step": self.failing_step,
            "note": self.note,
        }


class Label(Saying):
    """What one reviewer said of an item."""

    item = models.ForeignKey(ReviewItem, models.CASCADE, related_name="labels", db_index=False)
    reviewer = models.ForeignKey(User, models.PROTECT, related_name="labels")
    seconds = models.FloatField(null=True, help_text="From the first sight of the item to the label.")
    is_imported = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "reviewer"], name="one_label_per_item_and_reviewer")]
        indexes = [models.Index(fields=["reviewer", "-changed_at"], name="label_by_reviewer")]


class Decision(Saying):
    """How an item was settled by one person who saw all labels. It stands whatever the labels say later."""

    item = models.OneToOneField(ReviewItem, models.CASCADE, related_name="decision")
    decided_by = models.ForeignKey(User, models.PROTECT, related_name="decisions")
    decided_at = models.DateTimeField(default=timezone.now)


class KnownAnswer(Saying):
    """What is certainly right to say of an output: reviewers who meet it, blind, are compared with it.

    Its note is the feedback that a practice round shows.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="known_answers")
    output = models.OneToOneField(Output, models.CASCADE, related_name="known_answer")
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)


class Draft(models.Model):
    """What somebody has begun to say of an item: kept while they type, gone with the label."""

    item = models.ForeignKey(ReviewItem, models.CASCADE, related_name="drafts", db_index=False)
    reviewer = models.ForeignKey(User, models.CASCADE, related_name="drafts")
    said = models.JSONField(help_text="As Saying.as_said; what is not said yet is left out.")
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "reviewer"], name="one_draft_per_item_and_reviewer")]


class Deferral(models.Model):
    """Somebody put an item off. It comes back to them after everything else, or when they open it."""

    item = models.ForeignKey(ReviewItem, models.CASCADE, related_name="deferrals", db_index=False)
    reviewer = models.ForeignKey(User, models.CASCADE, related_name="deferrals")
    reason = models.CharField(max_length=500, blank=True)
    deferred_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "reviewer"], name="one_deferral_per_item_and_reviewer")]


class ItemEvent(models.Model):
    """What happened to an item: every label as it was at that time, with who and when. Never changed."""

    class Action(models.TextChoices):
        LABELLED = "labelled", "labelled"
        CHANGED = "changed", "changed the label"
        TAKEN_BACK = "taken_back", "took the label back"
        RETURNED = "returned", "returned the label"
        DECIDED = "decided", "settled the item"
        REOPENED = "reopened", "took the decision back"

    item = models.ForeignKey(ReviewItem, models.CASCADE, related_name="events")
    action = models.CharField(max_length=10, choices=Action)
    actor = models.ForeignKey(User, models.PROTECT, related_name="+")
    reviewer = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", help_text="Whose label it was.")
    said = models.JSONField(default=dict, help_text="As Saying.as_said: before, where something was taken away.")
    note = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(default=timezone.now)


class Occasion(models.TextChoices):
    """When somebody may be told."""

    ASSIGNED = "assigned", "a round waits for me"
    CONTESTED = "contested", "an item is contested"
    DONE = "done", "a round is done"


class NoticeChoice(models.Model):
    """Of what one person wants to be told, and how."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    person = models.ForeignKey(User, models.CASCADE, related_name="notice_choices")
    by_email = ArrayField(models.CharField(max_length=10, choices=Occasion), default=list, blank=True)
    by_webhook = ArrayField(models.CharField(max_length=10, choices=Occasion), default=list, blank=True)
    webhook_url = models.URLField(max_length=500, blank=True)
    webhook_secret = models.BinaryField(
        null=True, editable=False, help_text="What its messages are signed with, encrypted; see notices.signing."
    )
    webhook_secret_ending = models.CharField(max_length=4, blank=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "person"], name="one_choice_per_project_and_person")]


class Notice(models.Model):
    """One message on its way to one person, or sent. A round tells a person of an occasion once by each way."""

    class Way(models.TextChoices):
        EMAIL = "email", "e-mail"
        WEBHOOK = "webhook", "webhook"

    round = models.ForeignKey(Round, models.CASCADE, related_name="notices")
    person = models.ForeignKey(User, models.CASCADE, related_name="notices")
    occasion = models.CharField(max_length=10, choices=Occasion)
    way = models.CharField(max_length=10, choices=Way)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(default=timezone.now)
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    gave_up_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["round", "person", "occasion", "way"], name="one_notice_of_an_occasion")
        ]
        indexes = [
            models.Index(
                fields=["not_before"], condition=models.Q(sent_at=None, gave_up_at=None), name="notice_waiting"
            )
        ]


class NoteGroupQuerySet(models.QuerySet["NoteGroup"]):
    def in_project(self, project: Project) -> NoteGroupQuerySet:
        return self.filter(project=project)


class NoteGroup(models.Model):
    """Notes of open coding that tell of the same thing, put together by people: an error type to be, or one by now."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="note_groups")
    name = models.CharField(max_length=80)
    definition = models.TextField(blank=True, max_length=1000)
    severity = models.CharField(max_length=10, choices=Severity, default=Severity.MAJOR)
    error_type = models.ForeignKey(
        ErrorType, models.PROTECT, null=True, related_name="note_groups", help_text="What it was turned into."
    )
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    changed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    changed_at = models.DateTimeField(default=timezone.now)

    objects = NoteGroupQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint("project", Lower("name"), name="one_note_group_of_a_name")]

    def __str__(self) -> str:
        return self.name


class GroupedNote(models.Model):
    """A label's note in a group. It waits there in one group at most, until that is turned into an error type.

    ``version_before`` and ``changed_before``: the label's taxonomy_version and changed_at before the error type was
    added to it, so that it can be taken back; ``changed_before`` is null where the label carried the type already.
    """

    group = models.ForeignKey(NoteGroup, models.CASCADE, related_name="notes", db_index=False)
    label = models.ForeignKey(Label, models.CASCADE, related_name="groupings")
    put_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    put_at = models.DateTimeField(default=timezone.now)
    turned_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    turned_at = models.DateTimeField(null=True, help_text="When the label was given the group's error type.")
    version_before = models.PositiveIntegerField(null=True)
    changed_before = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "label"], name="one_place_of_a_note_in_a_group"),
            models.UniqueConstraint(
                fields=["label"], condition=models.Q(turned_at=None), name="one_group_in_which_a_note_waits"
            ),
        ]
