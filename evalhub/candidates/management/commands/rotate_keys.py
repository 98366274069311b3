"""Encrypt every endpoint's key anew, with the newest of EVALHUB_ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from evalhub.candidates.keys import rotated
from evalhub.candidates.models import Endpoint


class Command(BaseCommand):
    help = "Encrypts endpoint keys with the newest encryption key. Afterwards the older ones can be taken away."

    def handle(self, *args: Any, **options: Any) -> None:
        from cryptography.fernet import InvalidToken  # 50 ms, and every command loads this module to list it

        lost, count = [], 0
        for pk in Endpoint.objects.exclude(key_encrypted=None).order_by("pk").values_list("pk", flat=True):
            with transaction.atomic():
                endpoint = Endpoint.objects.select_for_update(of=["self"]).select_related("project").get(pk=pk)
                if endpoint.key_encrypted is None:
                    continue  # removed meanwhile
                try:
                    endpoint.key_encrypted = rotated(bytes(endpoint.key_encrypted))
                except InvalidToken:
                    lost.append(f"“{endpoint.name}” of {endpoint.project.name}")
                    continue
                endpoint.save(update_fields=["key_encrypted"])
                count += 1
        self.stdout.write(f"{count} {'key' if count == 1 else 'keys'} encrypted with the newest encryption key.")
        if lost:
            raise CommandError(
                f"No encryption key fits {', '.join(lost)}. Add the one they were saved with to "
                "EVALHUB_ENCRYPTION_KEYS, or enter their keys again."
            )
