"""One pytest session: a data folder and servers of its own, whatever else of EvalHub runs on this machine.

With pytest-xdist the controller starts the servers; each worker process has its own database, Redis number and files.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import hypothesis
import pytest

from evalhub.serving.embedded import running_servers
from evalhub.serving.places import embedded_database_url, embedded_redis_url

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ["tests.people", "tests.running", "tests.browsing"]
SERVERS = "EVALHUB_TEST_SERVERS"
STATIC = "EVALHUB_TEST_STATIC"
SETTINGS = "DJANGO_SETTINGS_MODULE"
stack = ExitStack()

# How fast a machine is, and how large an example, says nothing about the code, and fixtures here hold no state between
# examples; in continuous integration the examples are always the same.
hypothesis.settings.register_profile(
    "evalhub",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[
        hypothesis.HealthCheck.too_slow,
        hypothesis.HealthCheck.data_too_large,
        hypothesis.HealthCheck.function_scoped_fixture,
    ],
)
hypothesis.settings.load_profile("evalhub")


def pytest_configure(config: pytest.Config) -> None:
    if config.option.help:
        return
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker:
        forget_settings_of_the_shell()
        # One for all worker processes: they must agree on the order of tests whose parameters come from a set.
        os.environ.setdefault("PYTHONHASHSEED", str(random.randrange(2**32)))
        start_servers()
    refuse_settings_of_somebody_else()
    use_servers(Path(os.environ[SERVERS]), worker)
    set_up_django(collect=not worker)
    if config.getoption("numprocesses", None):
        # Else pytest-django would load settings in the worker processes before they have places of their own.
        del os.environ[SETTINGS]
    for module in FIXTURES:
        config.pluginmanager.import_plugin(module)


def pytest_report_header() -> str:
    return f"PYTHONHASHSEED={os.environ.get('PYTHONHASHSEED')}"


def pytest_unconfigure() -> None:
    stack.close()


def forget_settings_of_the_shell() -> None:
    for name in [*os.environ]:
        if name.startswith("EVALHUB_") and name != "EVALHUB_SHARED_DATA":
            del os.environ[name]


def refuse_settings_of_somebody_else() -> None:
    from django.conf import settings

    if settings.configured:
        raise pytest.UsageError(f"Unset {SETTINGS} and leave out --ds: the tests choose their settings themselves.")


def start_servers() -> None:
    place = Path(tempfile.mkdtemp(prefix="evalhub-tests-"))
    place.chmod(0o711)  # as root, the servers run as “nobody” and must pass
    stack.callback(shutil.rmtree, place, ignore_errors=True)
    stack.enter_context(running_servers(place, fsync=False))
    os.environ |= {SERVERS: str(place), STATIC: str(place / "static")}


def use_servers(place: Path, worker: str) -> None:
    number = int(worker.removeprefix("gw") or 0)
    os.environ |= {
        "EVALHUB_HOME": str(place / (worker or "main")),
        "DATABASE_URL": embedded_database_url(place),
        "REDIS_URL": embedded_redis_url(place, number),
        SETTINGS: "tests.settings",
    }


def set_up_django(collect: bool) -> None:
    import django
    from django.core.management import call_command

    django.setup()
    if collect:
        call_command("collectstatic", verbosity=0, interactive=False)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, which is not part of the project."""
    folder = Path(os.environ.get("EVALHUB_SHARED_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"The real data are not here: {folder} is not a folder. Name one with EVALHUB_SHARED_DATA.")
    return folder
