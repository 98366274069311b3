"""The audit trail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from evalhub.projects.models import ApiKey, Event, Project, User

_key_name: ContextVar[str] = ContextVar("key_name", default="")


@contextmanager
def acting_by(key: ApiKey) -> Iterator[None]:
    """Name the key in every line of the trail that is added inside: it acts for its maker."""
    before = _key_name.set(key.name)
    try:
        yield
    finally:
        _key_name.reset(before)


def record_event(project: Project, actor: User | None, action: str, subject: object) -> None:
    """Add a line to the project's trail: ``action`` is a verb in the past, ``subject`` what it was done to."""
    Event.objects.create(
        project=project, actor=actor, action=action, subject=str(subject)[:200], by_key=_key_name.get()
    )
