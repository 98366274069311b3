"""The outputs of a round, for figures that are narrowed to it: see OUTPUT_NARROWINGS in the settings."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from evalhub.projects.models import Project
from reviews.models import ReviewItem, Round


def outputs_of_round(project: Project, round_id: int) -> tuple[str, QuerySet[Any]] | None:
    """The name of the project's round and the keys of its outputs, not read yet; None where there is no such round."""
    found = Round.objects.in_project(project).filter(pk=round_id).values_list("name", flat=True).first()
    if found is None:
        return None
    return found, ReviewItem.objects.filter(round=round_id).order_by().values("output")


def rounds_with(project: Project, runs: list[int]) -> list[tuple[int, str]]:
    """(key, name) of the project's filled rounds with outputs of these runs (keys), the newest first."""
    found = Round.objects.in_project(project).exclude(filled_at=None).filter(runs__in=runs)
    return list(found.distinct().order_by("-pk").values_list("pk", "name")[:50])
