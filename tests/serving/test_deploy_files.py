"""What lies in deploy/ starts what there is: queues, commands, settings. It is read here, and tried by hand."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.management import get_commands
from django.db import connection

from evalhub import settings as settings_file
from evalhub.runs.shift import GRACE_SECONDS
from evalhub.serving.processes import Service
from evalhub.serving.stack import CELERY_STOP, beat_service, web_service, worker_services
from tests.serving.test_settings import PRODUCTION

DEPLOY = settings.BASE_DIR / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE = (DEPLOY / "compose" / "compose.yaml").read_text()
PAGE = (settings.BASE_DIR / "docs" / "deployment.md").read_text()
EXAMPLE = (DEPLOY / "evalhub.env.example").read_text()
PYTHON = "/opt/evalhub/.venv/bin/python"
# Program -> how it runs on one machine by ``manage.py serve``, with the number of processes that the files have too.
STACK = {service.name: service for service in [*worker_services(), beat_service()]}


def value_of(unit: str, name: str) -> str:
    """A setting of a unit; the last one counts."""
    return re.findall(rf"^{name}=(.*)$", (DEPLOY / "systemd" / unit).read_text(), re.MULTILINE)[-1]


def started_by_systemd(unit: str, instance: str = "") -> list[str]:
    processes = re.search(r"^Environment=PROCESSES=(\d+)$", (DEPLOY / "systemd" / unit).read_text(), re.MULTILINE)
    command = value_of(unit, "ExecStart").replace("%i", instance).replace("%%", "%")
    return command.replace("$PROCESSES", processes[1] if processes else "").split()


def started_by_compose(service: str) -> list[str]:
    part = re.search(rf"^  {service}:\n((?:    .*\n|\n)+)", COMPOSE, re.MULTILINE)
    command = re.search(r"^    command: \[(.*)\]$", part[1], re.MULTILINE)
    return [word.strip('"') for word in command[1].split(", ")]


def arguments(service: Service) -> list[str]:
    """Its command without the Python, which is another one in each place."""
    return list(service.command)[1:]


@pytest.mark.parametrize("queue", ["calls", "work"])
def test_units_start_workers_as_serve_does(queue):
    assert started_by_systemd("evalhub-worker@.service", queue) == [PYTHON, *arguments(STACK[queue])]
    assert f"evalhub-worker@{queue}.service" in (DEPLOY / "systemd" / "evalhub.target").read_text()


def test_units_start_sweeper_beat_and_pages_as_serve_does():
    assert started_by_systemd("evalhub-sweep.service") == [PYTHON, *arguments(STACK["sweep"])]
    assert started_by_systemd("evalhub-beat.service") == [PYTHON, *arguments(STACK["beat"])]
    # systemd hands over the socket, so it is not named.
    assert started_by_systemd("evalhub-web.service") == [PYTHON, *arguments(web_service(7))[:-2]]


@pytest.mark.parametrize("name", sorted(STACK))
def test_containers_start_what_serve_does(name):
    assert started_by_compose(name) == ["python", *arguments(STACK[name])]


def test_every_queue_has_its_worker():
    queues = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()} | {settings.CELERY_TASK_DEFAULT_QUEUE}

    assert queues == {name for name in STACK if name != "beat"}


def test_workers_are_given_the_time_that_they_need_to_stop():
    for unit in UNITS:
        assert (value_of(unit.name, "KillMode"), value_of(unit.name, "KillSignal")) == ("mixed", "SIGTERM")
        assert value_of(unit.name, "Restart") == "always"
    for unit in ("evalhub-worker@.service", "evalhub-sweep.service"):
        assert int(value_of(unit, "TimeoutStopSec")) > sum(seconds for _, seconds in CELERY_STOP) > GRACE_SECONDS
    assert re.search(r"^x-worker:.*\n(?:  .*\n)*?  stop_grace_period: 60s$", COMPOSE, re.MULTILINE)


def test_the_proxies_find_the_pages():
    address = value_of("evalhub-web.socket", "ListenStream")

    assert f"proxy_pass http://{address};" in (DEPLOY / "proxy" / "nginx.conf.example").read_text()
    assert f"WEB_ADDRESS:{address}" in (DEPLOY / "proxy" / "Caddyfile").read_text()


def names_in(example: str) -> set[str]:
    return set(re.findall(r"^(?:# )?([A-Z_]+)=", example, re.MULTILINE))


def test_the_example_of_the_environment_names_settings_that_there_are():
    documented = set(re.findall(r"\b(?:EVALHUB_[A-Z_]+|DATABASE_URL|REDIS_URL)\b", settings_file.__doc__))

    assert names_in(EXAMPLE) <= documented
    assert set(PRODUCTION) <= set(re.findall(r"^([A-Z_]+)=", EXAMPLE, re.MULTILINE))


def test_production_starts_on_the_example_once_its_secrets_are_filled_in(tmp_path):
    secrets = {
        "EVALHUB_HOME": str(tmp_path),
        "EVALHUB_SECRET_KEY": PRODUCTION["EVALHUB_SECRET_KEY"],
        "EVALHUB_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    }
    given = dict(re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
    environment = {"PATH": os.environ["PATH"], **given}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]

    def check(**values: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=settings.BASE_DIR, env=environment | values, capture_output=True, text=True, check=False
        )

    assert check(**secrets).stdout == "System check identified no issues (0 silenced).\n"
    assert (
        check().stderr == "EVALHUB_SECRET_KEY is not set. Production needs it; see the list in evalhub/settings.py.\n"
    )


def test_the_page_names_commands_and_files_that_there_are():
    commands = set(re.findall(r"(?:deploy/manage|manage\.py) ([a-z_]+)", PAGE))
    files = set(re.findall(r"\b((?:deploy|tests|\.ci)/[\w./@-]+\w)", PAGE))

    assert {"migrate", "collectstatic", "create_admin", "rotate_keys"} <= commands <= set(get_commands())
    assert [name for name in sorted(files) if not (settings.BASE_DIR / name).exists()] == []


def test_the_page_looks_at_rows_that_there_are(db):
    (block,) = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    statements = [line.partition(";")[0] for line in block.splitlines()]

    assert len(statements) == 5
    for statement in statements:
        with connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_page_counts_connections_as_the_settings_allow_them():
    most = settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"]

    assert f"a pool of at most {most} (`settings.DATABASES`)" in PAGE


def test_the_image_holds_every_package_and_names_no_host():
    dockerfile = (DEPLOY / "compose" / "Dockerfile").read_text()
    packages = {
        app.partition(".")[0] for app in settings.INSTALLED_APPS if (settings.BASE_DIR / app.split(".")[0]).is_dir()
    }

    assert set(re.findall(r"^COPY (\w+) \1$", dockerfile, re.MULTILINE)) == packages | {"templates", "static"}
    images = re.findall(r"^\s*(?:image:|FROM) (\S+)$", COMPOSE + dockerfile, re.MULTILINE)
    assert sorted(images) == ["caddy:2", "evalhub", "postgres:18", "python:3.13-slim", "valkey/valkey:9"]
    assert "://" not in dockerfile
