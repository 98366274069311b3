"""Encrypt every key and secret that is kept anew, with the newest of EVALHUB_ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string


class Command(BaseCommand):
    help = (
        "Encrypts endpoint keys and webhook secrets with the newest encryption key. Afterwards the older ones can be "
        "taken away."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        rotations = [import_string(name)() for name in settings.ROTATIONS]
        count = sum(each.done for each in rotations)
        lost = [name for each in rotations for name in each.lost]
        self.stdout.write(f"{count} {'key' if count == 1 else 'keys'} encrypted with the newest encryption key.")
        if lost:
            raise CommandError(
                f"No encryption key fits {', '.join(lost)}. Add the one they were saved with to "
                "EVALHUB_ENCRYPTION_KEYS, or enter their keys again; a webhook's secret is made anew on the page "
                "Notices."
            )
