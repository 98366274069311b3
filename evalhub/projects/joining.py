"""How people come to projects: founding one, invitation by link, change of role, leaving."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.text import slugify

from evalhub.errors import EvalHubError
from evalhub.projects.keys import revoke_key
from evalhub.projects.models import ApiKey, Invitation, Member, Project, Role, User
from evalhub.projects.trail import record_event

INVITATION_LIFETIME = timedelta(days=7)


class JoiningError(EvalHubError):
    """The change of members is not possible."""


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def free_slug(name: str) -> str:
    """An address for a project of this name that no other project has."""
    wish = slugify(name)[:50] or "project"
    slug, number = wish, 2
    while Project.objects.filter(slug=slug).exists():
        slug, number = f"{wish}-{number}", number + 1
    return slug


@transaction.atomic
def found_project(founder: User, name: str, description: str = "") -> Project:
    """Make a project with its founder as the first admin."""
    project = Project.objects.create(name=name, slug=free_slug(name), description=description)
    Member.objects.create(project=project, user=founder, role=Role.ADMIN)
    record_event(project, founder, "founded the project", project)
    for dotted_name in settings.AFTER_FOUNDING:
        import_string(dotted_name)(project)
    return project


@transaction.atomic
def invite(project: Project, role: Role, creator: User, note: str = "") -> str:
    """Make an invitation and return its token, which is stored nowhere."""
    token = secrets.token_urlsafe(24)
    Invitation.objects.create(
        project=project,
        role=role,
        note=note,
        created_by=creator,
        token_hash=token_hash(token),
        expires_at=timezone.now() + INVITATION_LIFETIME,
    )
    record_event(project, creator, "invited a person as", f"{role.label}{f' ({note})' if note else ''}")
    return token


@transaction.atomic
def accept_invitation(token: str, user: User) -> Project:
    """Make the person a member; a second use of the link by the same person changes nothing.

    Raises JoiningError when the link was used by somebody else, was withdrawn, or is older than a week.
    """
    invitation = Invitation.objects.select_for_update().filter(token_hash=token_hash(token)).first()
    if invitation and invitation.accepted_by_id == user.pk:
        return invitation.project
    if invitation is None or not Invitation.objects.open().filter(pk=invitation.pk).exists():
        raise JoiningError("This invitation is used up, withdrawn or too old. Ask an admin of the project for another.")
    Member.objects.get_or_create(project=invitation.project, user=user, defaults={"role": invitation.role})
    invitation.accepted_by, invitation.accepted_at = user, timezone.now()
    invitation.save(update_fields=["accepted_by", "accepted_at"])
    record_event(invitation.project, user, "joined as", Role(invitation.role).label)
    return invitation.project


def refuse_last_admin(member: Member) -> None:
    # Locked, so that two admins who step down at once cannot both succeed.
    admins = Member.objects.select_for_update().filter(project=member.project, role=Role.ADMIN)
    if member.role == Role.ADMIN and len(admins) == 1:
        raise JoiningError("The project would have no admin. Make somebody else an admin first.")


@transaction.atomic
def change_role(member: Member, role: Role, actor: User) -> None:
    if role != Role.ADMIN:
        refuse_last_admin(member)
    member.role = role
    member.save(update_fields=["role"])
    record_event(member.project, actor, f"made a {role.label.lower()} of", member.user)


@transaction.atomic
def remove_member(member: Member, actor: User) -> None:
    """End a membership. What the person did stays; the API keys that they made end with it, for good."""
    refuse_last_admin(member)
    for key in ApiKey.objects.in_project(member.project).filter(user=member.user, revoked_at=None):
        revoke_key(key, actor)
    member.delete()
    record_event(member.project, actor, "removed", member.user)
