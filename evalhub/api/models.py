"""Answers to writes, kept so that a repeated request does nothing twice."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from evalhub.projects.models import ApiKey


class StoredAnswer(models.Model):
    """The answer to the first request that carried this idempotency key; written in the transaction of its work."""

    api_key = models.ForeignKey(ApiKey, models.CASCADE, related_name="answers")
    idempotency_key = models.CharField(max_length=200)
    fingerprint = models.BinaryField(max_length=32, help_text="SHA-256 of method, address and body of the request.")
    status = models.PositiveSmallIntegerField()
    body = models.TextField(help_text="JSON, as it was sent.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["api_key", "idempotency_key"], name="one_answer_of_an_idempotency_key")
        ]
        indexes = [models.Index(fields=["created_at"], name="answer_by_time")]
