"""Publication: the version is frozen, and hashed over exactly the bytes that its download gives."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from evalhub.evalsets.contents import facts_of, hash_of
from evalhub.evalsets.models import EvalSetVersion
from evalhub.evalsets.versions import VersionError
from evalhub.projects.models import User
from evalhub.projects.trail import record_event

State = EvalSetVersion.State
PUBLISHED_AT_ONCE = 5_000
"""Examples: with more, the person does not wait for the hash. 5,000 take about 50 ms."""


@transaction.atomic
def ask_for_publication(version: EvalSetVersion, user: User) -> EvalSetVersion:
    """Note that the draft is to be published, and do it if it is small; else the caller sends ``publish_version_task``.

    Returns the version as it is now: ``is_published`` or ``is_publishing``.
    """
    found = EvalSetVersion.objects.select_for_update().get(pk=version.pk)
    if found.is_published or found.is_publishing:
        return found
    if found.state != State.DRAFT:
        raise VersionError(f"{found} is not a draft any more. Reload the page.")
    if not found.example_count:
        raise VersionError(f"{found} has no examples, so there is nothing to publish. Upload some, or delete it.")
    found.published_by = user
    found.save(update_fields=["published_by"])
    if found.example_count <= PUBLISHED_AT_ONCE:
        freeze(found)
    return found


@transaction.atomic
def publish(version_id: int) -> None:
    """Publish a version that waits for it. Safe to repeat, and to run twice at once: the second finds nothing to do."""
    version = EvalSetVersion.objects.select_for_update().filter(pk=version_id, state=State.DRAFT).first()
    if version is not None and version.is_publishing:
        freeze(version)


def freeze(version: EvalSetVersion) -> None:
    """Hash and freeze a version whose row the caller has locked and whose ``published_by`` is set."""
    version.facts = facts_of(version)
    version.example_count = version.facts["examples"]
    version.content_hash = hash_of(version)
    version.state = State.PUBLISHED
    version.published_at = timezone.now()
    version.save(update_fields=["facts", "example_count", "content_hash", "state", "published_by", "published_at"])
    record_event(version.eval_set.project, version.published_by, "published", version)
