"""Who asks: a key, the person behind it, and what both may."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBearer

from evalhub.api.faults import ApiFault, no_key
from evalhub.projects.keys import KeyHolder, holder_of, note_use
from evalhub.projects.models import Project, Role, User


class KeyRequest(HttpRequest):
    """A request with a key. Cookies play no part in it."""

    user: User
    holder: KeyHolder
    project: Project


class ApiKey(HttpBearer):
    """Opens an operation to keys with this role or a higher one."""

    def __init__(self, needed: Role) -> None:
        super().__init__()
        self.needed = needed

    def authenticate(self, request: HttpRequest, token: str) -> KeyHolder:
        holder = holder_of(token)
        if holder is None:
            raise no_key()
        asking: Any = request
        # The file handler and the log know the person by this; a session, if there is one, no longer counts.
        asking.user, asking.holder, asking.project = holder.member.user, holder, holder.member.project
        require(holder, self.needed)
        note_use(holder.key)
        return holder


def require(holder: KeyHolder, needed: Role) -> None:
    if not holder.role.may(needed):
        raise ApiFault(
            403,
            "not_allowed",
            f"This needs the role {needed.label}; the key has the role {holder.role.label}. "
            "Use a key of that role, made by somebody who has it.",
        )


REVIEWER, LEAD, ADMIN = (ApiKey(role) for role in Role)
