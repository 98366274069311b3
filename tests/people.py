"""A project and its people, for every test that opens pages."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.test import Client

from evalhub.projects.joining import found_project
from evalhub.projects.models import Member, Project, Role, User

PASSWORD = "correct horse battery"
TOKEN = re.compile("[A-Za-z0-9]{64}")  # against forged requests: another in each answer


def without_token(answer: HttpResponse) -> str:
    """A page as text, so that two answers can be compared."""
    return TOKEN.sub("", answer.content.decode())


def make_user(name: str, **fields: object) -> User:
    return User.objects.create_user(f"{name.lower()}@example.org", PASSWORD, name=name, **fields)


def make_member(project: Project, name: str, role: Role) -> User:
    user = make_user(name)
    Member.objects.create(project=project, user=user, role=role)
    return user


@pytest.fixture
def admin(db: None) -> User:
    return make_user("Ada", may_create_projects=True)


@pytest.fixture
def project(admin: User) -> Project:
    return found_project(admin, "Support inbox", "Mail to structured tickets")


@pytest.fixture
def lead(project: Project) -> User:
    return make_member(project, "Lea", Role.LEAD)


@pytest.fixture
def reviewer(project: Project) -> User:
    return make_member(project, "Rob", Role.REVIEWER)


@pytest.fixture
def stranger(db: None) -> User:
    """The admin of another project, and a member of no other."""
    user = make_user("Sam")
    found_project(user, "Elsewhere")
    return user


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return signed_in
