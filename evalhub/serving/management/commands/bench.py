"""Run one benchmark."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from evalhub.serving.benchmarks import as_report, as_table, descriptions, measure
from evalhub.serving.commands import servers_for
from evalhub.serving.embedded import running_servers
from evalhub.serving.places import embedded_database_url, embedded_redis_url
from evalhub.serving.stack import ROOT


class Command(BaseCommand):
    help = (
        "Run a benchmark against its floor. It gets a data folder and servers of its own, so that it neither sees nor "
        "harms what is there."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", default="", help="see --list")
        parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
        parser.add_argument("--list", action="store_true", help="name all benchmarks")
        parser.add_argument("--here", action="store_true", help="on the database of the settings, with all it holds")

    def handle(self, *args: Any, name: str, json: Path | None, here: bool, **options: Any) -> None:
        if options["list"] or not name:
            for known, description in descriptions().items():
                self.stdout.write(f"{known:<16} {description}")
        elif here:
            with servers_for(["migrate"]):
                self.measure(name, json)
        else:
            sys.exit(elsewhere(name, json))

    def measure(self, name: str, file: Path | None) -> None:
        figures = measure(name)
        for line in as_table(figures):
            self.stdout.write(line)
        if file:
            try:
                file.write_text(json.dumps(as_report(name, figures), indent=2) + "\n")
            except OSError as error:
                raise CommandError(f"{file} cannot be written: {error.strerror}.") from error


def elsewhere(name: str, file: Path | None) -> int:
    """Run the benchmark in a process of its own, on fresh servers that keep what they promise (fsync is on)."""
    if name not in descriptions():
        measure(name)  # says which there are
    place = Path(tempfile.mkdtemp(prefix="evalhub-bench-"))
    place.chmod(0o711)  # as root, the servers run as “nobody” and must pass
    environment = {
        **os.environ,
        "EVALHUB_HOME": str(place),
        "DATABASE_URL": embedded_database_url(place),
        "REDIS_URL": embedded_redis_url(place),
    }
    manage = [sys.executable, str(ROOT / "manage.py")]
    into = ["--json", str(file.absolute())] if file else []
    try:
        with running_servers(place):
            for command in (["migrate", "-v", "0"], ["collectstatic", "-v", "0"], ["bench", name, "--here", *into]):
                code = subprocess.call([*manage, *command], env=environment, cwd=ROOT)  # noqa: S603 -- our own command
                if code:
                    return code
            return 0
    finally:
        shutil.rmtree(place, ignore_errors=True)
