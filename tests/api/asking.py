"""Asking the API in tests, as a program does: a key, JSON, no cookies."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from evalhub.projects.keys import make_key
from evalhub.projects.models import Member, Project, Role, User


class Api:
    """The API behind one key."""

    def __init__(self, key: str | None) -> None:
        self.key = key
        self.client = Client(headers={"Authorization": f"Bearer {key}"} if key else None)

    def get(self, path: str, **query: Any):
        return self.client.get(f"/api/v1{path}", query)

    def post(self, path: str, body: Any = None, idempotency_key: str | None = None):
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        content = b"" if body is None else json.dumps(body).encode()
        return self.client.post(f"/api/v1{path}", content, content_type="application/json", headers=headers)

    def send(self, path: str, content: bytes, idempotency_key: str | None = None, **headers: str):
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        return self.client.post(f"/api/v1{path}", content, content_type="application/octet-stream", headers=headers)


def api_of(user: User, project: Project, role: Role = Role.ADMIN) -> Api:
    """A key of this person in this project; what it may is the lower one of both roles."""
    member = Member.objects.select_related("project", "user").get(user=user, project=project)
    role = min(role, Role(member.role), key=lambda each: each.rank)
    return Api(make_key(member, f"{role} of {user}", role))


def fault(answer) -> dict[str, Any]:
    """The fault that a JSON answer tells; fails if it is none of that shape."""
    assert answer["Content-Type"] == "application/json; charset=utf-8", answer.content[:200]
    assert list(answer.json()) == ["error"]
    error = answer.json()["error"]
    assert list(error) == ["code", "message", "places", "state"]
    assert error["message"].endswith(".")
    return error
