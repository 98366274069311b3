"""Load the demo project into a running EvalHub; ``manage.py demo`` does so by itself."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from demo.loading import load_demo, summary_lines


class Command(BaseCommand):
    help = "Load the demo project and print one line a candidate. EvalHub and the demo endpoint must be running."
    requires_system_checks = ()  # the web server has checked

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("endpoint_url", help="such as http://127.0.0.1:8001/v1")

    def handle(self, *args: Any, endpoint_url: str, **options: Any) -> None:
        self.stdout.write("loading the demo project: upload, runs, checks, labels")
        load_demo(endpoint_url)
        for line in ("the demo's runs are done:", *summary_lines()):
            self.stdout.write(line)
