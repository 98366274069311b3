"""API keys: made, found by what a program shows, used, revoked."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from evalhub.errors import EvalHubError
from evalhub.projects.models import ApiKey, Member, Role, User
from evalhub.projects.trail import record_event

PREFIX = "evh_"
RANDOM_BYTES = 32
SPELLING = re.compile(PREFIX + "[A-Za-z0-9_-]{43}", re.ASCII)
NOTED_EACH = timedelta(minutes=1)
"""A program that asks a hundred times a second must not write as often only to be seen."""


class KeyRefused(EvalHubError):
    """The key cannot be made."""


@dataclass(frozen=True)
class KeyHolder:
    """Who a key stands for. ``role`` is the lower one of the key's and the person's own at present."""

    key: ApiKey
    member: Member
    role: Role


def hash_of(token: str) -> str:
    # No salt and no slow hash: the token is 256 random bits, which nobody guesses or finds in a table.
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def make_key(maker: Member, name: str, role: Role) -> str:
    """Make a key that acts as the member with this role at most, and return it: it is stored nowhere."""
    if not maker.may(role):
        raise KeyRefused(f"A key may not do more than you may. Choose {Role(maker.role).label} or less.")
    token = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    key = ApiKey.objects.create(
        project=maker.project, user=maker.user, name=name, role=role, key_hash=hash_of(token), ending=token[-4:]
    )
    record_event(maker.project, maker.user, f"made an API key as {role.label.lower()}:", key)
    return token


@transaction.atomic
def revoke_key(key: ApiKey, actor: User) -> bool:
    """End a key at once and for good; False if somebody was faster."""
    revoked = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now(), revoked_by=actor)
    if revoked:
        record_event(key.project, actor, "revoked the API key", key)
    return bool(revoked)


def holder_of(token: str) -> KeyHolder | None:
    """Who this key stands for; None if it is no key, or one that opens nothing any more."""
    if not SPELLING.fullmatch(token):
        return None
    key = ApiKey.objects.alive().select_related("project", "user").filter(key_hash=hash_of(token)).first()
    if key is None:
        return None
    member = Member.objects.filter(project=key.project, user=key.user).first()
    if member is None:
        return None
    member.project, member.user = key.project, key.user
    return KeyHolder(key, member, min(Role(key.role), Role(member.role), key=lambda role: role.rank))


def note_use(key: ApiKey) -> None:
    """Note that the key was used just now, once a minute at most."""
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - NOTED_EACH:
        unnoted = Q(last_used_at=None) | Q(last_used_at__lt=now - NOTED_EACH)
        ApiKey.objects.filter(unnoted, pk=key.pk).update(last_used_at=now)
