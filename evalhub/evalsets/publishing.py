"""Publication: the version is frozen, and hashed over exactly the bytes that its download gives."""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils import timezone

from evalhub.evalsets.contents import facts_of, hash_of
from evalhub.evalsets.models import EvalSetVersion
from evalhub.evalsets.versions import VersionError
from evalhub.projects.models import User
from evalhub.projects.trail import record_event

State = EvalSetVersion.State
logger = logging.getLogger(__name__)
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


def freeze(version: EvalSetVersion, content_hash: str = "") -> None:
    """Freeze a version whose row the caller has locked and whose ``published_by`` is set.

    ``content_hash`` is the one that the reader of an upload took over the very lines that were stored; ``note_facts``
    takes it again from what the database gives. Without it the hash is taken from there at once.
    """
    version.example_count = version.examples.count()
    version.content_hash = content_hash or hash_of(version)
    version.state = State.PUBLISHED
    version.published_at = timezone.now()
    version.save(update_fields=["example_count", "content_hash", "state", "published_by", "published_at"])
    record_event(version.eval_set.project, version.published_by, "published", version)


def note_facts(version_id: int) -> None:
    """Count what the version's page tells of its examples, once they are all there, and check a published hash.

    It is no part of the publication, which nobody should wait for longer than needed. Safe to repeat.
    """
    version = (
        EvalSetVersion.objects.readable().filter(pk=version_id, facts={}).select_related("eval_set__project").first()
    )
    if version is None:
        return
    facts = facts_of(version)
    is_false = version.is_published and hash_of(version) != version.content_hash
    with transaction.atomic():
        is_first = EvalSetVersion.objects.filter(pk=version_id, facts={}).update(facts=facts)
        if is_false and is_first:  # else another worker was faster, and has told it
            logger.error("the content of version %s is not what its hash says", version_id)
            record_event(version.eval_set.project, None, "found a hash that is not that of the content of", version)
