"""Which candidates stand for comparison: the baseline, and those put into the archive."""

from __future__ import annotations

from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone

from evalhub.candidates.models import Candidate, Endpoint
from evalhub.errors import EvalHubError
from evalhub.projects.models import Project, User
from evalhub.projects.trail import record_event


class StandingError(EvalHubError):
    """The candidate or endpoint is needed where it is."""


@transaction.atomic
def set_baseline(candidate: Candidate, actor: User) -> None:
    """Make this the project's one baseline. Raises StandingError for an archived candidate."""
    Project.objects.select_for_update().get(pk=candidate.project_id)  # two leads at once take turns
    candidate.refresh_from_db()
    if candidate.archived_at is not None:
        raise StandingError(f"“{candidate.name}” is archived. Restore it first.")
    if candidate.is_baseline:
        return
    Candidate.objects.filter(project=candidate.project_id, is_baseline=True).update(is_baseline=False)
    candidate.is_baseline = True
    candidate.save(update_fields=["is_baseline"])
    record_event(candidate.project, actor, "chose as the baseline", candidate)


@transaction.atomic
def archive(candidate: Candidate, actor: User) -> None:
    """Take the candidate off the lists; its runs stay. Raises StandingError for the baseline."""
    Project.objects.select_for_update().get(pk=candidate.project_id)
    candidate.refresh_from_db()
    if candidate.is_baseline:
        raise StandingError(f"“{candidate.name}” is the baseline. Make another candidate the baseline first.")
    if candidate.archived_at is None:
        candidate.archived_at = timezone.now()
        candidate.save(update_fields=["archived_at"])
        record_event(candidate.project, actor, "archived the candidate", candidate)


@transaction.atomic
def restore(candidate: Candidate, actor: User) -> None:
    if candidate.archived_at is not None:
        candidate.archived_at = None
        candidate.save(update_fields=["archived_at"])
        record_event(candidate.project, actor, "restored the candidate", candidate)


@transaction.atomic
def delete_endpoint(endpoint: Endpoint, actor: User) -> None:
    """Delete an endpoint and its key. Raises StandingError, naming them, while candidates use it."""
    try:
        endpoint.delete()
    except ProtectedError:
        names = list(endpoint.candidates.values_list("name", flat=True)[:4])
        shown = ", ".join(f"“{name}”" for name in names[:3]) + (" and others" if len(names) > 3 else "")
        are = "uses" if len(names) == 1 else "use"
        raise StandingError(
            f"“{endpoint.name}” cannot be deleted: {shown} {are} it. Choose another endpoint there first; "
            "archived candidates count."
        ) from None
    record_event(endpoint.project, actor, "deleted the endpoint", endpoint)
