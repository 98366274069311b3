"""What must be so before pages are served: database and broker answer, tables and static files are up to date."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command

from evalhub.errors import EvalHubError
from evalhub.serving.places import make_home


class PreparingError(EvalHubError):
    """Something that EvalHub stands on does not answer."""


def prepare(report: Callable[[str, str], None]) -> None:
    make_home(settings.EVALHUB_HOME)
    check_database()
    check_broker()
    migrate(report)
    collect_static_files()


def check_database() -> None:
    import psycopg

    try:
        psycopg.connect(settings.DATABASE_URL, connect_timeout=10).close()
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise PreparingError(f"The database at {_place(settings.DATABASE_URL)} does not answer: {reason}.") from None


def check_broker() -> None:
    import redis

    try:
        redis.Redis.from_url(settings.REDIS_URL, socket_timeout=10).ping()
    except redis.RedisError as error:
        raise PreparingError(f"Redis at {_place(settings.REDIS_URL)} does not answer: {error}") from None


def _place(url: str) -> str:
    """The address without name and password."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or parts.path


def migrate(report: Callable[[str, str], None]) -> None:
    """Bring the tables up to date. Nothing is written when they are."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        report("serve", f"bringing the database up to date: {len(plan)} {'step' if len(plan) == 1 else 'steps'}")
        call_command("migrate", verbosity=0, interactive=False)
    let_go_of_database()


def has_users() -> bool:
    from django.contrib.auth import get_user_model

    try:
        return get_user_model().objects.exists()
    finally:
        let_go_of_database()


def let_go_of_database() -> None:
    """Close this process's connections: it only looks after others from here on."""
    from django.db import connection

    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's has it


def collect_static_files() -> None:
    """Collect and compress static files, unless those collected last are the ones that there are now."""
    stamp = settings.EVALHUB_HOME / "static.stamp"
    now = _stamp_of_static_files()
    manifest = settings.STATIC_ROOT / "staticfiles.json"
    if manifest.exists() and stamp.exists() and stamp.read_text() == now:
        return
    call_command("collectstatic", verbosity=0, interactive=False)
    stamp.write_text(now)


def _stamp_of_static_files() -> str:
    from django.contrib.staticfiles.finders import get_finders

    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            digest.update(f"{storage.path(name)} {storage.size(name)} {storage.get_modified_time(name)}\n".encode())
    return digest.hexdigest()
