"""The demo's people. Their passwords are made at the first start and kept in the data folder: none is fixed."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from django.conf import settings

from evalhub.projects.models import Member, Project, Role, User

# name, e-mail, role; the first founds the project
PEOPLE = (
    ("Ada Admin", "ada@demo.example", Role.ADMIN),
    ("Lena Lead", "lena@demo.example", Role.LEAD),
    ("Rui Reviewer", "rui@demo.example", Role.REVIEWER),
)


def passwords() -> dict[str, str]:
    """E-mail address -> password; made once."""
    path = Path(settings.EVALHUB_HOME) / "demo-people.json"
    if not path.exists():
        made = {email: "-".join(secrets.token_hex(2) for _ in range(3)) for _, email, _ in PEOPLE}
        path.touch(mode=0o600)
        path.write_text(json.dumps(made))
    return dict(json.loads(path.read_text()))


def make_people() -> list[User]:
    """The demo's people, made if they are not there yet; the founder first."""
    secret = passwords()
    people: list[User] = []
    for name, email, _ in PEOPLE:
        user = User.objects.filter(email=email).first()
        is_founder = not people
        people.append(user or User.objects.create_user(email, secret[email], name=name, may_create_projects=is_founder))
    return people


def join_people(project: Project, people: list[User]) -> None:
    for user, (_, _, role) in zip(people, PEOPLE, strict=True):
        Member.objects.get_or_create(project=project, user=user, defaults={"role": role})


def sign_in_lines() -> list[str]:
    """How to sign in, one line a person."""
    secret = passwords()
    return [f"{role.label:<9} {email}   password {secret[email]}" for _, email, role in PEOPLE]
