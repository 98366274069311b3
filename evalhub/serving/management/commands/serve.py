"""Run the whole of EvalHub on this machine."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand

from evalhub.serving.foreground import Plan, run_in_foreground
from evalhub.serving.preparing import has_users


class Command(BaseCommand):
    help = (
        "Run EvalHub in the foreground: database and queue (unless DATABASE_URL and REDIS_URL name others), web "
        "server, workers and beat. Ctrl-C stops all of it, a second Ctrl-C at once."
    )
    requires_system_checks = ()  # each process checks for itself

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.SERVE_HOST, help="address to listen on (EVALHUB_HOST)")
        parser.add_argument("--port", default=settings.SERVE_PORT, type=int, help="0 is any free one (EVALHUB_PORT)")
        parser.add_argument("--with-parent", action="store_true", help="stop when the process that started it ends")

    def handle(self, *args: Any, host: str, port: int, with_parent: bool, **options: Any) -> None:
        run_in_foreground(host, port, with_parent, Plan(greeting=self.greeting))

    def greeting(self, address: str) -> list[str]:
        hint = "Nobody can sign in yet. Make an administrator: python manage.py create_admin YOUR-E-MAIL"
        return [*where(address), *([] if has_users() else [hint])]


def where(address: str) -> list[str]:
    """Where the pages are, and under which names only."""
    lines = [f"EvalHub is at {address} -- its data are in {settings.EVALHUB_HOME}"]
    if urlsplit(address).hostname not in settings.ALLOWED_HOSTS:
        lines.append(f"It answers to {', '.join(settings.ALLOWED_HOSTS)} only; EVALHUB_ALLOWED_HOSTS names others.")
    servers = settings.EVALHUB_HOME / "servers"
    if servers.is_symlink():
        lines.append(f"The database is in {servers.resolve()}: the user “nobody”, who runs it, may not enter the home.")
    return lines
