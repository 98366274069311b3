"""Run EvalHub with the demo project in it."""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

from django.conf import settings

from demo.people import sign_in_lines
from evalhub.serving.foreground import Plan, run_in_foreground
from evalhub.serving.management.commands import serve
from evalhub.serving.processes import Service
from evalhub.serving.stack import ROOT


class Command(serve.Command):
    help = (
        "Run EvalHub as “serve” does, with a demo project, the endpoint whose models it compares, and people to sign "
        "in as. The first start uploads, runs and labels; later ones find all that in the data folder."
    )

    def handle(self, *args: Any, host: str, port: int, with_parent: bool, **options: Any) -> None:
        run_in_foreground(host, port, with_parent, Plan(greeting=self.greeting, more=demo_services))

    def greeting(self, address: str) -> list[str]:
        return [*serve.where(address), "Sign in as one of:", *(f"  {line}" for line in sign_in_lines())]


def demo_services() -> list[Service]:
    """The endpoint, and the program that loads the project once."""
    port = port_of_endpoint()
    manage = [sys.executable, str(ROOT / "manage.py")]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    endpoint = [sys.executable, "-m", "demo.endpoint", "--port", str(port)]
    load = [*manage, "load_demo", f"http://127.0.0.1:{port}/v1"]
    return [
        Service("endpoint", endpoint, environment, folder=ROOT),
        Service("demo", load, environment, folder=ROOT, runs_once=True),
    ]


def port_of_endpoint() -> int:
    """The port of the last start if it is free, since the demo's endpoint is stored with its address; else any."""
    kept = settings.EVALHUB_HOME / "demo-endpoint-port"
    wanted = int(kept.read_text()) if kept.exists() else 0
    try:
        port = free_port(wanted)
    except OSError:
        port = free_port(0)
    kept.write_text(f"{port}\n")
    return port


def free_port(wanted: int) -> int:
    with socket.create_server(("127.0.0.1", wanted)) as listener:
        return int(listener.getsockname()[1])
