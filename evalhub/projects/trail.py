"""The audit trail."""

from __future__ import annotations

from evalhub.projects.models import Event, Project, User


def record_event(project: Project, actor: User | None, action: str, subject: object) -> None:
    """Add a line to the project's trail: ``action`` is a verb in the past, ``subject`` what it was done to."""
    Event.objects.create(project=project, actor=actor, action=action, subject=str(subject)[:200])
