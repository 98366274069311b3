"""The command ``evalhub`` as a program, with an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
Command = Callable[..., subprocess.CompletedProcess]


def environment(**more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "NO_PROXY": "127.0.0.1", **more}


@pytest.fixture
def admin_key(admin, project) -> str:
    from tests.api.asking import api_of

    return api_of(admin, project).key


@pytest.fixture
def evalhub(web_server, admin_key, tmp_path) -> Command:
    """Call ``evalhub`` with an admin's key against the real web server; ``server`` replaces its address."""

    def run(*arguments: str, server: str = "", key: str = "", **options) -> subprocess.CompletedProcess:
        variables = environment(EVALHUB_URL=server or web_server.url, EVALHUB_API_KEY=key or admin_key)
        command = [sys.executable, "-m", "evalhub", *arguments]
        return subprocess.run(
            command, env=variables, cwd=tmp_path, capture_output=True, text=True, timeout=120, **options
        )

    return run
