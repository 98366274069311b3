"""Make the first person who may found projects."""

from __future__ import annotations

import getpass
import os
import secrets
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from evalhub.projects.models import User


class Command(BaseCommand):
    help = (
        "Make an administrator of the installation, who may found projects and invite people. The password is taken "
        "from EVALHUB_ADMIN_PASSWORD, asked for on a terminal, or made and printed once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="")

    def handle(self, *args: Any, email: str, name: str, **options: Any) -> None:
        email = email.lower()
        try:
            validate_email(email)
        except ValidationError:
            raise CommandError(f"{email!r} is not an e-mail address. Use one such as ada@example.org.") from None
        user = User.objects.filter(email=email).first()
        if user:
            user.may_create_projects = True
            user.save(update_fields=["may_create_projects"])
            self.stdout.write(f"{email} was there already and may now found projects. The password stays as it is.")
            return
        password, was_made = self.password()
        try:
            validate_password(password, User(email=email, name=name))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        User.objects.create_user(email, password, name=name or email.partition("@")[0], may_create_projects=True)
        self.stdout.write(f"{email} can sign in{f' with the password {password}' if was_made else ''}.")

    def password(self) -> tuple[str, bool]:
        given = os.environ.get("EVALHUB_ADMIN_PASSWORD")
        if given:
            return given, False
        typed = getpass.getpass("Password (empty: make one): ") if os.isatty(0) else ""
        return (typed, False) if typed else (secrets.token_urlsafe(12), True)
